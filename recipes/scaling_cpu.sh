#!/usr/bin/env bash
# What more compute buys: the same network on the same clips for 1, 4 and 32 times the steps, graded, with a power law.
#   recipes/scaling_cpu.sh [RUN_DIR]
# PRESET, BASE_STEPS, CLIPS and COUNT make it as small or as large as the machine; `PRESET=tiny BASE_STEPS=20 COUNT=2`
# takes a few minutes on one core and only shows the road. Every stage goes on where it stood when the command is given
# again.
set -euo pipefail
run=${1:-runs/scaling}
preset=${PRESET:-tiny}
base=${BASE_STEPS:-60}
count=${COUNT:-40}
skyloom=${SKYLOOM:-.venv/bin/skyloom}
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-2}

"$skyloom" train autoencoder "$preset" "$run/autoencoder" ${AUTOENCODER_STEPS:+--steps "$AUTOENCODER_STEPS"}
codec="$run/autoencoder/autoencoder.safetensors"
for times in 1 4 32; do
    point="$run/x$times"
    "$skyloom" train transformer "$preset" "$point/transformer" --autoencoder "$codec" --bank "$run/bank" \
        ${CLIPS:+--set "cached_clips=$CLIPS"} --steps $((base * times))
    "$skyloom" train pack "$preset" "$point/checkpoint" --autoencoder "$codec" \
        --transformer "$point/transformer/transformer.safetensors" --dtype bf16
    "$skyloom" evaluate prompts --checkpoint "$point/checkpoint" --out "$point/report" --count "$count"
done
"$skyloom" evaluate scaling "$run/x1" "$run/x4" "$run/x32" --out "$run/report"
