"""Whether the subject is whole in the frame.

The judge's tracker says where the first actor's centre is and how large the actor is; with the actor's shape, which the
prompt named, that is a box. A frame shows the subject whole when the tracker is sure of it and hardly any of the box
lies outside. The judge sees squares: a tall frame's edges are repeated at its sides, a wide one is looked at through
squares along it, of which the one with the surest sight counts. Nothing is stretched.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from skyloom.evaluation.oracle import Oracle
from skyloom.models.watcher import resized
from skyloom.world.actors import ACTORS

SURE = 0.2
"""Heat at the actor from which the tracker counts as sure."""
STRIDE = 0.25
"""Sides of a square between neighbouring ones."""
OUTSIDE = 0.1
"""Largest share of the subject's box beyond the frame's edge that still counts as whole: the tracker's own error."""
MOST = 0.8
"""Share of a clip's frames that must show the subject whole."""


def squares(pixels: Tensor) -> list[tuple[Tensor, int]]:
    """Return the squares through which (b, 3, f, h, w) is looked at, each with its left edge in the frame's pixels."""
    height, width = pixels.shape[-2:]
    if height >= width:
        left = (height - width) // 2
        sides = (left, height - width - left, 0, 0, 0, 0)
        return [(F.pad(pixels, sides, mode="replicate"), -left)]
    count = 1 + math.ceil((width - height) / (height * STRIDE))
    edges = [round((width - height) * number / (count - 1)) for number in range(count)]
    return [(pixels[..., edge : edge + height], edge) for edge in edges]


def subject_boxes(oracle: Oracle, pixels: Tensor, names: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Return boxes (b, f, 4), left, top, right and bottom in shares of the clip's own frame, and certainty (b, f).

    names: the actor of each clip. Frames are those the judge looks at.
    """
    height, width = pixels.shape[-2:]
    boxes, certainty = [], []
    aspect = torch.tensor([next(a.aspect for a in ACTORS if a.name == name) for name in names])[:, None]
    for square, left in squares(pixels):
        box, sure = _boxes_in(oracle, square, aspect)
        boxes.append((box * height + torch.tensor([left, 0] * 2)) / torch.tensor([width, height] * 2))
        certainty.append(sure)
    best = torch.stack(certainty).max(0)
    chosen = best.indices[None, ..., None].expand(1, *boxes[0].shape)
    return torch.stack(boxes).gather(0, chosen)[0], best.values


def _boxes_in(oracle: Oracle, pixels: Tensor, aspect: Tensor) -> tuple[Tensor, Tensor]:
    """Return the first actor's boxes (b, f, 4) in a square clip's own coordinates, and certainty."""
    with torch.inference_mode():
        tracking = oracle.networks(resized(pixels, oracle.config))[1]
    longer = tracking.side[..., 0].exp()
    tall, wide = longer / aspect.clamp(min=1), longer / aspect.clamp(min=1) * aspect
    x, y = tracking.centre[..., 0, :].unbind(-1)
    return torch.stack([x - wide / 2, y - tall / 2, x + wide / 2, y + tall / 2], -1), tracking.confidence[..., 0]


def share_inside(boxes: Tensor) -> Tensor:
    """Return the share of each box (..., 4) that lies within the frame."""
    kept = (boxes.clamp(0, 1)[..., 2:] - boxes.clamp(0, 1)[..., :2]).prod(-1)
    return kept / (boxes[..., 2:] - boxes[..., :2]).prod(-1).clamp(min=1e-9)


def whole_in_frame(oracle: Oracle, pixels: Tensor, names: Sequence[str]) -> Tensor:
    """Return (b,) bool: the subject is seen, and whole, in MOST of a clip's frames."""
    boxes, sure = subject_boxes(oracle, pixels, names)
    whole = (share_inside(boxes) > 1 - OUTSIDE) & (sure > SURE)
    return whole.float().mean(1) >= MOST
