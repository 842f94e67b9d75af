"""Marks: the reader on what is known to be marked, the counting on series that were made up, a row."""

import dataclasses
from typing import Any

import pytest
import torch

from skyloom.evaluation import marks_suite
from skyloom.evaluation.mark_reader import copies_of, fit_reader, ridge, spots, with_events
from skyloom.evaluation.marks_suite import goes_on, happening, marked_cases, marks_world, shown_scores, told_scores
from skyloom.evaluation.oracle import load_oracle
from skyloom.evaluation.oracle_clips import numbered_scenes, render_scenes
from skyloom.evaluation.task_bench import TasksPlan
from skyloom.presets import preset
from skyloom.world.facts import describe_all

ROW = preset("nano")
ALL = torch.ones(8, dtype=torch.bool)


def series(text):
    return torch.tensor([1.0 if letter == "x" else -1.0 for letter in text])


@pytest.mark.parametrize(
    ("marks", "wanted"),
    [
        ("...xxxxx", {"happens": 1.0, "anew": 1.0, "kept": 1.0, "right": 1.0}),
        ("........", {"happens": 0.0, "right": 0.0}),
        ("xxxxxxxx", {"happens": 1.0, "anew": 0.0, "kept": 1.0, "right": 0.0}),
        ("..xxxx..", {"happens": 1.0, "anew": 1.0, "kept": 0.0, "right": 0.0}),
        ("..xxx.xx", {"happens": 1.0, "anew": 1.0, "kept": 1.0, "right": 1.0}),  # one frame's misreading
        ("...x....", {"happens": 0.0, "right": 0.0}),
    ],
)
def test_a_mark_must_come_and_stay(marks, wanted):
    assert told_scores(series(marks), ALL) == wanted


def test_frames_that_cannot_be_read_have_no_say():
    seen = series("xxxx.xxx") > 0
    assert told_scores(series("..xx.xxx"), seen)["right"] == 1
    assert shown_scores(series("xxxx.xxx"), seen) == {"frames": 1.0, "right": 1.0}
    assert shown_scores(series("xxxxxxxx"), ~ALL) == {"frames": 0.0, "right": 0.0}


def test_a_continuation_keeps_a_mark_in_all_frames_or_not():
    assert shown_scores(series("xxxxxx.."), ALL) == {"frames": 0.75, "right": 0.0}
    assert shown_scores(series("xxxx.xxx"), ALL)["right"] == 1


def test_ridge_finds_the_direction_that_tells_groups_apart():
    generator = torch.Generator().manual_seed(0)
    target = torch.tensor([1.0, -1.0]).repeat(40)
    cuts = 0.1 * torch.randn((80, 200), generator=generator)
    cuts[:, 7] += target
    mean, weight = ridge(cuts, target, 0.01)
    assert weight.abs().argmax() == 7
    assert (((cuts - mean) @ weight > 0) == (target > 0)).all()


def test_a_dark_spot_is_told_wherever_it_lies_in_its_line():
    cuts = torch.zeros(2, 3, 8, 8)
    cuts[0, :, 3, 1] = cuts[1, :, 3, 6] = -1
    told = spots(cuts)
    assert torch.equal(told[0], told[1])
    assert told[0].nonzero()[:, 0].tolist() == [3, 11, 19]


def test_copies_say_the_same_and_look_different():
    scene = numbered_scenes(marks_world(ROW.world), ROW.clip, torch.arange(1), "heldout")
    copies = copies_of(scene, 4)
    assert [(f.actors[0].name, f.actors[0].motion) for f in describe_all(copies)] == [
        (f.actors[0].name, f.actors[0].motion) for f in describe_all(scene)
    ] * 4
    assert copies.scale.unique().numel() > 1
    assert (copies.variation[:, 7] == scene.variation[0, 7]).all()


def test_the_reader_tells_a_broken_car_from_a_whole_one():
    world = dataclasses.replace(marks_world(ROW.world), motions=("stand",))
    scenes = numbered_scenes(world, ROW.clip, torch.arange(40), "seen")
    row = next(k for k, facts in enumerate(describe_all(scenes)) if facts.events[0].name == "broken")
    scene = scenes.select(slice(row, row + 1))
    reader = fit_reader(load_oracle(), scene, "broken", 8.0)
    frames = torch.arange(0, 17, 8)
    clips = [render_scenes(with_events(scene, [name], -1.0), ROW.clip, frames) for name in ("broken", "none")]
    (marked, seen), (whole, _) = (reader.read(clip) for clip in clips)
    assert seen.all()
    assert (marked > 0).all() and (whole < 0).all()


class GreyBench:
    """A bench whose checkpoint makes nothing but grey."""

    plan = TasksPlan(ROW.world, ROW.clip, 1)
    oracle = load_oracle()

    class pipeline:
        class autoencoder:
            config = ROW.autoencoder

    def __init__(self):
        self.kept = []

    def run(self, tasks):
        return torch.zeros(len(tasks), 3, ROW.clip.num_frames, 64, 64)

    def reconstruct(self, pixels):
        return pixels

    def keep_pairs(self, row, numbers, real, made):
        self.kept += [(row, number) for number in numbers]


def test_a_row_scores_renders_and_planted_faults():
    bench: Any = GreyBench()
    (found,) = marks_suite.shown(bench, [0])
    assert found["render"]["right"] == 1 and found["still"]["right"] == 1
    assert found["the mark vanishes"]["right"] == 0 and found["made"]["right"] == 0
    assert bench.kept == [("shown", 0)]


def test_cases_are_the_same_in_any_batch_and_say_what_happens_only_when_told(monkeypatch):
    monkeypatch.setattr(marks_suite, "fit_reader", lambda oracle, scene, event, fps: type("R", (), {"event": event}))
    bench: Any = GreyBench()
    told, shown = (marked_cases(bench, [0, 1], "told", told=yes) for yes in (True, False))
    assert told.cases[1] == marked_cases(bench, [1], "told", told=True).cases[0]
    assert all(a.prompt != b.prompt and a.facts == b.facts for a, b in zip(told.cases, shown.cases, strict=True))
    assert [case.facts.events[0].name for case in told.cases] == told.events
    pixels = happening(told, ROW.clip, 0.5)
    plain = happening(dataclasses.replace(told, readers=[type("R", (), {"event": "none"})] * 2), ROW.clip, 0.5)
    assert torch.equal(pixels[:, :, :4], plain[:, :, :4])
    assert not torch.equal(pixels[0, :, -1], plain[0, :, -1])


def test_who_stays_leaves_no_footprints_behind():
    world = dataclasses.replace(ROW.world, two_actors=0.0, three_actors=0.0)
    for motion, leaves in (("stand", False), ("run", True)):
        scenes = numbered_scenes(dataclasses.replace(world, motions=(motion,)), ROW.clip, torch.arange(20), "seen")
        assert any(goes_on(scenes, ROW.clip)) == leaves
