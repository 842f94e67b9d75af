"""A frame between two, by motion.

Symmetric block matching: for each place of the frame that is to be made, the displacement is sought at which a square
before, moved on, looks most like the square after, moved back. No holes are left, since the search goes from the new
frame outwards (bilateral motion estimation).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

REACH = 0.16
"""How far things are sought, in heights of the frame."""
SQUARE = 0.14
"""Side of the squares that are compared, in heights of the frame."""
COST = 0.15
"""What a displacement of one height costs, in differences of pixels in [-1, 1]: rest is believed first."""


def moved(frames: Tensor, down: float, right: float) -> Tensor:
    """Return frames (n, c, h, w) moved by pixels, whole or not; edges are held."""
    height, width = frames.shape[2:]
    rows = torch.arange(height, device=frames.device) - down
    columns = torch.arange(width, device=frames.device) - right
    grid = torch.stack(
        [
            (2 * columns + 1)[None].expand(height, -1) / width - 1,
            (2 * rows + 1)[:, None].expand(-1, width) / height - 1,
        ],
        dim=-1,
    )
    grid = grid[None].expand(len(frames), -1, -1, -1).to(frames.dtype)
    return F.grid_sample(frames, grid, mode="bicubic", padding_mode="border", align_corners=False)


def in_between(before: Tensor, after: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Return the frames at `share` of the way from `before` to `after`, all (n, c, h, w) in [-1, 1], and their doubt.

    The doubt (n, 1, h, w) is how far apart the squares still are that were found most alike.
    """
    height = before.shape[2]
    reach, side = max(1, round(REACH * height)), round(SQUARE * height) // 2 * 2 + 1
    step = max(1, reach // 12)
    lowest = before.new_full((len(before), 1, *before.shape[2:]), float("inf"))
    best = before
    displacements = range(-reach // step * step, reach + 1, step)
    for down, right in sorted(
        ((y, x) for y in displacements for x in displacements), key=lambda v: v[0] ** 2 + v[1] ** 2
    ):
        first = moved(before, share * down, share * right)
        last = moved(after, (share - 1) * down, (share - 1) * right)
        apart = F.avg_pool2d((first - last).abs().mean(1, keepdim=True), side, 1, side // 2, count_include_pad=False)
        apart = apart + COST * (down**2 + right**2) ** 0.5 / height
        nearer = apart < lowest
        best = torch.where(nearer, (1 - share) * first + share * last, best)
        lowest = torch.where(nearer, apart, lowest)
    return best, lowest
