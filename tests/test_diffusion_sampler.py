"""Integrators against data whose exact velocity is known."""

import math
from itertools import pairwise

import pytest
import torch

from skyloom.diffusion.flow import mix
from skyloom.diffusion.sampler import sample
from skyloom.diffusion.schedule import linear_schedule, shifted_schedule
from skyloom.errors import InvalidArgument
from skyloom.seeds import generator_for

MEAN, STD = 1.5, 0.4


def gaussian_velocity(noisy, sigma):
    """Exact velocity for data N(MEAN, STD^2): E[noise - latents | noisy]."""
    level = sigma.double()[:, None]
    variance = (1 - level) ** 2 * STD**2 + level**2
    centred = noisy - (1 - level) * MEAN
    return (level - (1 - level) * STD**2) / variance * centred - MEAN


def point_velocity(point):
    return lambda noisy, sigma: (noisy - point) / sigma.double()[:, None]


@pytest.fixture
def noise():
    return torch.randn(4, 64, generator=generator_for(0, "noise"), dtype=torch.float64)


def error(noise, steps, method, schedule=linear_schedule):
    """Distance from the exact transport: N(0, 1) to N(MEAN, STD^2) moves noise to MEAN + STD * noise."""
    made = sample(gaussian_velocity, noise, schedule(steps), method=method)
    return (made - (MEAN + STD * noise)).abs().max().item()


@pytest.mark.parametrize(("method", "factor"), [("euler", 2.0), ("heun", 4.0)])
def test_error_falls_with_the_order_of_the_method(noise, method, factor):
    errors = [error(noise, steps, method) for steps in (64, 128, 256)]
    for coarse, fine in pairwise(errors):
        assert coarse / fine == pytest.approx(factor, rel=0.12)
    assert errors[-1] < 0.02


def test_heun_beats_euler_and_a_shifted_schedule_converges_too(noise):
    assert error(noise, 32, "heun") < error(noise, 32, "euler") / 5
    assert error(noise, 256, "heun", lambda n: shifted_schedule(n, 3.0)) < 1e-3


def test_samples_have_the_statistics_of_the_data():
    noise = torch.randn(1, 50_000, generator=generator_for(1, "noise"), dtype=torch.float64)
    made = sample(gaussian_velocity, noise, linear_schedule(100), method="heun")
    assert made.mean().item() == pytest.approx(MEAN, abs=0.01)
    assert made.std().item() == pytest.approx(STD, abs=0.01)


@pytest.mark.parametrize("method", ["euler", "heun"])
@pytest.mark.parametrize("steps", [1, 5])
def test_a_point_is_reached_exactly(noise, method, steps):
    point = torch.linspace(-2, 2, 64, dtype=torch.float64)
    made = sample(point_velocity(point), noise, linear_schedule(steps), method=method)
    torch.testing.assert_close(made, point.expand_as(made), atol=1e-6, rtol=0)


def test_sampling_may_start_from_a_noised_source(noise):
    point = torch.full((64,), 0.7, dtype=torch.float64)
    start = mix(point.expand_as(noise), noise, 0.5)
    seen = []

    def velocity_fn(noisy, sigma):
        seen.append(sigma[0].item())
        return noise - point

    made = sample(velocity_fn, start, linear_schedule(4, start=0.5))
    torch.testing.assert_close(made, point.expand_as(made))
    assert seen == pytest.approx([0.5, 0.375, 0.25, 0.125])


@pytest.mark.parametrize("method", ["euler", "heun"])
def test_known_cells_show_the_noised_context_and_end_as_the_context(noise, method):
    known = (torch.arange(64) % 3 == 0).double()[None]
    context = torch.full_like(noise, 9.0)
    shown = mix(context, noise, 0.2)
    seen = []

    def velocity_fn(noisy, sigma):
        seen.append(noisy.clone())
        return torch.full_like(noisy, 123.0)

    made = sample(
        velocity_fn, noise, linear_schedule(3), known=known, context=context, noised_context=shown, method=method
    )
    mask = known.bool().expand_as(noise)
    assert len(seen) == (3 if method == "euler" else 5)
    assert all(torch.equal(noisy[mask], shown[mask]) for noisy in seen)
    assert torch.equal(made[mask], context[mask])
    torch.testing.assert_close(made[~mask], noise[~mask] - 123.0)


def test_known_cells_do_not_change_the_others(noise):
    known = torch.zeros(1, 64, dtype=torch.float64)
    free = sample(gaussian_velocity, noise, linear_schedule(7), method="heun")
    pinned = sample(
        gaussian_velocity, noise, linear_schedule(7), method="heun", known=known, context=torch.zeros_like(noise)
    )
    assert torch.equal(free, pinned)


def test_steps_report_the_current_guess(noise):
    seen = []
    point = torch.full((64,), 0.3, dtype=torch.float64)
    sample(point_velocity(point), noise, linear_schedule(4), on_step=lambda *step: seen.append(step))
    assert [(done, total) for done, total, _ in seen] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    for _, _, guess in seen:
        torch.testing.assert_close(guess, point.expand_as(guess), atol=1e-6, rtol=0)


def test_an_error_in_the_callback_ends_sampling(noise):
    def cancel(done, total, guess):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sample(gaussian_velocity, noise, linear_schedule(4), on_step=cancel)


def test_a_sample_is_the_same_in_any_batch(noise):
    together = sample(gaussian_velocity, noise, linear_schedule(9))
    alone = torch.cat([sample(gaussian_velocity, row[None], linear_schedule(9)) for row in noise])
    torch.testing.assert_close(together, alone, atol=1e-12, rtol=0)


@pytest.mark.parametrize(
    "arguments",
    [
        {"method": "rk4"},
        {"sigmas": torch.linspace(0, 1, 5)},
        {"sigmas": torch.tensor([1.0])},
        {"sigmas": torch.tensor([1.0, math.nan, 0.0])},
        {"known": torch.ones(1, 64)},
        {"context": torch.ones(4, 64)},
    ],
)
def test_bad_values_are_refused(noise, arguments):
    sigmas = arguments.pop("sigmas", linear_schedule(2))
    with pytest.raises(InvalidArgument):
        sample(gaussian_velocity, noise, sigmas, **arguments)
