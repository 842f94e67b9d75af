#!/usr/bin/env bash
# Trains what reads clips (about fifteen minutes of one core), measures it, and puts it into the package.
#   recipes/readers.sh captioner|oracle [RUN_DIR]     the same command again goes on where it stood
#   SHARE=0.01 COUNT=50 SHIP= recipes/readers.sh captioner runs/trial      a rehearsal that ships nothing
set -euo pipefail
name=$1
run=${2:-runs/$name}
python=${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python3)}
declare -A measure=([captioner]=captions_suite [oracle]=oracle_card)

"$python" -m skyloom train "$name" nano "$run" --share "${SHARE:-1}"
"$python" -m "skyloom.evaluation.${measure[$name]}" --folder "$run" --count "${COUNT:-500}"
if [ -n "${SHIP-yes}" ]; then
    mkdir -p "src/skyloom/weights/$name"
    cp "$run"/{config.json,"$name.safetensors",training.json,card.json,card.md} "src/skyloom/weights/$name/"
fi
