"""Failures: each measure on what was made to fail, or not to; the suite's log and table."""

import dataclasses

import pytest
import torch

from skyloom.evaluation import failures_suite
from skyloom.evaluation.failures import FAILURES, Watched, appears, bends, drifts, morphs
from skyloom.evaluation.failures_suite import FailuresPlan, faded, from_the_middle, noticed, run, table_of
from skyloom.evaluation.samples import SampleLog
from skyloom.models.texture import texture
from skyloom.presets import preset

FRAMES, ROW = 17, preset("nano")


def steady(actor=1):
    """One clip: an actor in the middle that neither moves nor changes, and an empty slot."""
    names = torch.full((1, FRAMES, 2, 4), -5.0)
    names[..., actor] = -0.1
    confidence = torch.tensor([0.9, 0.0]).expand(1, FRAMES, 2).clone()
    return Watched(
        torch.full((1, FRAMES), 4.0), names, torch.full((1, FRAMES, 2, 2), 0.5), torch.full((1, FRAMES, 2), -1.0),
        confidence, torch.ones(1, FRAMES, 11),
    )  # fmt: skip


def changed(seen, name, frames, value):
    values = getattr(seen, name).clone()
    values[:, frames] = value
    return dataclasses.replace(seen, **{name: values})


def test_nothing_happens_to_what_is_steady():
    assert not any(measure(steady()).item() for measure in (appears, morphs, bends, drifts))


def test_someone_who_comes_from_nowhere_is_noticed_and_who_walks_in_is_not():
    more = changed(steady(), "heat", slice(8, None), 8.0)
    assert appears(more).item()
    assert not appears(changed(steady(), "heat", slice(8, 9), 8.0)).item()  # one frame's misreading
    assert not appears(changed(more, "centre", slice(5, 12), torch.tensor([0.05, 0.5]))).item()


def test_another_name_at_the_end_is_a_metamorphosis():
    other = changed(steady(), "names", slice(9, None), steady(2).names[:, 9:])
    assert morphs(other).item()
    assert not morphs(changed(steady(), "names", slice(5, 8), steady(2).names[:, 5:8])).item()
    assert not morphs(changed(other, "confidence", slice(9, None), 0.1)).item()


def test_growth_bends_nothing_and_a_jump_does():
    grows = dataclasses.replace(steady(), side=torch.linspace(-1.5, -0.5, FRAMES)[None, :, None].expand(1, FRAMES, 2))
    assert not bends(grows).item()
    assert bends(changed(steady(), "side", slice(9, None), -0.4)).item()
    assert not bends(changed(steady(), "side", slice(9, 10), -0.4)).item()


def test_fading_is_drift():
    generator = torch.Generator().manual_seed(0)
    still = (torch.rand((1, 3, 1, 16, 16), generator=generator) * 2 - 1).expand(1, 3, FRAMES, 16, 16)
    assert not drifts(dataclasses.replace(steady(), surface=texture(still))).item()
    assert drifts(dataclasses.replace(steady(), surface=texture(faded(still)))).item()
    assert torch.equal(faded(still)[:, :, 0], still[:, :, 0])


def test_halves_meet_in_the_middle():
    clip = from_the_middle(torch.zeros(1, 3, 5, 2, 2), torch.ones(1, 3, 5, 2, 2))
    assert clip[0, 0, :, 0, 0].tolist() == [0, 0, 1, 1, 1]


@pytest.fixture
def all_fail(monkeypatch):
    """A judge to whom everything fails but renders brighter than grey."""

    def judge(oracle, pixels):
        return [dict.fromkeys(FAILURES, bool(mean <= 0)) for mean in pixels.mean((1, 2, 3, 4))]

    monkeypatch.setattr(failures_suite, "failures", judge)


def test_a_stopped_suite_goes_on(all_fail, tmp_path):
    clip = dataclasses.replace(ROW.clip, num_frames=5, height=32, width=32)
    plan = FailuresPlan(ROW.world, clip, count=2, batch_size=2)
    log = SampleLog(tmp_path / "failures.jsonl", {})
    samples = run(plan, None, lambda prompts, seeds: -torch.ones(len(prompts), 3, 5, 32, 32), log, lambda n: None)
    assert len(samples) == 2 * len(failures_suite.GROUPS)
    assert all(sample["generated"]["drift"] for sample in samples)
    assert run(plan, None, None, log, lambda n: None) == samples
    table, numbers = table_of(samples, {name: [1.0, 0.0] for name in FAILURES})
    assert [row[0] for row in table.rows] == list(FAILURES)
    assert numbers["drift"]["planted"]["mean"] == 0.5
    assert numbers["drift"]["generated"]["mean"] == 1.0


def test_every_failure_can_be_planted(all_fail):
    class Knows64:
        config = type("Config", (), {"actors": range(64)})

    clip = dataclasses.replace(ROW.clip, num_frames=5, height=32, width=32)
    found = noticed(Knows64(), FailuresPlan(ROW.world, clip, count=2))
    assert set(found) == set(FAILURES)
    assert all(len(values) == 2 for values in found.values())
