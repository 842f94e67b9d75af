"""Where actors go, for as long as anyone looks.

A planner plans as many frames as the clips of training have. The next ones are planned with the last of those known,
so that whoever runs runs on.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from skyloom.diffusion.sampler import sample
from skyloom.diffusion.schedule import shifted_schedule
from skyloom.models.boxes import from_plan, to_plan
from skyloom.pipelines.canvas import Canvas
from skyloom.pipelines.planning import STEPS, Encode, Planner, in_aspect


@torch.no_grad()
def planned_on(planner: Planner, encode: Encode, canvas: Canvas, before: Tensor, seed: int) -> Tensor:
    """Return boxes (1, s, n, 4) of a canvas that begins with the boxes `before` (1, s, k, 4), k = 1 + whole groups.

    Who was there stays, and no one comes.
    """
    size = canvas.size
    aspect = size.latent_width / size.latent_height
    given = to_plan(in_aspect(before, 1 / aspect), planner.stride)
    noise = planner.noise(size.latent_frames, seed)[None]
    context, known = torch.zeros_like(noise), torch.zeros_like(noise[:, :1])
    context[:, :, : given.shape[2]], known[:, :, : given.shape[2]] = given, 1
    velocity_fn = planner.asked(encode, [canvas], known)
    plan = sample(velocity_fn, noise, shifted_schedule(STEPS, 1.0), known=known, context=context)
    plan[:, 0] = given[:, 0, :1]
    return in_aspect(from_plan(plan, planner.stride), aspect)


def plans(planner: Planner, encode: Encode, canvas: Canvas, seeds: Iterator[int], memory: int) -> Iterator[Tensor]:
    """Yield boxes (1, s, n, 4) for one canvas after another, each of which shares `memory` latent frames with the last.

    canvas: as long as the planner plans. Without end.
    """
    boxes = planner.boxes(encode, [canvas], [next(seeds)])
    kept = 1 + planner.stride * (memory - 1)
    while True:
        yield boxes
        boxes = planned_on(planner, encode, canvas, boxes[:, :, -kept:], next(seeds))
