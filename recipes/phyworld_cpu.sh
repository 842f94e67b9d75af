#!/usr/bin/env bash
# PhyWorld's uniform motion on one CPU core: with views of every symmetry, and with none; both graded, then compared.
#   recipes/phyworld_cpu.sh [RUN_DIR]
# The first takes about 25 minutes on one core, as does the second. STEPS, CLIPS and COUNT make both smaller.
set -euo pipefail
run=${1:-runs/phyworld}
skyloom=${SKYLOOM:-.venv/bin/skyloom}
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

for symmetries in all none; do
    "$skyloom" train phyworld "${SCENARIO:-uniform}" "$run/$symmetries" --symmetries "$symmetries" \
        --steps "${STEPS:-3500}" --clips "${CLIPS:-30000}"
    "$skyloom" evaluate phyworld --checkpoint "$run/$symmetries/checkpoint" --out "$run/$symmetries/report" \
        --count "${COUNT:-200}"
done
"$skyloom" evaluate compare "$run/none/report" "$run/all/report" --out "$run/compared"
