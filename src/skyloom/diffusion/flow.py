"""The straight path between data and noise.

    noisy = (1 - sigma) * latents + sigma * noise        velocity = noise - latents

sigma 1 is noise and sigma 0 is data; this file owns that convention (rectified flow: Liu et al. 2022, arXiv
2209.03003; Lipman et al. 2022, arXiv 2210.02747). Axes: b batch, then anything; sigma is (b,) or broadcastable.
"""

from __future__ import annotations

import torch
from torch import Tensor

from skyloom.errors import InvalidArgument


def _spread(sigma: Tensor | float, like: Tensor) -> Tensor:
    """Give sigma (b,) the trailing axes of `like`, in its type; a number or a sigma of the same rank stays as it is."""
    sigma = torch.as_tensor(sigma, dtype=like.dtype, device=like.device)
    return sigma.reshape(-1, *[1] * (like.dim() - 1)) if sigma.dim() == 1 else sigma


def mix(latents: Tensor, noise: Tensor, sigma: Tensor | float) -> Tensor:
    """Return the point of the path at `sigma`: latents at 0, noise at 1."""
    sigma = _spread(sigma, latents)
    return (1 - sigma) * latents + sigma * noise


def velocity_target(latents: Tensor, noise: Tensor) -> Tensor:
    """Return the derivative of the path by sigma: what the network learns."""
    return noise - latents


def denoised_from(noisy: Tensor, velocity: Tensor, sigma: Tensor | float) -> Tensor:
    """Return the clean latents that (noisy, velocity) point at: the end of the straight line at sigma 0."""
    return noisy - _spread(sigma, noisy) * velocity


def velocity_from(noisy: Tensor, denoised: Tensor, sigma: Tensor | float) -> Tensor:
    """Return the velocity that points from `noisy` at `denoised`; sigma must be above 0."""
    return (noisy - denoised) / _spread(sigma, noisy)


def check_shift(shift: float) -> float:
    """Return `shift`; raise InvalidArgument unless it is above 0."""
    if not 0 < shift < float("inf"):
        raise InvalidArgument("shift", shift, "be above 0 (1 leaves sigma as it is)", 1.0)
    return shift


def shift_sigma(sigma: Tensor, shift: float) -> Tensor:
    """Move noise levels: shift * sigma / (1 + (shift - 1) * sigma), keeping 0 and 1 (SD3, arXiv 2403.03206, eq. 23).

    Above 1 more of the levels lie near noise, as large latents need. `1 / shift` undoes it.
    """
    return check_shift(shift) * sigma / (1 + (shift - 1) * sigma)


def sample_sigma(
    count: int, generator: torch.Generator, mean: float = 0.0, std: float = 1.0, shift: float = 1.0
) -> Tensor:
    """Draw noise levels for training: (count,) float32 in (0, 1), logit-normal, then shifted (arXiv 2403.03206)."""
    normal = torch.randn(count, generator=generator, device=generator.device)
    return shift_sigma(torch.sigmoid(mean + std * normal), shift)
