"""Where actors go, for as long as anyone looks.

A planner plans as many frames as the clips of training have. The next ones are planned with the last of those known,
so that whoever runs runs on.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from skyloom.pipelines.canvas import Canvas
from skyloom.pipelines.planning import Encode, Planner


def planned_on(planner: Planner, encode: Encode, canvas: Canvas, before: Tensor, seed: int) -> Tensor:
    """Return boxes (1, s, n, 4) of a canvas that begins with the boxes `before` (1, s, k, 4), k = 1 + whole groups.

    Who was there stays, and no one comes.
    """
    frames = canvas.size.latent_frames
    begun = torch.arange(frames) < 1 + (before.shape[2] - 1) // planner.stride
    missing = before[:, :, -1:].expand(-1, -1, 1 + planner.stride * (frames - 1) - before.shape[2], -1)
    return planner.going_on(encode, canvas, torch.cat([before, missing], dim=2), begun, seed)


def plans(planner: Planner, encode: Encode, canvas: Canvas, seeds: Iterator[int], memory: int) -> Iterator[Tensor]:
    """Yield boxes (1, s, n, 4) for one canvas after another, each of which shares `memory` latent frames with the last.

    canvas: as long as the planner plans. Without end.
    """
    boxes = planner.boxes(encode, [canvas], [next(seeds)])
    kept = 1 + planner.stride * (memory - 1)
    while True:
        yield boxes
        boxes = planned_on(planner, encode, canvas, boxes[:, :, -kept:], next(seeds))
