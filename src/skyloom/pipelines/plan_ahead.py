"""Where actors go, for as long as anyone looks.

A planner plans as many frames as the clips of training have. The next ones are planned with the last of those known,
so that whoever runs runs on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from skyloom.diffusion.guidance import classifier_free, guided
from skyloom.diffusion.sampler import sample
from skyloom.diffusion.schedule import shifted_schedule
from skyloom.models.boxes import from_plan, to_plan
from skyloom.models.text_encoder import TextFeatures
from skyloom.pipelines.canvas import Canvas
from skyloom.pipelines.planning import GUIDANCE, STEPS, Planner, in_aspect
from skyloom.pipelines.velocity import Condition, Pinned, encode_prompts, velocity_of
from skyloom.seeds import generator_for

Encode = Callable[[Sequence[str]], TextFeatures]


@torch.no_grad()
def planned_on(planner: Planner, encode: Encode, canvas: Canvas, before: Tensor, seed: int) -> Tensor:
    """Return boxes (1, s, n, 4) of a canvas that begins with the boxes `before` (1, s, k, 4), k = 1 + whole groups.

    Who was there stays, and no one comes.
    """
    size, channels = canvas.size, planner.network.config.latent_channels
    aspect = size.latent_width / size.latent_height
    given = to_plan(in_aspect(before, 1 / aspect), planner.stride)
    known = torch.zeros(1, 1, size.latent_frames, 1, 1)
    known[:, :, : given.shape[2]] = 1
    context = torch.zeros(1, channels, size.latent_frames, 1, 1)
    context[:, :, : given.shape[2]] = given
    full = Condition(encode_prompts(encode, [canvas.prompts], size.latent_frames), None)
    empty = Condition(encode_prompts(encode, [[replace(canvas.prompts[0], text="")]], size.latent_frames), None)
    shared = Pinned(known, torch.zeros(1), canvas.scalar_row())
    velocity_fn = guided(velocity_of(planner.network, shared), classifier_free(full, empty, GUIDANCE))
    noise = torch.randn(context.shape, generator=generator_for(seed, "plan"))
    plan = sample(velocity_fn, noise, shifted_schedule(STEPS, 1.0), known=known, context=context)
    there = given.unflatten(1, (planner.slots, -1))[:, :, 0, :1]
    plan.unflatten(1, (planner.slots, -1))[:, :, 0] = there
    return in_aspect(from_plan(plan, planner.slots, planner.stride), aspect)


def plans(planner: Planner, encode: Encode, canvas: Canvas, seeds: Iterator[int], memory: int) -> Iterator[Tensor]:
    """Yield boxes (1, s, n, 4) for one canvas after another, each of which shares `memory` latent frames with the last.

    canvas: as long as the planner plans. Without end.
    """
    boxes = planner.boxes(encode, [canvas], [next(seeds)])
    kept = 1 + planner.stride * (memory - 1)
    while True:
        yield boxes
        boxes = planned_on(planner, encode, canvas, boxes[:, :, -kept:], next(seeds))
