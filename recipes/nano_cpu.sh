#!/usr/bin/env bash
# Trains `nano` on two CPU cores in under two hours, from nothing: autoencoder, transformer, checkpoint, scores.
# Every stage goes on where it stood when the same command is given again.
#   recipes/nano_cpu.sh [RUN_DIR]
# Expect (two AMD EPYC cores with AVX-512 bf16): see src/skyloom/weights/nano/card.md, which this recipe made.
set -euo pipefail
run=${1:-runs/nano}
skyloom=${SKYLOOM:-.venv/bin/skyloom}
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-2}

"$skyloom" train autoencoder nano "$run/autoencoder"
"$skyloom" train transformer nano "$run/transformer" --autoencoder "$run/autoencoder/autoencoder.safetensors" --bank "$run/bank"
"$skyloom" train pack nano "$run/checkpoint" --autoencoder "$run/autoencoder/autoencoder.safetensors" \
    --transformer "$run/transformer/transformer.safetensors" --dtype int8
"$skyloom" evaluate prompts autoencoder --checkpoint "$run/checkpoint" --out "$run/report"
