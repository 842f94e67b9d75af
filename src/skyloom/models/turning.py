"""How far actors turn from frame to frame.

The surroundings of a point are read along circles. Turning the picture shifts every circle, and a shift changes the
phase of harmonic k by k times the angle: the phases that two frames differ by are the turn, whatever is shown
(the Fourier shift theorem; phase correlation as in Kuglin and Hines 1975, on circles).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

ANGLES, HARMONICS = 32, 6
RADII = (0.22, 0.37, 0.51, 0.66, 0.81, 0.95)
"""Circles that are read, in halves of the actor's larger side."""
NUMBERS = 2 * HARMONICS
"""For each frame: cosine and sine of k times the turn since the frame before, both times how sure it is."""


def on_circles(frames: Tensor, centre: Tensor, side: Tensor) -> Tensor:
    """Read frames (n, 3, h, w) along circles about s points: (n, s, 3, radii, ANGLES), grey outside of the frame.

    centre: (n, s, 2) in frame coordinates. side: (n, s) log of the actor's larger side in frame heights.
    """
    height, width = frames.shape[-2:]
    angle = torch.arange(ANGLES, device=frames.device) * (2 * math.pi / ANGLES)
    reach = side.exp()[..., None, None] / 2 * torch.tensor(RADII, device=frames.device)[:, None]
    x = centre[..., 0, None, None] + reach * angle.cos() * height / width
    y = centre[..., 1, None, None] - reach * angle.sin()
    grid = rearrange(torch.stack([x, y], -1), "n s r a c -> n (s r) a c") * 2 - 1
    read = F.grid_sample(frames, grid, align_corners=False)
    return rearrange(read, "n c (s r) a -> n s c r a", s=centre.shape[1])


def turning(pixels: Tensor, centre: Tensor, side: Tensor) -> Tensor:
    """Return (b, f, s, NUMBERS) for pixels (b, 3, f, h, w): each actor's turn since the frame before; first: zeros.

    Counter-clockwise is positive. centre: (b, f, s, 2), side: (b, f, s), as in `on_circles`.
    """
    stills = rearrange(pixels.float(), "b c f h w -> (b f) c h w")
    circles = on_circles(stills, centre.flatten(0, 1), side.flatten(0, 1)).unflatten(0, side.shape[:2])
    waves = torch.fft.rfft(circles)[..., 1 : 1 + HARMONICS]
    after, before = waves[:, 1:], waves[:, :-1]
    common = (after.conj() * before).sum((3, 4))
    power = after.abs().square().sum((3, 4)) * before.abs().square().sum((3, 4))
    found = torch.view_as_real(common / (power.sqrt() + 1e-3)).flatten(-2)
    return torch.cat([torch.zeros_like(found[:, :1]), found], 1)
