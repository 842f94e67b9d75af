"""Jumps against the flow map of one Gaussian, which is known on paper."""

import pytest
import torch

from skyloom.diffusion.distillation import FINEST, LESSONS, draw_jumps, follow, jumping, mean_velocity
from skyloom.diffusion.guidance import classifier_free, guided
from skyloom.diffusion.sampler import sample
from skyloom.diffusion.schedule import linear_schedule, shifted_schedule
from skyloom.errors import InvalidArgument

MEAN, STD = 0.7, 0.4


def spread(sigma):
    """Standard deviation of the path's point at a level, for data that are one Gaussian."""
    return ((1 - sigma) ** 2 * STD**2 + sigma**2).sqrt()


def velocity(noisy, sigma, mean=MEAN):
    """The exact velocity: that of the mean, and that of the spread."""
    sigma = sigma.view(-1, 1)
    slope = (sigma - (1 - sigma) * STD**2) / spread(sigma) ** 2
    return -mean + slope * (noisy - (1 - sigma) * mean)


def mapped(noisy, sigma, target, mean=MEAN):
    """The exact flow map: deviations from the mean are scaled as the spread is."""
    sigma, target = sigma.view(-1, 1), target.view(-1, 1)
    return (1 - target) * mean + (noisy - (1 - sigma) * mean) * spread(target) / spread(sigma)


def exact_jump(noisy, sigma, target):
    return mean_velocity(noisy, mapped(noisy, sigma, target), sigma, target)


@pytest.fixture
def noise():
    return torch.randn(6, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 8])
@pytest.mark.parametrize(("shift", "start"), [(1.0, 1.0), (3.0, 1.0), (1.0, 0.6)])
def test_exact_jumps_land_exactly_in_any_number(noise, steps, shift, start):
    sigmas = shifted_schedule(steps, shift, start)
    landed = sample(jumping(exact_jump, sigmas), noise, sigmas)
    wanted = mapped(noise, sigmas[:1].expand(6), torch.zeros(6))
    torch.testing.assert_close(landed, wanted, atol=1e-6, rtol=0)


def test_small_steps_come_to_the_flow_map_as_fast_as_eulers_method_does(noise):
    grid = linear_schedule(FINEST)
    errors = []
    for every in (4, 8):
        states = follow(velocity, noise, linear_schedule(FINEST * every), every)
        exact = torch.stack([mapped(noise, torch.ones(6), level.expand(6)) for level in grid])
        assert states.shape == exact.shape and torch.equal(states[0], noise)
        errors.append((states - exact).abs().amax())
    assert errors[1] < 0.02 and errors[0] / errors[1] == pytest.approx(2, abs=0.25)


def test_mean_velocity_of_a_very_short_jump_is_the_velocity_itself(noise):
    sigma = torch.linspace(0.2, 1, 6, dtype=torch.float64)
    torch.testing.assert_close(exact_jump(noise, sigma, sigma - 1e-6), velocity(noise, sigma), atol=1e-5, rtol=0)


def test_a_jump_is_the_mean_of_its_halves(noise):
    sigma, middle, target = (torch.full((6,), level, dtype=torch.float64) for level in (0.9, 0.5, 0.1))
    first = exact_jump(noise, sigma, middle)
    second = exact_jump(noise - 0.4 * first, middle, target)
    torch.testing.assert_close((first + second) / 2, exact_jump(noise, sigma, target))


def test_guidance_is_fused_into_the_path(noise):
    """Guided between two Gaussians that differ in their mean alone, the path is that of a third one."""

    def velocity_of(noisy, sigma, conditions):
        parts = zip(noisy.chunk(2), sigma.chunk(2), conditions, strict=True)
        return torch.cat([velocity(x, s, mean) for x, s, mean in parts])

    grid = linear_schedule(FINEST * 64)
    states = follow(guided(velocity_of, classifier_free(0.5, 0.2, 3.0)), noise, grid, 64)
    wanted = mapped(noise, torch.ones(6), torch.zeros(6), mean=0.2 + 3 * (0.5 - 0.2))
    torch.testing.assert_close(states[-1], wanted, atol=0.01, rtol=0)


def test_what_is_known_stays_pinned_along_the_path(noise):
    known = torch.zeros(6, 5, dtype=torch.float64)
    known[:, :2] = 1
    context = torch.full_like(noise, 9.0)
    seen = []

    def velocity_fn(noisy, sigma):
        seen.append(noisy[:, :2])
        return velocity(noisy, sigma)

    pins = {"known": known, "context": context, "noised_context": context + 1}
    states = follow(velocity_fn, noise, linear_schedule(16), 2, **pins)
    assert all((part == 10).all() for part in seen)
    assert (states[1:, :, :2] == 9).all()
    free = follow(velocity, noise, linear_schedule(16), 2)
    assert torch.equal(states[:, :, 2:], free[:, :, 2:])


def test_jumps_of_a_path_are_different_ones_of_their_grid_and_come_alike_often():
    path, first, last = draw_jumps(4000, torch.Generator().manual_seed(0))
    rows = sum(count for _, count in LESSONS)
    assert torch.equal(path, torch.arange(4000).repeat_interleave(rows))
    length = last - first
    assert sorted(length.unique().tolist()) == sorted(FINEST // jumps for jumps, _ in LESSONS)
    assert (first % length == 0).all() and (last <= FINEST).all()
    codes = (first * 100 + last).view(4000, rows)
    assert all(len(set(row.tolist())) == rows for row in codes[:50])
    for jumps, count in LESSONS:
        starts = first[length == FINEST // jumps]
        shares = starts.bincount(minlength=FINEST)[:: FINEST // jumps] / 4000
        torch.testing.assert_close(shares, torch.full((jumps,), count / jumps), atol=0.04, rtol=0)


def test_bad_values_are_refused(noise):
    with pytest.raises(InvalidArgument, match="every"):
        follow(velocity, noise, linear_schedule(6), 4)
    with pytest.raises(InvalidArgument, match="lessons"):
        draw_jumps(2, torch.Generator(), [(3, 1)])
    with pytest.raises(InvalidArgument, match="lessons"):
        draw_jumps(2, torch.Generator(), [(4, 5)])
    with pytest.raises(InvalidArgument, match="sigma"):
        jumping(exact_jump, linear_schedule(4))(noise, torch.full((6,), 0.6))
