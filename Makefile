# Two commands do all the set-up: `make demo` and `make test`. Both work in their own environment, .venv.
PYTHON ?= python3
BIN := .venv/bin
export OMP_NUM_THREADS ?= 2

.PHONY: demo test benchmark openai2 bugs clean

.venv/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -c "import torch" 2>/dev/null || $(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev,train,serve,postgres]"
	touch $@

demo: .venv/installed  ## install, then make a video from a prompt with the shipped weights
	$(BIN)/skyloom generate "a dog runs right on the beach" --seed 7 --output out/demo.mp4

test: .venv/installed-dev  ## install, then lint and run every test
	$(BIN)/ruff check src tests scripts benchmarks
	$(BIN)/ty check --python .venv
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

bugs: .venv/installed-dev  ## plant known bugs one by one and see that the tests catch each
	OMP_NUM_THREADS=1 $(BIN)/python scripts/plant_bugs.py

benchmark: .venv/installed  ## grade the shipped checkpoint, quick; the same seed gives the same numbers
	$(BIN)/skyloom evaluate prompts autoencoder phyworld moving-mnist captions wording failures marks permanence \
		--quick --seed 0 --out out/benchmark

openai2: .venv/installed-dev  ## the server's client tests with the client's other major version, in an environment of its own
	scripts/check_openai_2.sh

clean:
	rm -rf out build .pytest_cache .ruff_cache
