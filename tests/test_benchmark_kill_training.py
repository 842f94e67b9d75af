"""The killer: it kills what runs, tells what differs, and never takes an ended run for a killed one."""

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))

import kill_training as bench

RUN = """
import pathlib, sys, time
for step in range(1, 1 + int(sys.argv[2])):
    folder = pathlib.Path(sys.argv[1]) / "checkpoints" / f"{step:08d}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "step.json").write_text('{"step": %d}' % step)
    time.sleep(0.02)
"""


def run(folder, steps):
    return [sys.executable, "-c", RUN, str(folder), str(steps)]


class Late(random.Random):
    """Kills fall as late as they may."""

    def random(self):
        return 1.0


def test_a_run_is_killed_after_it_has_gone_on(tmp_path):
    stood = bench.run_and_kill(run(tmp_path, 10_000), tmp_path, tmp_path / "log", Late(), 0.1)
    assert 1 <= stood < 200


def test_a_run_that_ends_by_itself_was_not_killed(tmp_path):
    with pytest.raises(bench.RunFailed, match="before the kill"):
        bench.run_and_kill(run(tmp_path, 0), tmp_path, tmp_path / "log", Late(), 0.0)
    with pytest.raises(bench.RunFailed, match="no such thing"):
        bench.run_whole([sys.executable, "-c", "raise SystemExit('no such thing')"], tmp_path / "log")


def test_files_that_differ_or_stand_alone_are_named(tmp_path):
    for run_dir, names in (("a", "xyz"), ("b", "xy")):
        (tmp_path / run_dir).mkdir()
        for name in names:
            (tmp_path / run_dir / f"{name}.safetensors").write_bytes(b"1" if name == "x" else run_dir.encode())
    found = bench.differences(tmp_path / "a", tmp_path / "b")
    assert found == (3, ["y.safetensors", "z.safetensors"])
