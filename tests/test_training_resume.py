"""A run that is killed at any moment, and started again by the same command, ends with the same bytes."""

import json
import random
import signal
import time

import pytest

from skyloom.training.checkpointing import checkpoint_steps
from training_runs import spawner  # noqa: F401 (a fixture)


def newest(run_dir):
    return max(checkpoint_steps(run_dir / "checkpoints"), default=0)


def kill_once(process, run_dir, rng):
    """Start the run, wait until it has gone on by a checkpoint, and kill it at a random moment after that."""
    before = newest(run_dir)
    process.start()
    while newest(run_dir) <= before and process.is_alive():
        time.sleep(0.001)
    time.sleep(rng.uniform(0, 0.05))
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL, "the run was over before the kill"


@pytest.mark.parametrize(("kind", "steps", "kills"), [("toy", 600, 6), ("autoencoder", 80, 4)])
def test_killed_runs_end_with_the_same_bytes(tmp_path, spawner, kind, steps, kills):  # noqa: F811
    whole, broken, rng = tmp_path / "whole", tmp_path / "broken", random.Random(kind)
    for _ in range(kills):
        kill_once(spawner(kind, str(broken), steps), broken, rng)
    assert newest(broken) < steps
    for run_dir in (whole, broken):
        process = spawner(kind, str(run_dir), steps)
        process.start()
        process.join()
        assert process.exitcode == 0
    folders = [run_dir / "checkpoints" / f"{steps:08d}" for run_dir in (whole, broken)]
    for part in ("weights", "optimizer", "ema"):
        first, second = ((folder / f"{part}.safetensors").read_bytes() for folder in folders)
        assert first == second, part
    logs = [(run_dir / "metrics.jsonl").read_text().splitlines() for run_dir in (whole, broken)]
    steps_of = [[json.loads(line)["step"] for line in log] for log in logs]
    assert steps_of[0] == steps_of[1]
    assert len(list((broken / "checkpoints").iterdir())) == 2
