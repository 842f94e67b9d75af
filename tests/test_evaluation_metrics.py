"""Numbers about pictures, against answers known on paper."""

import math

import pytest
import torch

from skyloom.evaluation.metrics import bootstrap_interval, psnr, ssim


def clips(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_psnr_of_a_known_error():
    truth = torch.zeros(2, 3, 4, 16, 16)
    near, far = truth[:1] + 0.02, truth[:1] + 0.2  # peak 2: 20 log10(2 / error)
    assert torch.allclose(psnr(torch.cat([near, far]), truth), torch.tensor([40.0, 20.0]), atol=1e-4)
    assert psnr(truth, truth).isinf().all()


def test_psnr_counts_only_the_mask():
    truth = torch.zeros(1, 3, 2, 16, 16)
    wrong, mask = truth.clone(), torch.zeros(1, 1, 2, 16, 16)
    mask[..., :4, :4] = 1
    wrong[..., :4, :4] = 0.2
    wrong[..., 8:, :] = 1.0
    assert psnr(wrong, truth, mask).item() == pytest.approx(20.0, abs=1e-4)
    assert psnr(wrong, truth, mask * 0).isnan().all()


def test_ssim_is_one_for_equal_clips_and_symmetric():
    first, second = clips(1, 3, 2, 24, 24), clips(1, 3, 2, 24, 24).flip(-1)
    assert ssim(first, first).item() == pytest.approx(1.0, abs=1e-6)
    assert ssim(first, second).item() == pytest.approx(ssim(second, first).item(), abs=1e-6)
    assert ssim(first, second).item() < 0.2


def test_ssim_of_constant_pictures_is_its_luminance_term():
    dark, light = torch.full((1, 3, 1, 16, 16), -0.5), torch.full((1, 3, 1, 16, 16), 0.5)  # 0.25 and 0.75
    expected = (2 * 0.25 * 0.75 + 0.01**2) / (0.25**2 + 0.75**2 + 0.01**2)
    assert ssim(dark, light).item() == pytest.approx(expected, abs=1e-6)


def test_ssim_of_halved_contrast_matches_the_formula():
    noise = clips(1, 1, 1, 400, 400).expand(1, 3, 1, 400, 400) * 0.5  # mean 0.5, variance v in [0, 1] units
    variance = (0.5 / 2) ** 2 / 3
    expected = (2 * 0.5 * variance + 0.03**2) / (1.25 * variance + 0.03**2)
    assert ssim(noise * 0.5, noise).item() == pytest.approx(expected, abs=0.01)


def test_bootstrap_interval_is_that_of_the_normal_law_for_many_samples():
    values = [1.0] * 300 + [0.0] * 100
    low, high = bootstrap_interval(values, seed=1)
    spread = 1.96 * math.sqrt(0.75 * 0.25 / 400)
    assert low == pytest.approx(0.75 - spread, abs=0.01)
    assert high == pytest.approx(0.75 + spread, abs=0.01)
    assert bootstrap_interval(values, seed=1) == (low, high)
    assert bootstrap_interval([1.0] * 5) == (1.0, 1.0)
    assert all(math.isnan(end) for end in bootstrap_interval([]))
