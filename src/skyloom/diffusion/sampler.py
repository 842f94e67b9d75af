"""Integrators from noise to data.

They know nothing of networks, paths or guidance: `velocity_fn(noisy, sigma)` is the derivative by sigma, and sigma
falls along `sigmas`. Axes: noisy latents (b, ...), sigma (b,).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from skyloom.errors import InvalidArgument, one_of

METHODS = ("euler", "heun")

OnStep = Callable[[int, int, Tensor], None]
"""(steps done, steps in all, the current guess of clean latents); an exception raised in it ends sampling."""


@torch.no_grad()
def sample(
    velocity_fn: Callable[[Tensor, Tensor], Tensor],
    noise: Tensor,
    sigmas: Tensor,
    *,
    known: Tensor | None = None,
    context: Tensor | None = None,
    noised_context: Tensor | None = None,
    on_step: OnStep | None = None,
    method: str = "euler",
) -> Tensor:
    """Integrate from `noise` (what the latents are at sigmas[0]) down to sigmas[-1].

    known: 1 where a cell is given and 0 where it is made, broadcastable to `noise`. In every call of `velocity_fn`
    known cells hold `noised_context` (`context` itself where that is None); in the answer they are `context` exactly.
    method: "euler", or "heun" (two calls a step; its last step, to 0, is Euler's, as in arXiv 2206.00364).
    Raises InvalidArgument.
    """
    one_of("method", method, METHODS)
    levels = _check_levels(sigmas)
    if (known is None) != (context is None):
        raise InvalidArgument("context", None if context is None else "a tensor", "come together with known")
    shown = context if noised_context is None else noised_context

    def velocity_at(noisy: Tensor, sigma: float) -> Tensor:
        levels_of_batch = torch.full((len(noisy),), sigma, device=noisy.device)
        return velocity_fn(noisy, levels_of_batch).to(noisy.dtype)

    noisy = _pin(noise, known, shown)
    for step, (sigma, following) in enumerate(pairwise(levels), start=1):
        velocity = velocity_at(noisy, sigma)
        guess = noisy - sigma * velocity
        moved = _pin(noisy + (following - sigma) * velocity, known, shown)
        if method == "heun" and following > 0:
            slope = (velocity + velocity_at(moved, following)) / 2
            moved = _pin(noisy + (following - sigma) * slope, known, shown)
        noisy = moved
        if on_step is not None:
            on_step(step, len(levels) - 1, _pin(guess, known, context))
    return _pin(noisy, known, context)


def _pin(latents: Tensor, known: Tensor | None, values: Tensor | None) -> Tensor:
    """Put `values` where `known` is 1."""
    if known is None or values is None:
        return latents
    pinned = torch.where(known.to(latents.device) > 0.5, values.to(latents), latents)
    return pinned.contiguous()  # in no other order of bytes than what is not pinned: kernels round by it


def _check_levels(sigmas: Tensor) -> list[float]:
    """Return the sigmas as numbers; raise InvalidArgument unless they fall within [0, 1]."""
    levels = [float(sigma) for sigma in sigmas]
    falling = all(before > after for before, after in pairwise(levels))
    if len(levels) < 2 or not falling or levels[0] > 1 or levels[-1] < 0:
        raise InvalidArgument("sigmas", levels, "be at least two numbers that fall, within [0, 1]")
    return levels
