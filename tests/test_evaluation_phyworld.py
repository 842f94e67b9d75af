"""PhyWorld's parsers and errors: published floors, faults of known size."""

import pytest
import torch

from skyloom.data.phyworld import Motion, frame_times
from skyloom.data.phyworld_pictures import render_discs
from skyloom.data.phyworld_questions import questions
from skyloom.evaluation.phyworld_parsers import published, unbiased
from skyloom.evaluation.phyworld_scores import errors, truths, with_lost


def mean_errors(name, parser, count, size=64):
    asked = questions(name, "in range", count)
    pixels = render_discs(asked.motion.positions(frame_times()), asked.motion.radius, size)
    seen = parser(pixels, asked.motion.radius.shape[1])
    found = [errors(places, truth) for places, truth in zip(seen, truths(asked.motion), strict=True)]
    return {measure: sum(e[measure] for e in found) / count for measure in found[0]}


def test_the_published_parser_reads_every_speed_one_256th_too_low():
    motion = Motion(torch.tensor([[1.0]]), torch.tensor([[[1.5, 5.0]]]), torch.tensor([[[2.56, 0.0]]]), 0.0)
    seen = published(render_discs(motion.positions(frame_times()), motion.radius, 256), 1)[0]
    speed = (seen[20, 0, 0] - seen[3, 0, 0]) / 1.7
    assert speed.item() == pytest.approx(2.55, abs=2e-3)


def test_floors_of_the_published_parser():
    assert mean_errors("uniform", published, 5)["speed"] == pytest.approx(0.0099, abs=0.002)
    assert mean_errors("parabola", published, 5)["place_x"] == pytest.approx(0.0210, abs=0.002)


def test_the_unbiased_parser_is_exact_at_64():
    found = mean_errors("uniform", unbiased, 12)
    assert found["speed"] < 1e-3 and found["place_x"] < 2e-3 and found["lost"] == 0


def line(speeds):
    """A disc that starts at 2 with speed 2, read as going at other speeds."""
    motion = Motion(torch.tensor([[1.0]]), torch.tensor([[[2.0, 5.0]]]), torch.tensor([[[2.0, 0.0]]]), 0.0)
    truth = truths(motion)[0]
    seen = truth.places.clone()
    seen[:, 0, 0] = 2.02 + torch.cumsum(torch.tensor(speeds), 0) * 0.1
    return errors(seen, truth)


def test_speed_is_the_mean_over_time_and_frame_speed_is_not():
    wobbling = line([2.5 if frame % 2 else 1.5 for frame in range(32)])
    assert wobbling["speed"] == pytest.approx(0.0, abs=0.03)
    assert wobbling["frame_speed"] == pytest.approx(0.5, abs=1e-5)
    steady = line([2.25] * 32)
    assert steady["speed"] == pytest.approx(0.25, abs=1e-5) == steady["frame_speed"]


def test_what_is_lost_stands_at_the_edge_and_is_counted():
    motion = Motion(torch.tensor([[1.0]]), torch.tensor([[[2.0, 5.0]]]), torch.tensor([[[2.0, 0.0]]]), 0.0)
    truth = truths(motion)[0]
    seen = torch.full((32, 1, 2), torch.nan)
    found = errors(seen, truth)
    assert found["lost"] == 1.0 and found["speed"] == pytest.approx(2.0)
    assert with_lost(torch.full((2, 2, 2), torch.nan))[0, :, 0].tolist() == [0.0, 10.0]


def test_an_impact_that_passes_through_is_the_jump_that_was_missed():
    asked = questions("collision", "in range", 1)
    truth = truths(asked.motion)[0]
    ghost = asked.motion.start[0] + asked.motion.velocity[0] * frame_times()[:, None, None]
    jump = (asked.motion.after() - asked.motion.velocity[..., 0]).abs().mean().item()
    assert errors(ghost, truth)["speed"] == pytest.approx(jump, rel=1e-6)
    assert errors(truth.places, truth)["speed"] == pytest.approx(0.0, abs=1e-12)
