"""Training of what watches clips: both stages learn, a killed run ends with the same weights."""

import dataclasses
import shutil

import pytest
import torch

from skyloom.config import ClipConfig, WorldConfig
from skyloom.errors import InvalidArgument, TrainingError
from skyloom.models.watcher import Watcher, vocabulary_of
from skyloom.models.watcher_truth import UNKNOWN
from skyloom.presets import TINY
from skyloom.training import watcher as stages
from skyloom.training.readers import new_reader, reader_plan
from skyloom.training.watcher import CLOCK, EYE, WatcherPlan, clock_targets, cross_entropy, train_watcher, varied
from skyloom.world.vocabulary import SPEEDS

WORLD = WorldConfig(actors=4, places=("beach", "farm"), motions=("walk", "spin", "stand"))
FAST = {"checkpoint_every": 1, "log_every": 1, "batch_size": 2}
PLAN = WatcherPlan(
    WORLD, ClipConfig(num_frames=5, height=32, width=32), clips=4,
    eye=dataclasses.replace(EYE, steps=2, **FAST), clock=dataclasses.replace(CLOCK, steps=2, **FAST),
)  # fmt: skip


def small():
    config = dataclasses.replace(
        vocabulary_of(WORLD, SPEEDS), num_frames=5, height=32, width=32, eye_width=8, classifier_width=8, clock_width=8
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Watcher(config)


@pytest.fixture(autouse=True)
def _two_shards(monkeypatch):
    monkeypatch.setattr(stages, "SHARD", 2)


def test_a_killed_run_ends_with_the_same_weights(tmp_path):
    whole = train_watcher(small(), PLAN, tmp_path / "whole").state_dict()
    cut = tmp_path / "cut"
    shutil.copytree(tmp_path / "whole", cut)
    shutil.rmtree(cut / "clock" / "checkpoints" / "00000002")
    (cut / "evidence" / "00000002.safetensors").unlink()
    again = train_watcher(small(), PLAN, cut).state_dict()
    for name, value in whole.items():
        assert torch.equal(value, again[name]), name
    assert not torch.equal(whole["clock.slot_in.weight"], small().state_dict()["clock.slot_in.weight"])
    assert not torch.equal(whole["eye.stem.0.weight"], small().state_dict()["eye.stem.0.weight"])
    with pytest.raises(TrainingError, match=r"first_scene = 0, got 9"):
        train_watcher(small(), dataclasses.replace(PLAN, first_scene=9), cut)


def test_the_clock_learns_a_few_clips_by_heart(tmp_path):
    long = dataclasses.replace(PLAN, clock=dataclasses.replace(PLAN.clock, steps=60, batch_size=4))
    watcher = small()
    seen, wanted = stages.gathered(watcher.eval(), long, tmp_path, {}, lambda text: None)
    stage = stages.ClockStage(watcher, long, seen, wanted)
    optimizer = torch.optim.AdamW(watcher.clock.parameters(), 1e-2)
    losses = []
    for step in range(60):
        loss, values = stage.loss(step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]
    assert set(values) == {"count", "weather", "camera", "style", "order", "motion", "direction", "speed"}


def test_what_has_no_answer_costs_nothing():
    logits = torch.tensor([[[2.0, 0.0]], [[0.0, 5.0]]])
    known = cross_entropy(logits[:1], torch.tensor([[0]]))
    assert torch.allclose(cross_entropy(logits, torch.tensor([[0], [UNKNOWN]])), known)


def test_targets_have_an_answer_where_the_world_has_one():
    _, truth = stages.clips_with_truth(varied(WORLD), PLAN.clip, small().config, torch.arange(60), "train")
    wanted = clock_targets(small(), truth)
    alone = truth.count == 0
    assert (wanted["motion"][alone, 1] == UNKNOWN).all()
    assert (wanted["motion"][alone, 0] != UNKNOWN).all()
    stands = wanted["motion"] == small().config.motions.index("stand")
    assert (wanted["speed"][stands] == UNKNOWN).all()
    walks = wanted["motion"] == small().config.motions.index("walk")
    assert (wanted["speed"][walks] != UNKNOWN).all()
    assert (wanted["direction"][walks] < 2).all()


def test_the_readers_share_neither_weights_nor_scenes():
    plans = {name: reader_plan(name, TINY, 0.01) for name in ("oracle", "captioner")}
    reach = {
        name: (plan.first_scene, plan.first_scene + plan.eye.steps * plan.eye.batch_size + plan.clips)
        for name, plan in plans.items()
    }
    assert reach["oracle"][1] <= reach["captioner"][0]
    weights = [new_reader(name, TINY).state_dict()["eye.stem.0.weight"] for name in plans]
    assert not torch.equal(*weights)
    with pytest.raises(InvalidArgument, match=r"nearest: captioner"):
        reader_plan("captoner", TINY)
