"""Jumps along a guided path, learnt from many small steps.

A jump network is asked at a point of the path, its level and a level below, and answers the mean velocity between the
two, so that one step of Euler's lands where many small ones of its teacher would (a flow map: Boffi et al. 2024, arXiv
2406.07507, eq. 4; told the size of the step as in Frans et al. 2024, arXiv 2410.12557). What it follows is the guided
velocity, so guidance is fused in (Meng et al. 2022, arXiv 2210.03142). One network learns the grids of 8, 4, 2 and 1
jumps alike. Axes: latents (b, ...), sigma and target (b,).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from skyloom.diffusion.flow import velocity_from
from skyloom.diffusion.guidance import ROUNDING, VelocityFn
from skyloom.diffusion.sampler import sample
from skyloom.errors import InvalidArgument

FINEST = 8
"""Jumps of the finest grid that is learnt: more steps than this are a matter for the many-step network."""
LESSONS = ((8, 4), (4, 4), (2, 1), (1, 1))
"""(jumps of a grid, how many of them are learnt from one path)."""

JumpFn = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(noisy latents (b, ...), sigma (b,), target (b,)) -> mean velocity between the two levels (b, ...)."""


def mean_velocity(start: Tensor, end: Tensor, sigma: Tensor, target: Tensor) -> Tensor:
    """Return the velocity that leads straight from `start` at level sigma to `end` at level target, below it."""
    return velocity_from(start, end, sigma - target)


def jumping(jump_fn: JumpFn, sigmas: Tensor) -> VelocityFn:
    """Return a velocity_fn for `sampler.sample` with Euler's method along `sigmas`, each step of which is one jump.

    All samples of a call share one sigma, one of `sigmas` but the last; else raises InvalidArgument.
    """
    levels = [float(sigma) for sigma in sigmas]

    def velocity_fn(noisy: Tensor, sigma: Tensor) -> Tensor:
        here = float(sigma[0])
        for level, following in pairwise(levels):
            if abs(level - here) <= ROUNDING:
                return jump_fn(noisy, sigma, torch.full_like(sigma, following))
        raise InvalidArgument("sigma", here, f"be one of {levels[:-1]}")

    return velocity_fn


def follow(
    velocity_fn: VelocityFn, start: Tensor, sigmas: Tensor, every: int = 1, *, known: Tensor | None = None,
    context: Tensor | None = None, noised_context: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Walk Euler's small steps along `sigmas` and return where every `every`-th began, and the end: (n + 1, b, ...).

    The other arguments are those of `sampler.sample`. Raises InvalidArgument unless `every` divides the steps.
    """
    if (len(sigmas) - 1) % every:
        raise InvalidArgument("every", every, f"divide the {len(sigmas) - 1} steps", 1)
    states = [start]
    for first in range(0, len(sigmas) - 1, every):
        part = sigmas[first : first + every + 1]
        end = sample(velocity_fn, states[-1], part, known=known, context=context, noised_context=noised_context)
        states.append(end)
    return torch.stack(states)


def draw_jumps(
    paths: int, generator: torch.Generator, lessons: Sequence[tuple[int, int]] = LESSONS
) -> tuple[Tensor, Tensor, Tensor]:
    """Draw which jumps are learnt from `paths` paths of FINEST pieces: path, first and last point, each (rows,) int64.

    lessons: for each grid, how many of its jumps a path gives; they are different ones. Raises InvalidArgument for
    more of them than the grid has, or a grid that does not divide FINEST.
    """
    starts, ends = [], []
    for jumps, count in lessons:
        if FINEST % jumps or count > jumps:
            raise InvalidArgument("lessons", (jumps, count), f"be at most all jumps of a divisor of {FINEST}")
        chosen = torch.rand(paths, jumps, generator=generator).argsort(1)[:, :count]
        length = FINEST // jumps
        starts.append(chosen * length)
        ends.append((chosen + 1) * length)
    first, last = torch.cat(starts, dim=1), torch.cat(ends, dim=1)
    path = torch.arange(paths)[:, None].expand_as(first)
    return path.flatten(), first.flatten(), last.flatten()
