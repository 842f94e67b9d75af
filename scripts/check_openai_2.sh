#!/bin/sh
# Run the client's tests with the other major version of the `openai` client, 2.x (2.28 or newer).
# It is installed alone, into a throwaway environment that sees all other packages of .venv.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$python" -m venv --without-pip "$folder"
site=$("$folder/bin/python" -c "import site; print(site.getsitepackages()[0])")
"$python" -m pip install --quiet -c constraints.txt --target "$site" "${OPENAI:-openai>=2.28,<3}"
"$python" -c "import site; print(site.getsitepackages()[0])" >"$site/others.pth"
PYTHONPATH=src "$folder/bin/python" -c "import openai; print('openai', openai.__version__)"
PYTHONPATH=src "$folder/bin/python" -m pytest tests/test_serving_client.py "$@"
