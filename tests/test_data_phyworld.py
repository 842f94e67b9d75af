"""PhyWorld's clips: the laws on paper, the published grids, pictures whose centre is known."""

import pytest
import torch

from skyloom.data.phyworld import SCENARIOS, STEP, Motion, TrainingGrid, frame_times
from skyloom.data.phyworld_pictures import coverage, pixel_places, render_discs
from skyloom.data.phyworld_questions import GROUPS, grid_values, kind_of, questions
from skyloom.errors import InvalidArgument

HEAD_ON = Motion(
    torch.tensor([[1.0, 0.5]]), torch.tensor([[[2.0, 5.0], [6.5, 5.0]]]), torch.tensor([[[2.0, 0.0], [-1.0, 0.0]]]), 0.0
)


def one(radius, place, speed, gravity=0.0):
    start, velocity = torch.tensor([[place]]).double(), torch.tensor([[[speed, 0.0]]]).double()
    return Motion(torch.tensor([[radius]]).double(), start, velocity, gravity)


def test_a_disc_falls_as_galileo_says_but_for_the_published_step():
    where = one(1.0, (2.0, 8.0), 3.0, -2.5).positions(torch.tensor([0.0, 1.0, 2.0]).double())[0, :, 0]
    assert torch.allclose(where[:, 0], torch.tensor([2.0, 5.0, 8.0]).double())
    fall = 1.25 * torch.tensor([0.0, 1.0, 4.0]) + 1.25 * STEP * torch.tensor([0.0, 1.0, 2.0])
    assert torch.allclose(where[:, 1], (8.0 - fall).double())


def test_discs_that_collide_keep_momentum_and_energy_and_never_overlap():
    assert HEAD_ON.impact().item() == pytest.approx(1.0)
    mass, before, after = torch.tensor([1.0, 0.25]), torch.tensor([2.0, -1.0]), HEAD_ON.after()[0]
    assert (mass * after).sum().item() == pytest.approx((mass * before).sum().item())
    assert (mass * after**2).sum().item() == pytest.approx((mass * before**2).sum().item())
    where = HEAD_ON.positions(torch.linspace(0, 3, 31))[0, :, :, 0]
    assert (where[:, 1] - where[:, 0] >= 1.5 - 1e-5).all()
    assert torch.allclose(where[20] - where[15], 0.5 * after)


def test_equal_discs_swap_their_speeds():
    swap = Motion(torch.ones(1, 2), HEAD_ON.start, HEAD_ON.velocity, 0.0)
    assert torch.allclose(swap.after(), torch.tensor([[-1.0, 2.0]]))


@pytest.mark.parametrize("name", SCENARIOS)
def test_training_clips_keep_the_rules(name):
    grid, law = TrainingGrid(name), SCENARIOS[name]
    assert len(grid) == {1: 30_000, 2: 28_224}[law.discs]
    motion, good = grid.clips(torch.arange(0, len(grid), 97))
    motion = motion.select(good)
    assert good.double().mean() > 0.9
    low, high = law.radius
    assert ((motion.radius >= low) & (motion.radius <= high)).all()
    x = motion.positions(frame_times())[..., 0]
    if law.discs == 2:
        frames = (motion.impact() - STEP) / 0.1
        assert ((frames > 7.8) & (frames < 32)).all()
        assert (x[:, 0, 0] >= motion.radius[:, 0]).all()
    else:
        slow = motion.velocity[:, 0, 0] * 2.4 + 2 * motion.radius[:, 0] < 10
        assert (x[slow, 23, 0] + motion.radius[slow, 0] <= 10 + 1e-9).all()


def test_a_clip_is_the_same_in_any_subset():
    grid = TrainingGrid("uniform", "tiny", seed=3)
    whole, _ = grid.clips(torch.arange(len(grid)))
    some, _ = grid.clips(torch.tensor([7, 41]))
    assert torch.equal(whole.start[[7, 41]], some.start)
    with pytest.raises(InvalidArgument, match="between 0 and 59"):
        grid.clips(torch.tensor([60]))
    with pytest.raises(InvalidArgument, match="nearest: 30k"):
        TrainingGrid("uniform", "30K")


def test_questions_are_the_published_grids():
    kinds = {name: kind_of(name, grid_values(name)) for name in SCENARIOS}
    assert {name: kind.count("in range") for name, kind in kinds.items()} == {
        "uniform": 3000, "collision": 144, "parabola": 160,
    }  # fmt: skip
    assert kind_of("uniform", torch.tensor([[1.0, 2.0], [1.6, 2.0], [1.0, 0.0], [1.0, 5.0], [1.6, 5.0]])) == [
        "in range", "radius", "at rest", "speed", "both",
    ]  # fmt: skip
    more, fewer = questions("uniform", GROUPS[1], 30), questions("uniform", GROUPS[1], 10)
    assert more.numbers[:10] == fewer.numbers and torch.equal(more.motion.start[:10], fewer.motion.start)


def test_a_picture_shows_the_disc_where_it_is_as_large_as_it_is():
    centres = torch.tensor([[3.3, 7.1], [5.0, 5.0]]).double()
    radius = torch.tensor([0.8, 1.7]).double()
    for size, samples, near in ((256, None, 1e-3), (64, None, 3e-3), (64, 2, 2e-2)):
        shares = coverage(centres, radius, size, samples).double()
        places, unit = pixel_places(size), (10 / 255 * 256 / size) ** 2
        mass = shares.sum((1, 2))
        assert torch.allclose(mass * unit, torch.pi * radius**2 * 0.985, rtol=1e-2)
        assert torch.allclose((shares.sum(1) * places).sum(1) / mass, centres[:, 0], atol=near)
        assert torch.allclose((shares.sum(2) * places).sum(1) / mass, 10 - centres[:, 1], atol=near)


def test_small_pictures_are_averages_of_the_published_one():
    centres, radius = torch.tensor([[0.4, 9.8]]).double(), torch.tensor([1.1]).double()
    large = coverage(centres, radius, 256)
    pooled = torch.nn.functional.avg_pool2d(large, 4)
    assert torch.allclose(coverage(centres, radius, 64), pooled, atol=1e-6)
    assert 0 < pooled.sum() < 0.5 * coverage(centres * 0 + 5, radius, 64).sum()


def test_colours():
    pixels = render_discs(HEAD_ON.positions(torch.zeros(1)), HEAD_ON.radius, 64)[0, :, 0]
    row = 64 - 32
    assert pixels[:, row, 13].tolist() == [1.0, -1.0, -1.0]
    assert pixels[:, row, 41].tolist() == [-1.0, -1.0, 1.0]
    assert pixels[:, 2, 2].tolist() == [1.0, 1.0, 1.0]
