#!/usr/bin/env bash
# Trains `nano` on two CPU cores from nothing: autoencoder, transformer, planner, locator, few steps, checkpoint, scores.
# Every stage goes on where it stood when the same command is given again.
#   recipes/nano_cpu.sh [RUN_DIR]
# The checkpoint in the package came from these stages, its networks in several runs that changed on the way:
# src/skyloom/weights/nano/card.md tells them, docs/nano-report.md its scores. As written here, in one go and with about as
# many samples, the transformer's stage has not been run from its first step to its last.
# torch.compile needs a C++ compiler (g++ or clang++). Without one, append to the stages of transformer, planner and few steps:
#   --set transformer_training.compile=false   --set planner_training.compile=false   --set few_step_training.compile=false
set -euo pipefail
run=${1:-runs/nano}
skyloom=${SKYLOOM:-.venv/bin/skyloom}
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-2}
world=(--set world.two_actors=0.4 --set world.camera=0.3) # more of what is hard than the preset's world has

"$skyloom" train autoencoder nano "$run/autoencoder"
"$skyloom" train transformer nano "$run/transformer" --autoencoder "$run/autoencoder/autoencoder.safetensors" --bank "$run/bank" "${world[@]}"
"$skyloom" train planner nano "$run/planner" --bank "$run/bank" "${world[@]}"
"$skyloom" train locator nano "$run/locator" --autoencoder "$run/autoencoder/autoencoder.safetensors" --bank "$run/bank" "${world[@]}"
"$skyloom" train few-step nano "$run/few_step" --start "$run/transformer/transformer.safetensors" --guidance 4.5 \
    --autoencoder "$run/autoencoder/autoencoder.safetensors" --bank "$run/bank" "${world[@]}"
"$skyloom" train pack nano "$run/checkpoint" --autoencoder "$run/autoencoder/autoencoder.safetensors" \
    --transformer "$run/transformer/transformer.safetensors" --planner "$run/planner/transformer.safetensors" \
    --locator "$run/locator/locator.safetensors" --few-step "$run/few_step/few_step.safetensors" \
    --dtype int8 --autoencoder-dtype int8 --extras-dtype difference --guidance 4.5
"$skyloom" evaluate prompts autoencoder few_steps --checkpoint "$run/checkpoint" --out "$run/report"
