"""The captions suite: what it counts, on captions whose faults are known."""

import dataclasses

import pytest
import torch

from skyloom.evaluation.captions_suite import LOOKS, CaptionsPlan, compare, matched, run, summary, table_of
from skyloom.evaluation.oracle_clips import numbered_scenes
from skyloom.evaluation.samples import SampleLog
from skyloom.presets import preset
from skyloom.world.facts import describe_all

ROW = preset("nano")


def facts(motion, count=2):
    world = dataclasses.replace(ROW.world, two_actors=1.0, motions=("walk", "stand"), weather=1.0, camera=0, style=0)
    found = describe_all(numbered_scenes(world, ROW.clip, torch.arange(200), "seen"))
    return next(f for f in found if f.actors[0].motion == motion and f.count == count and f.actors[0].side == "left")


def change(truth, slot, **values):
    actors = list(truth.actors)
    actors[slot] = dataclasses.replace(actors[slot], **values)
    return dataclasses.replace(truth, actors=tuple(actors))


def test_the_truth_is_covered_and_precise():
    truth = facts("walk")
    found = compare(truth, truth)
    assert found.pop("hallucination") == [0.0]
    assert all(value == 1 for values in found.values() for value in values)
    assert found["coverage actor"] == [1.0, 1.0]
    assert found["coverage weather"] == [1.0]
    assert "coverage camera" not in found
    assert found["order"] == [1.0]


def test_each_fault_costs_its_own_measure():
    truth = facts("walk")
    name = compare(change(truth, 0, name="nobody"), truth)
    assert (name["precision actor"], name["coverage actor"], name["hallucination"]) == ([0.0, 1.0], [0.0, 1.0], [1.0])
    assert name["precision motion"] == [1.0, 1.0]
    left = compare(dataclasses.replace(truth, actors=truth.actors[:1]), truth)
    assert (left["precision actor"], left["coverage actor"], left["hallucination"]) == ([1.0], [1.0, 0.0], [0.0])
    silent = compare(dataclasses.replace(truth, weather="clear"), truth)
    assert silent["coverage weather"] == [0.0]
    assert "precision weather" not in silent
    moved = compare(dataclasses.replace(truth, place="nowhere"), truth)
    assert moved["coverage place"] == moved["precision place"] == [0.0]
    swapped = compare(change(change(truth, 0, side="right"), 1, side="left"), truth)
    assert swapped["order"] == [0.0]


def test_who_is_told_first_does_not_matter():
    truth = facts("walk")
    turned = dataclasses.replace(truth, actors=truth.actors[::-1])
    assert all(a.name == b.name for a, b in matched(turned.actors, truth.actors))
    assert compare(turned, truth) == {k: v[::-1] if len(v) == 2 else v for k, v in compare(truth, truth).items()}


class Told:
    """A captioner that always says the same."""

    def __init__(self, truths):
        self.truths = truths

    def describe(self, pixels):
        self.asked = len(pixels)
        return self.truths[: len(pixels)]


def test_a_stopped_run_goes_on_and_the_table_adds_up(tmp_path):
    clip = dataclasses.replace(ROW.clip, num_frames=5, height=32, width=32)
    plan = CaptionsPlan(ROW.world, clip, count=4, batch_size=4)
    truths = describe_all(numbered_scenes(ROW.world, clip, torch.arange(4), "heldout"))
    log = SampleLog(tmp_path / "samples.jsonl", {})
    samples = run(plan, Told(truths), log, lambda steps: None)
    assert run(plan, None, log, lambda steps: None) == samples
    perfect, other = summary(samples, "render"), summary(samples, "other")
    assert perfect["precision place"].mean == perfect["coverage actor"].mean == 1
    assert other["precision actor"].mean < 0.5
    table, numbers = table_of(samples)
    assert len(table.header) == 1 + len(LOOKS)
    assert numbers["render"]["hallucination"]["mean"] == pytest.approx(0)
