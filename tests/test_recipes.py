"""The recipe of the GPU, rehearsed on a CPU."""

import os
import subprocess
import sys
import tarfile

import pytest

from skyloom.pipelines.checkpoint import load_checkpoint


@pytest.mark.slow
def test_the_recipe_of_one_gpu_from_words_to_a_checkpoint(tmp_path):
    run, out = tmp_path / "run", tmp_path / "out"
    environment = os.environ | {"PRESET": "tiny", "PYTHON": sys.executable, "OUT": str(out), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        ["recipes/base_one_gpu.sh", str(run)], env=environment | {"PYTHONPATH": "src"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert all(file.stat().st_size <= 16 * 2**20 for file in out.iterdir())
    joined = tmp_path / "checkpoint.tar"
    joined.write_bytes(b"".join(part.read_bytes() for part in sorted(out.glob("checkpoint.tar.*"))))
    with tarfile.open(joined) as packed:
        packed.extractall(tmp_path, filter="data")
    packed_up = load_checkpoint(tmp_path / "checkpoint")
    assert packed_up.preset.name == "tiny" and {"planner", "locator", "few_step", "causal"} <= packed_up.extras.keys()
    assert (out / "samples.png").exists() and (out / "metrics.jsonl").exists()
