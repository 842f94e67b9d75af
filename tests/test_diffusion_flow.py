"""The path, its inverses and the distribution of noise levels, against paper."""

import pytest
import torch

from skyloom.diffusion import flow
from skyloom.diffusion.schedule import linear_schedule, shifted_schedule
from skyloom.errors import InvalidArgument
from skyloom.seeds import generator_for


@pytest.fixture
def pair():
    generator = generator_for(0, "test")
    shape = (4, 3, 2, 5, 6)
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(2)]


def test_ends_of_the_path_are_data_and_noise(pair):
    latents, noise = pair
    assert torch.equal(flow.mix(latents, noise, 0.0), latents)
    assert torch.equal(flow.mix(latents, noise, 1.0), noise)


def test_mix_by_hand():
    latents, noise = torch.tensor([[2.0], [2.0]]), torch.tensor([[10.0], [10.0]])
    noisy = flow.mix(latents, noise, torch.tensor([0.25, 0.75]))
    torch.testing.assert_close(noisy, torch.tensor([[4.0], [8.0]]))


def test_velocity_is_the_derivative_of_the_path(pair):
    latents, noise = pair
    slope = (flow.mix(latents, noise, 0.61) - flow.mix(latents, noise, 0.6)) / 0.01
    torch.testing.assert_close(slope, flow.velocity_target(latents, noise))


def test_denoised_recovers_the_latents_at_every_level(pair):
    latents, noise = pair
    sigma = torch.tensor([0.1, 0.4, 0.9, 1.0], dtype=torch.float64)
    noisy, velocity = flow.mix(latents, noise, sigma), flow.velocity_target(latents, noise)
    torch.testing.assert_close(flow.denoised_from(noisy, velocity, sigma), latents)
    torch.testing.assert_close(flow.velocity_from(noisy, latents, sigma), velocity)


def test_path_keeps_the_type_of_low_precision_latents():
    latents = torch.ones(2, 3, dtype=torch.bfloat16)
    assert flow.mix(latents, -latents, torch.tensor([0.5, 0.5])).dtype == torch.bfloat16


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (0.8, 0.5), (-1.0, 1.5)])
def test_levels_are_logit_normal(mean, std):
    sigma = flow.sample_sigma(200_000, generator_for(1, "sigma"), mean, std)
    quantiles = torch.tensor([0.1, 0.25, 0.5, 0.75, 0.9])
    normal = torch.distributions.Normal(mean, std).icdf(quantiles)
    assert sigma.min() > 0 and sigma.max() < 1
    torch.testing.assert_close(torch.quantile(sigma[:100_000], quantiles), normal.sigmoid(), atol=5e-3, rtol=0)


def test_shift_by_hand_moves_towards_noise():
    sigma = torch.tensor([0.0, 0.25, 0.5, 1.0], dtype=torch.float64)
    wanted = torch.tensor([0.0, 0.5, 0.75, 1.0], dtype=torch.float64)
    torch.testing.assert_close(flow.shift_sigma(sigma, 3.0), wanted)


@pytest.mark.parametrize("shift", [0.3, 1.0, 2.5, 7.0])
def test_shift_is_monotone_and_undone_by_its_inverse(shift):
    sigma = torch.linspace(0, 1, 101, dtype=torch.float64)
    moved = flow.shift_sigma(sigma, shift)
    assert (moved.diff() > 0).all()
    torch.testing.assert_close(flow.shift_sigma(moved, 1 / shift), sigma)


def test_shift_of_drawn_levels_is_the_shift_of_the_plain_draw():
    plain = flow.sample_sigma(1000, generator_for(2, "sigma"))
    shifted = flow.sample_sigma(1000, generator_for(2, "sigma"), shift=3.0)
    torch.testing.assert_close(shifted, 3 * plain / (1 + 2 * plain))


@pytest.mark.parametrize("steps", [1, 4, 25])
def test_schedules_fall_from_noise_to_data(steps):
    for sigmas in (linear_schedule(steps), shifted_schedule(steps, 3.0)):
        assert sigmas.shape == (steps + 1,)
        assert sigmas[0] == 1 and sigmas[-1] == 0 and (sigmas.diff() < 0).all()


def test_linear_schedule_by_hand():
    torch.testing.assert_close(linear_schedule(4, 0.8), torch.tensor([0.8, 0.6, 0.4, 0.2, 0.0], dtype=torch.float64))


def test_shifted_schedule_by_hand_and_from_a_start():
    wanted = torch.tensor([1.0, 0.9, 0.75, 0.5, 0.0], dtype=torch.float64)
    torch.testing.assert_close(shifted_schedule(4, 3.0), wanted)
    torch.testing.assert_close(shifted_schedule(3, 3.0, start=0.9), wanted[1:])
    torch.testing.assert_close(shifted_schedule(5, 1.0), linear_schedule(5))


@pytest.mark.parametrize(
    "call",
    [
        lambda: flow.shift_sigma(torch.tensor(0.5), 0.0),
        lambda: linear_schedule(0),
        lambda: linear_schedule(4, 0.0),
        lambda: linear_schedule(4, 1.5),
        lambda: shifted_schedule(4, -1.0),
    ],
)
def test_bad_values_are_refused(call):
    with pytest.raises(InvalidArgument, match="must be"):
        call()
