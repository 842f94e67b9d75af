"""Numbers about pictures and about samples."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

SSIM_WINDOW, SSIM_SIGMA, SSIM_K1, SSIM_K2 = 11, 1.5, 0.01, 0.03
"""Constants of Wang et al. 2004, section III.C."""


def psnr(pixels: Tensor, truth: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the peak signal to noise ratio in dB of each clip, (b,).

    pixels, truth: (b, 3, f, h, w) in [-1, 1], so the peak is 2. mask: (b, 1, f, h, w), 1 where pixels count; a clip
    without any such pixel gives NaN. Identical clips give infinity.
    """
    error = (pixels.clamp(-1, 1).double() - truth.double()).square().mean(1, keepdim=True)
    weight = torch.ones_like(error) if mask is None else mask.double()
    mean = (error * weight).flatten(1).sum(1) / weight.flatten(1).sum(1)
    return (10 * torch.log10(4 / mean)).float()


def _gaussian_window() -> Tensor:
    offsets = torch.arange(SSIM_WINDOW, dtype=torch.float64) - SSIM_WINDOW // 2
    weights = torch.exp(-(offsets**2) / (2 * SSIM_SIGMA**2))
    return weights / weights.sum()


def _blur(planes: Tensor) -> Tensor:
    """Weigh (n, 1, h, w) with the window; only whole windows count."""
    window = _gaussian_window().to(planes)
    return F.conv2d(F.conv2d(planes, window.view(1, 1, -1, 1)), window.view(1, 1, 1, -1))


def ssim(pixels: Tensor, truth: Tensor) -> Tensor:
    """Return the structural similarity of each clip, (b,): Wang et al. 2004, per colour plane and frame.

    pixels, truth: (b, 3, f, h, w) in [-1, 1], h and w at least 11.
    """
    first, second = (
        rearrange((p.clamp(-1, 1).double() + 1) / 2, "b c f h w -> (b c f) 1 h w") for p in (pixels, truth)
    )
    mean_1, mean_2 = _blur(first), _blur(second)
    variance_1 = _blur(first * first) - mean_1**2
    variance_2 = _blur(second * second) - mean_2**2
    covariance = _blur(first * second) - mean_1 * mean_2
    c1, c2 = SSIM_K1**2, SSIM_K2**2
    likeness = (2 * mean_1 * mean_2 + c1) * (2 * covariance + c2)
    likeness = likeness / ((mean_1**2 + mean_2**2 + c1) * (variance_1 + variance_2 + c2))
    return likeness.mean((1, 2, 3)).view(len(pixels), -1).mean(1).float()


def bootstrap_interval(
    values: list[float], seed: int = 0, draws: int = 2000, share: float = 0.95, statistic: str = "mean"
) -> tuple[float, float]:
    """Return the interval of the mean, or median, by resampling with replacement (Efron 1979); NaN for no values."""
    if not values:
        return float("nan"), float("nan")
    samples = np.asarray(values, dtype=np.float64)
    picks = np.random.default_rng(seed).integers(0, len(samples), (draws, len(samples)))
    tail = (1 - share) / 2
    middle = np.median if statistic == "median" else np.mean
    low, high = np.quantile(middle(samples[picks], axis=1), [tail, 1 - tail])
    return float(low), float(high)
