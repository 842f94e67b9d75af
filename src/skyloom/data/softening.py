"""Makes renders as soft as a generator's clips.

The judge reads generated clips but never learns from them. Its training renders are blurred, resampled, stripped of
fine block frequencies, mixed with neighbouring frames, tinted and made noisy instead, each clip by its own draw.
Every softening is a linear map along rows, columns or frames, so a clip costs three matrix products.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

BLOCK = 8
NOISE = 0.1
"""Twice the largest standard deviation of the noise; half of the clips get none."""


def soften(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Return pixels (b, 3, f, h, w) in [-1, 1], each clip degraded in its own way; a third lose no detail.

    Pictures of a height or width that 8 does not divide are not stripped of block frequencies.
    """
    return torch.stack([_soften_clip(clip, generator) for clip in pixels])


def _soften_clip(clip: Tensor, generator: torch.Generator) -> Tensor:
    """Soften one clip (3, f, h, w); one at a time, so that it stays in the processor's cache."""
    kind = draw_softening(generator)
    if kind.smear > 0:
        clip = (mix_matrix(clip.shape[1], kind.smear) @ clip.flatten(2)).unflatten(2, clip.shape[2:])
    if kind.loses_detail:
        clip = kind.along(clip.shape[2]) @ clip @ kind.along(clip.shape[3]).T
    clip = _tint(clip, generator)
    noise = NOISE * torch.rand((), generator=generator).item()
    if noise > NOISE / 2:
        clip = clip + (noise - NOISE / 2) * torch.randn(clip.shape, generator=generator)
    return clip.clamp(-1, 1)


class Softening:
    """One way of losing detail."""

    def __init__(self, blur: float = 0.0, share: float = 1.0, keep: int = BLOCK, smear: float = 0.0) -> None:
        self.blur, self.share, self.keep, self.smear = blur, share, keep, smear

    @property
    def loses_detail(self) -> bool:
        """Whether it changes anything within a frame."""
        return self.blur > 0 or self.share < 1 or self.keep < BLOCK

    def along(self, size: int) -> Tensor:
        """Return the (size, size) map along one axis of the picture."""
        matrix = torch.eye(size)
        if self.blur > 0:
            matrix = blur_matrix(size, self.blur) @ matrix
        if self.share < 1:
            matrix = resample_matrix(size, self.share) @ matrix
        if self.keep < BLOCK and size % BLOCK == 0:
            matrix = block_matrix(size, self.keep) @ matrix
        return matrix


def draw_softening(generator: torch.Generator) -> Softening:
    """Choose one of the ways and its strength."""
    kind, strength = torch.rand(2, generator=generator).tolist()
    if kind < 0.33:
        return Softening()
    if kind < 0.5:
        return Softening(blur=0.3 + 0.9 * strength)
    if kind < 0.65:
        return Softening(share=0.45 + 0.4 * strength)
    if kind < 0.82:
        return Softening(keep=3 + round(3 * strength))
    return Softening(keep=4, smear=0.15 + 0.35 * strength)


def _tint(clip: Tensor, generator: torch.Generator) -> Tensor:
    """Change brightness, contrast and colour of (3, f, h, w) a little."""
    gain, shift, saturation = torch.rand(3, generator=generator).tolist()
    gain, shift, saturation = 0.85 + 0.3 * gain, 0.2 * shift - 0.1, 0.8 + 0.35 * saturation
    grey = clip.mean(0, keepdim=True)
    return clip * (gain * saturation) + grey * (gain * (1 - saturation)) + shift


def blur_matrix(size: int, sigma: float) -> Tensor:
    """Return the Gaussian blur of `sigma` pixels along an axis; each row sums to 1."""
    place = torch.arange(size).float()
    weights = torch.exp(-((place[:, None] - place) ** 2) / (2 * sigma**2))
    return weights / weights.sum(1, keepdim=True)


def resample_matrix(size: int, share: float) -> Tensor:
    """Return averaging down to `share` of the size and linear interpolation back."""
    small = max(4, round(size * share))
    down = F.interpolate(torch.eye(size)[:, None], size=small, mode="area")[:, 0]
    up = F.interpolate(torch.eye(small)[:, None], size=size, mode="linear", align_corners=False)[:, 0]
    return (down @ up).T


def cosine_basis() -> Tensor:
    """Return the orthonormal DCT-II matrix of a block, (frequency, place)."""
    place = torch.arange(BLOCK).float()
    basis = torch.cos(math.pi / BLOCK * (place + 0.5) * place[:, None]) * math.sqrt(2 / BLOCK)
    basis[0] /= math.sqrt(2)
    return basis


def block_matrix(size: int, keep: int) -> Tensor:
    """Return what keeps the `keep` lowest frequencies of every block of 8, as a coarse codec does."""
    basis = cosine_basis()[:keep]
    return torch.block_diag(*[basis.T @ basis] * (size // BLOCK))


def mix_matrix(num_frames: int, share: float) -> Tensor:
    """Return what blends each frame with the mean of its neighbours, as a smeared mover looks."""
    frame = torch.arange(num_frames)
    matrix = torch.eye(num_frames) * (1 - share)
    for step in (-1, 1):
        matrix[frame, (frame + step).clamp(0, num_frames - 1)] += share / 2
    return matrix
