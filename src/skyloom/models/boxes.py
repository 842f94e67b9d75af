"""Boxes of actors over time, as a network sees them.

A box is left, bottom, right and top in shares of the frame, 0 to 1 inside it, bottom below top. Boxes of a clip are
(b, s, n, 4): s slots, the actors in the order in which the words name them, and n pixel frames; NaN where there is
none.
"""

from __future__ import annotations

import torch
from torch import Tensor

from skyloom.errors import InvalidArgument
from skyloom.shapes import LatentSize


def no_boxes(count: int) -> Tensor:
    """Return the boxes (count, 0, 1, 4) of clips of which none are known."""
    return torch.zeros(count, 0, 1, 4)


def cover(boxes: Tensor, grid: LatentSize) -> Tensor:
    """Return how much of each latent cell a slot's box covers: (b, s, f, h, w) in [0, 1], 0 for no box.

    boxes: (b, s, n, 4). Latent frame 0 is pixel frame 0; each later one is the mean of its group of pixel frames.
    Raises InvalidArgument when n does not fill whole groups; without slots any n will do.
    """
    groups, left = grid.latent_frames - 1, boxes.shape[2] - 1
    if not boxes.shape[1]:
        return boxes.new_zeros(len(boxes), 0, grid.latent_frames, grid.latent_height, grid.latent_width)
    if (left % groups or not left) if groups else left:
        wanted = f"be 1 + a multiple of {groups}" if groups else "be 1"
        raise InvalidArgument("frames of boxes", boxes.shape[2], wanted)
    known = boxes.nan_to_num(0.0)
    across = _shares(known[..., 0], known[..., 2], grid.latent_width)
    upward = _shares(known[..., 1], known[..., 3], grid.latent_height).flip(-1)
    cells = upward[..., :, None] * across[..., None, :]  # (b, s, n, h, w)
    if not groups:
        return cells
    later = cells[:, :, 1:].unflatten(2, (groups, left // groups)).mean(3)
    return torch.cat([cells[:, :, :1], later], dim=2)


def _shares(low: Tensor, high: Tensor, count: int) -> Tensor:
    """Return how much of each of `count` equal parts of [0, 1] lies between low and high (...): (..., count)."""
    edges = torch.arange(count + 1, device=low.device, dtype=low.dtype) / count
    inside = torch.minimum(high[..., None], edges[1:]) - torch.maximum(low[..., None], edges[:-1])
    return (inside * count).clamp(0, 1)


SPREAD = 4.0
"""Plans hold box sides as (share of the frame - 0.5) * SPREAD, which has about unit variance."""


def to_plan(boxes: Tensor, stride: int) -> Tensor:
    """Return boxes as latents of one cell for each frame and slot: (b, 1 + 4 * stride, f, 1, s).

    boxes: (b, s, 1 + stride * (f - 1), 4). A slot is there (1, else -1) in a group if it has a box in all its frames;
    the first frame is a group of `stride` equal frames.
    """
    groups = torch.cat([boxes[:, :, :1].expand(-1, -1, stride, -1), boxes[:, :, 1:]], dim=2).unflatten(2, (-1, stride))
    there = ~groups.isnan().flatten(3).any(-1)  # (b, s, f)
    sides = ((groups - 0.5) * SPREAD).flatten(3).masked_fill(~there[..., None], 0.0)
    plan = torch.cat([there[..., None].to(sides.dtype) * 2 - 1, sides], dim=-1)  # (b, s, f, 1 + 4 stride)
    return plan.permute(0, 3, 2, 1)[..., None, :].contiguous()


def from_plan(plan: Tensor, stride: int) -> Tensor:
    """Return the boxes (b, s, 1 + stride * (f - 1), 4) of a plan; a slot is there throughout or not at all."""
    parts = plan[..., 0, :].permute(0, 3, 2, 1)  # (b, s, f, 1 + 4 stride)
    sides = (parts[..., 1:] / SPREAD + 0.5).unflatten(-1, (stride, 4)).flatten(2, 3)[:, :, stride - 1 :]
    there = parts[..., 0].mean(-1) > 0
    return sides.masked_fill(~there[:, :, None, None], float("nan"))


def plan_slots(count: int, slots: int, frames: int) -> Tensor:
    """Return boxes (count, slots, frames, 4) that cover a plan's cells: slot k its column k, in every frame."""
    edge = torch.arange(slots + 1) / slots
    columns = torch.stack([edge[:-1], torch.zeros(slots), edge[1:], torch.ones(slots)], dim=1)
    return columns[None, :, None].expand(count, -1, frames, -1).contiguous()
