"""Which latents are known: one pattern for each task.

A training sample draws its task by the weights of TaskMix, and the task draws which cells of the canvas are given.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from skyloom.config import TaskMix, TrainConfig
from skyloom.errors import InvalidArgument
from skyloom.seeds import generator_for

TASKS = ("nothing_known", "first_frames", "last_frames", "both_ends", "every_kth", "random_box", "source")
"""Tasks of video samples. `image` is drawn for whole steps (`draw_image`), since its shape is another."""


def only(mix: TaskMix, **weights: float) -> TaskMix:
    """Return a mix of the tasks named here alone, the rest of it as it is."""
    return dataclasses.replace(mix, **dict.fromkeys((*TASKS, "image"), 0.0) | weights)


def draw_image(mix: TaskMix, generator: torch.Generator) -> bool:
    """Draw whether a step trains on images."""
    total = mix.image + sum(getattr(mix, task) for task in TASKS)
    return bool(torch.rand((), generator=generator) < mix.image / total)


def draw_tasks(mix: TaskMix, count: int, generator: torch.Generator, still: bool = False) -> Tensor:
    """Draw a task for each sample: (count,) int64 into TASKS. `still` samples have one frame, so only boxes fit them.

    Raises InvalidArgument when no task has any weight.
    """
    usable = ("nothing_known", "random_box") if still else TASKS
    weights = torch.tensor([getattr(mix, task) if task in usable else 0.0 for task in TASKS])
    if still and not weights.sum():
        weights[0] = 1.0
    if not (weights >= 0).all() or not weights.sum():
        raise InvalidArgument("tasks", weights.tolist(), "be weights of at least 0, not all 0")
    return torch.multinomial(weights, count, replacement=True, generator=generator)


def draw_step(mix: TaskMix, config: TrainConfig, step: int) -> tuple[torch.Generator, bool, Tensor]:
    """Draw what a step trains on first: whether on images, and the task of each sample of the global batch.

    Returns the step's generator too, which has drawn these and no more.
    """
    generator = generator_for(config.seed, "transformer step", step)
    still = draw_image(mix, generator)
    return generator, still, draw_tasks(mix, config.batch_size, generator, still)


def draw_known(tasks: Tensor, shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """Draw the known cells of each sample: (b, 1, f, h, w) of 0 and 1, never all 1. shape: f, h, w of the latents."""
    frames, height, width = shape
    draws = torch.rand(7, len(tasks), generator=generator)
    head, tail = _ends(frames, draws[0], draws[1])
    every = 2 + (draws[1] * max(1, min(4, frames - 1) - 1)).long()
    number = torch.arange(frames)
    nothing = torch.zeros(len(tasks), frames, dtype=torch.bool)
    over_time = {
        "nothing_known": nothing,
        "first_frames": number < _one_to(frames - 1, draws[0].square())[:, None],
        "last_frames": number >= frames - _one_to(frames - 1, draws[0].square())[:, None],
        "both_ends": (number < head[:, None]) | (number >= frames - tail[:, None]),
        "every_kth": (number % every[:, None] == 0) if frames > 1 else nothing,
        "random_box": nothing,
        "source": nothing,
    }
    chosen = torch.stack([over_time[task] for task in TASKS])[tasks, torch.arange(len(tasks))]
    known = chosen[:, None, :, None, None].expand(-1, 1, -1, height, width)
    inside = _span(height, draws[2], draws[3])[:, :, None] & _span(width, draws[4], draws[5])[:, None, :]
    around = (inside ^ (draws[6] < 0.5)[:, None, None])[:, None, None].expand_as(known)
    return torch.where((tasks == TASKS.index("random_box")).view(-1, 1, 1, 1, 1), around, known).float()


def _one_to(most: int, draws: Tensor) -> Tensor:
    """Scale draws in [0, 1) to whole numbers from 1 to `most` (0 when `most` is)."""
    return (1 + (draws * most).long()).clamp(max=max(most, 0))


def _ends(frames: int, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Draw lengths of two known ends that leave at least one frame between them."""
    head = _one_to(max(1, frames - 2), first.square()).clamp(max=frames - 1)
    left = (frames - 1 - head).float()
    return head, torch.minimum(1 + (second.square() * left).long(), left.long())


def _span(length: int, size: Tensor, place: Tensor) -> Tensor:
    """Draw a span of a quarter to three quarters of an axis: (b, length) bool, never all or none (for length > 1)."""
    cells = ((0.25 + 0.5 * size) * length).round().clamp(1, max(1, length - 1))
    start = (place * (length - cells + 1)).floor()
    number = torch.arange(length)
    return (number >= start[:, None]) & (number < (start + cells)[:, None])
