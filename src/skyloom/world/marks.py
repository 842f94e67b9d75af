"""Marks that events leave behind.

A sprite's own coordinates: a from -1 (its left edge) to 1, b from 0 (its feet) to 1 (its top).
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from skyloom.world.vocabulary import COLORS, EVENTS

BITTEN, BROKEN, PAINTED, FOOTPRINTS, BLOWN_OUT = range(len(EVENTS) - 1)
PAINTS = ("blue", "red", "green", "purple", "yellow")
CRACK = ((0.1, 1.0), (-0.16, 0.76), (0.2, 0.56), (-0.12, 0.36), (0.14, 0.18), (0.0, 0.0))
"""A zigzag from top to feet, in (a, b)."""
BRANCHES = (((-0.16, 0.76), (-0.62, 0.66)), ((0.2, 0.56), (0.66, 0.42)), ((-0.12, 0.36), (-0.5, 0.2)))
SMOKE = "#8f949c"


def apply_marks(sprite: Tensor, a: Tensor, b: Tensor, mark: Tensor, variation: Tensor, seconds: Tensor) -> Tensor:
    """Change the pictures of marked actors.

    sprite: (n, 4, h, w) premultiplied; a, b: (n, h, w); mark: (n, 5) in [0, 1]; variation: (n, 8); seconds: (n,).
    """
    done = mark[..., None, None]
    if bool((mark[:, PAINTED] > 0).any()):
        sprite = painted(sprite, a, done[:, PAINTED], variation)
    if bool((mark[:, BROKEN] > 0).any()):
        sprite = broken(sprite, a, b, done[:, BROKEN])
    if bool((mark[:, BITTEN] > 0).any()):
        sprite = bitten(sprite, a, b, done[:, BITTEN])
    if bool((mark[:, BLOWN_OUT] > 0).any()):
        sprite = blown_out(sprite, a, b, done[:, BLOWN_OUT], seconds)
    return sprite


def bitten(sprite: Tensor, a: Tensor, b: Tensor, done: Tensor) -> Tensor:
    """Cut a scalloped bite out of the upper right."""
    keep = torch.ones_like(a)
    for x, y, radius in ((0.95, 0.98, 0.62), (0.42, 0.86, 0.3), (0.62, 0.6, 0.3), (0.98, 0.5, 0.26)):
        distance = torch.hypot(a - x, 2 * (b - y))
        keep = torch.minimum(keep, ((distance - radius * done) / 0.08 + 0.5).clamp(0, 1))
    return sprite * torch.where(done > 0, keep, 1.0)[:, None]


def segment_distance(a: Tensor, b: Tensor, start: tuple[float, float], end: tuple[float, float]) -> Tensor:
    """Distance to a line segment, b counted double so that both axes measure half a sprite."""
    along = (end[0] - start[0], 2 * (end[1] - start[1]))
    x, y = a - start[0], 2 * (b - start[1])
    share = ((x * along[0] + y * along[1]) / (along[0] ** 2 + along[1] ** 2)).clamp(0, 1)
    return torch.hypot(x - share * along[0], y - share * along[1])


def broken(sprite: Tensor, a: Tensor, b: Tensor, done: Tensor) -> Tensor:
    """Draw dark cracks that grow downward from the top."""
    lines = [*itertools.pairwise(CRACK), *BRANCHES]
    distance = torch.stack([segment_distance(a, b, *line) for line in lines]).amin(0)
    dark = ((0.1 - distance) / 0.06).clamp(0, 1) * ((done * 1.2 - (1 - b)) / 0.15).clamp(0, 1) * 0.9
    keep = torch.where(done > 0, 1 - dark, 1.0)[:, None]
    return torch.cat([sprite[:, :3] * keep, sprite[:, 3:]], 1)


def painted(sprite: Tensor, a: Tensor, done: Tensor, variation: Tensor) -> Tensor:
    """Colour the right half, from the edge inward."""
    paints = torch.tensor([COLORS[name] for name in PAINTS], device=a.device)
    color = paints[(variation[:, 7] * len(PAINTS)).long()][..., None, None]
    cover = (((a - 1.0) + done * 1.05) / 0.1).clamp(0, 1) * (done > 0)
    grey = sprite[:, :3].mean(1, keepdim=True)
    coat = color * (0.35 * sprite[:, 3:] + 0.75 * grey)
    mixed = torch.lerp(sprite[:, :3], coat, 0.88 * cover[:, None])
    return torch.cat([mixed, sprite[:, 3:]], 1)


def blown_out(sprite: Tensor, a: Tensor, b: Tensor, done: Tensor, seconds: Tensor) -> Tensor:
    """Take away the flame (the top 35 %) and leave rising grey smoke."""
    keep = torch.where(done > 0, ((0.65 + 0.5 * (1 - done) - b) / 0.06 + 0.5).clamp(0, 1), 1.0)[:, None]
    center = 0.16 * torch.sin(b * 9 - 5 * seconds[:, None, None])
    width = 0.12 + 0.35 * (b - 0.6).clamp(min=0)
    smoke = torch.exp(-(((a - center) / width) ** 2)) * ((b - 0.6) / 0.08).clamp(0, 1) * ((1.25 - b) / 0.4).clamp(0, 1)
    smoke = (0.75 * smoke * done)[:, None]
    grey = torch.tensor([int(SMOKE[i : i + 2], 16) / 255 for i in (1, 3, 5)], device=a.device)[None, :, None, None]
    return sprite * keep * (1 - smoke) + torch.cat([grey.expand(len(sprite), -1, *a.shape[1:]) * smoke, smoke], 1)


STRIDE = 0.42


def footprints(ground_x: Tensor, ground_y: Tensor, weight: Tensor, x: Tensor, y: Tensor, scale: Tensor) -> Tensor:
    """How much the steps so far darken each pixel: (s, f, h, w) in [0, 1].

    ground_x, ground_y: (s, f, g) screen metres of the step made at frame g as seen at frame f; weight: (s, f, g), zero
    for steps not yet made; x: (s, f, w) and y: (s, f, h): screen metres of the pixels; scale: (s, f, g).
    """
    dark = torch.zeros(*x.shape[:2], y.shape[-1], x.shape[-1], device=x.device)
    for g in range(ground_x.shape[-1]):
        size = scale[..., g, None]
        across = torch.exp(-(((x - ground_x[..., g, None]) / (0.12 * size)) ** 4))
        along = torch.exp(-(((y - ground_y[..., g, None]) / (0.06 * size)) ** 4))
        step = (along * weight[..., g, None])[..., None] * across[..., None, :]
        dark = torch.maximum(dark, step)
    return dark


def steps(position: Tensor, mark: Tensor) -> tuple[Tensor, Tensor]:
    """Footsteps of a track: places on the ground (s, g, 3) and whether each was made (s, g).

    position: (s, f, 3) of the feet; mark: (s, f) of the footprints event. Left and right feet alternate in depth.
    """
    number = torch.round(position[..., 0] / STRIDE)
    depth = position[..., 2] + torch.where(number.remainder(2) == 0, 0.14, -0.14)
    made = (mark > 0) & (position[..., 1] < 0.12)
    return torch.stack([number * STRIDE, torch.zeros_like(number), depth], -1), made.float()
