"""Views of clips: the law holds in each."""

import pytest
import torch

from skyloom.data.phyworld import SCENARIOS, TrainingGrid, frame_times
from skyloom.data.phyworld_symmetries import SYMMETRIES, View
from skyloom.errors import InvalidArgument


def views(name, symmetries, count=64):
    generator = torch.Generator().manual_seed(1)
    motion, good = TrainingGrid(name).clips(torch.arange(0, 100 * count, 100))
    motion = motion.select(good)
    return motion, View(symmetries)(motion, generator)


@pytest.mark.parametrize("name", SCENARIOS)
def test_known_frames_of_single_discs_are_whole_in_view(name):
    _, seen = views(name, SYMMETRIES)
    where, edge = seen.positions(frame_times(3)), seen.radius[:, None, :, None]
    whole = ((where >= edge - 1e-6) & (where <= 10 - edge + 1e-6)).all(-1).all(-1).all(-1)
    assert whole.double().mean() > (0.95 if SCENARIOS[name].discs == 1 else 0.4)


def test_a_boost_leaves_an_impact_elastic():
    before, seen = views("collision", ("boost",))
    mass = before.radius.square()
    for motion in (before, seen):
        speed, after = motion.velocity[..., 0], motion.after()
        assert torch.allclose((mass * speed).sum(1), (mass * after).sum(1))
        assert torch.allclose((mass * speed**2).sum(1), (mass * after**2).sum(1))
    assert torch.allclose(before.impact(), seen.impact())
    assert torch.allclose(seen.velocity[:, 0] - before.velocity[:, 0], seen.velocity[:, 1] - before.velocity[:, 1])


def test_zoom_keeps_the_moment_of_impact_and_rate_moves_it():
    before, nearer = views("collision", ("zoom",))
    assert torch.allclose(before.impact(), nearer.impact())
    before, other = views("collision", ("rate",))
    faster = other.velocity[:, 0, 0] / before.velocity[:, 0, 0]
    assert torch.allclose(before.impact() / faster, other.impact())


def test_falling_bodies_keep_their_gravity():
    before, seen = views("parabola", SYMMETRIES[:2])
    zoom = seen.radius[:, 0] / before.radius[:, 0]
    assert seen.gravity == before.gravity
    assert torch.allclose(seen.velocity[:, 0, 0], before.velocity[:, 0, 0] * zoom.sqrt())


def test_no_symmetry_changes_nothing_and_unknown_ones_are_named():
    before, seen = views("uniform", ())
    assert seen is before
    with pytest.raises(InvalidArgument, match="nearest: zoom"):
        View(("zom",))
