"""What a picture's surface is like.

A handful of numbers for each frame that tell picture styles apart where a coarse map of features cannot: colourfulness,
brightness, square pixels, flat areas, grain, and how much is new since the frame before.
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor

NUMBERS = 11
FLAT = 0.01
"""Pixels that differ less than this, of a range of 2, count as equal."""


def texture(pixels: Tensor) -> Tensor:
    """Return (b, f, NUMBERS) for pixels (b, 3, f, h, w) in [-1, 1], each about between -1 and 1."""
    frames = rearrange(pixels.float(), "b c f h w -> b f c h w")
    red, green, blue = frames.unbind(2)
    grey = frames.mean(2)
    across, down = _steps(grey, -1), _steps(grey, -2)
    fresh = torch.cat([torch.zeros_like(grey[:, :1]), (grey[:, 1:] - grey[:, :-1]).abs()], 1)
    columns = [
        _mean(red - green),
        _mean(green - blue),
        _mean((red - green).abs() + (green - blue).abs()),
        _mean(grey),
        grey.flatten(2).std(2),
        *(4 * _mean(steps) for steps in (across[..., ::2], across[..., 1::2])),
        *(4 * _mean(steps) for steps in (down[..., ::2, :], down[..., 1::2, :])),
        _mean((across < FLAT).float()),
        4 * _mean(fresh),
    ]
    return torch.stack(columns, -1)


def _steps(grey: Tensor, axis: int) -> Tensor:
    """Absolute differences between neighbours along an axis."""
    return grey.diff(dim=axis).abs()


def _mean(values: Tensor) -> Tensor:
    return values.mean((-2, -1))
