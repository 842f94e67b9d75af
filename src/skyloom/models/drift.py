"""How the background moves from frame to frame.

Lucas and Kanade 1981 on small grey frames: in each of four horizontal bands (far layers move less than near ones) the
shift and the growth that best explain the change, by least squares reweighted against what moves otherwise.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

SIDE, BANDS = 32, 4
NUMBERS = 3 * BANDS
"""For each frame: shift x, shift y, growth of every band, in small pixels a frame (growth: at the frame's edge)."""
ROUNDS, TOLERANCE, RIDGE = 4, 0.02, 1e-3


def smaller(pixels: Tensor) -> Tensor:
    """Average colours and resize every frame to SIDE x SIDE: (b, 3, f, h, w) to (b, f, SIDE, SIDE)."""
    grey = pixels.float().mean(1)
    return F.avg_pool2d(F.adaptive_avg_pool2d(grey, SIDE), 3, 1, 1, count_include_pad=False)


def background_drift(pixels: Tensor) -> Tensor:
    """Return (b, f, NUMBERS) for pixels (b, 3, f, h, w): the change since the frame before, zeros for the first."""
    frames = smaller(pixels)
    first, second = frames[:, :-1], frames[:, 1:]
    down, across = torch.gradient((first + second) / 2, dim=(2, 3))
    place = torch.linspace(-1, 1, SIDE, device=pixels.device)
    growth = across * place + down * place[:, None]
    slopes = _bands(torch.stack([across, down, growth], -1))
    found = fit_motion(slopes, _bands((second - first)[..., None])[..., 0])
    return F.pad(found.flatten(2), (0, 0, 1, 0))


def _bands(values: Tensor) -> Tensor:
    """Cut (b, f, h, w, c), without its border, into (b, f, bands, pixels, c)."""
    return rearrange(values[:, :, :, 1:-1], "b f (n h) w c -> b f n (h w) c", n=BANDS)


def fit_motion(slopes: Tensor, change: Tensor) -> Tensor:
    """Solve slopes . motion = -change (..., pixels) for the motion (..., 3), reweighted ROUNDS times."""
    ridge = RIDGE * torch.eye(3, device=slopes.device)
    weight = torch.ones_like(change)
    for _ in range(ROUNDS):
        weighted = slopes * weight[..., None]
        normal = weighted.transpose(-1, -2) @ slopes + ridge
        motion = torch.linalg.solve(normal, -(weighted * change[..., None]).sum(-2))
        left = change + (slopes @ motion[..., None])[..., 0]
        weight = 1 / (1 + (left / TOLERANCE).square())
    return motion
