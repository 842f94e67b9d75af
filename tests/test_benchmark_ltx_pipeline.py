"""The comparison with LTX's pipeline: arguments, turns, ratios and table, with a toy of ours and none of theirs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import against_ltx_pipeline as bench
from against_ltx_pipeline import Result, Road, Work
from skyloom.errors import InvalidArgument

TOY = Work(size=32, frames=9, steps=2, layers=1, width=16, heads=2, words=3)


@pytest.fixture(autouse=True)
def quick_machine(monkeypatch):
    monkeypatch.setattr(bench, "matmul_rate", lambda dtype, seconds: 100.0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"size": 100}, "size must be a multiple of 32, got 100; nearest: 96"),
        ({"frames": 30}, "frames must be 1 + a multiple of 8, got 30; nearest: 25"),
        ({"width": 450}, "width must be a multiple of 8 * heads = 56, got 450; nearest: 448"),
        ({"steps": 0}, "steps must be at least 1, got 0; nearest: 1"),
    ],
)
def test_bad_sizes_name_the_nearest(given, message):
    with pytest.raises(InvalidArgument) as raised:
        Work(**given)
    assert str(raised.value) == message


def test_the_command_says_what_is_wrong(capsys, monkeypatch):
    assert bench.main(["--size", "100"]) == 2
    assert "nearest: 96" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "diffusers", None)
    small = ["--size", "32", "--frames", "9", "--layers", "1", "--width", "16", "--heads", "2"]
    assert bench.main([*small, "--tiny"]) == 2
    assert "skyloom[compare]" in capsys.readouterr().err


def test_our_road_makes_what_was_asked(tmp_path):
    road = bench.skyloom(TOY, tiny=True)
    video = road.frames()
    assert video.frames.shape == (9, 32, 32, 3)
    assert video.metadata["num_inference_steps"] == 2 and video.metadata["guidance_scale"] == 1
    assert road.tokens == 3 * 2 * 2
    assert road.write(video, tmp_path / "x.mp4").stat().st_size > 0


def test_roads_take_turns_and_the_first_round_is_not_counted():
    calls: list[str] = []

    def road(name):
        return Road(name, 1, 1, lambda: calls.append(name), lambda frames, path: calls.append(name.upper()))

    rounds: list[int] = []
    found, rates = bench.measure([road("a"), road("b")], 2, lambda: rounds.append(1))
    assert "".join(calls) == "aAbB" * 3 and len(rounds) == 3 and rates == [100.0] * 3
    assert [len(values) for one in found for values in (one.frames, one.whole, one.processor)] == [2] * 6
    assert all(frames <= whole for one in found for frames, whole in zip(one.frames, one.whole, strict=True))


def test_ratios_are_theirs_over_ours_and_judge_the_goal(tmp_path):
    ours = Result("skyloom", 8, 10, (1.0, 2.0, 9.0), (2.0, 3.0, 10.0), (1.0, 1.0, 1.0))
    theirs = Result("LTX", 8, 10, (8.0, 8.0, 8.0), (9.0, 9.0, 1.0), (2.0, 4.0, 6.0))
    slower = Result("other", 8, 10, (8.0,), (8.9,), (4.0,))
    assert bench.ratios(theirs, ours) == {"frames": 4.0, "whole": 3.0, "processor": 4.0}
    with (tmp_path / "screen").open("w") as file:
        console = Console(width=80, record=True, file=file)
        console.print(bench.table_of([ours, theirs, slower]))
    rows = {line.split()[0]: line.split() for line in console.export_text().splitlines() if line.split()}
    assert rows["LTX"][-3:] == ["3.00", "4.00", "yes"] and rows["other"][-1] == "no"
    read = json.loads(json.dumps(bench.report([ours, theirs], [1.0], TOY)))
    assert read["results"][1]["theirs_over_ours"]["whole"] == 3 and "diffusers" in read["machine"]
