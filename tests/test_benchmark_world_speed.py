"""The world's clock: it counts what it says, and refuses what it cannot measure."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))

import world_speed as bench


def test_stages_add_up_and_the_first_round_is_not_counted(tmp_path, capsys):
    sizes = ["--frames", "2", "--height", "16", "--width", "24", "--clips", "3", "--repeats", "2"]
    assert bench.main([*sizes, "--json", str(tmp_path / "a.json")]) == 0
    found = json.loads((tmp_path / "a.json").read_text())
    assert found["clip"] == {"num_frames": 2, "height": 16, "width": 24, "fps": 8.0}
    assert {stage: len(seconds) for stage, seconds in found["seconds"].items()} == dict.fromkeys(bench.STAGES, 2)
    *parts, whole = (found["seconds"][stage] for stage in bench.STAGES)
    assert [sum(stages) for stages in zip(*parts, strict=True)] == pytest.approx(whole)
    assert "2 frames of 24 x 16" in capsys.readouterr().out


def test_rates_are_clips_over_seconds():
    table = bench.rates_table({stage: [2.0, 4.0, 8.0] for stage in bench.STAGES}, 64, "")
    cells = {column.header: list(column.cells) for column in table.columns}
    assert cells["clips/s (median)"] == ["16"] * 4 and cells["clips/s (best)"] == ["32"] * 4
    assert cells["ms a clip"] == ["62.50"] * 4


def test_impossible_sizes_are_refused(capsys):
    assert bench.main(["--height", "0"]) == 2
    assert "height must be at least 1" in capsys.readouterr().err
