"""Weighted sums of differently conditioned velocities.

Every kind of guidance is a list of branches (a condition and its weight; weights sum to 1). Branches of weight 0 cost
nothing; the others go through the network in one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from skyloom.diffusion.flow import denoised_from, velocity_from
from skyloom.errors import InvalidArgument

Condition = TypeVar("Condition")

VelocityFn = Callable[[Tensor, Tensor], Tensor]
"""(noisy latents (b, ...), sigma (b,)) -> velocity (b, ...)."""

ConditionedVelocityFn = Callable[[Tensor, Tensor, Sequence[Condition]], Tensor]
"""As VelocityFn for n conditions at once: latents (n * b, ...), all of the first condition's samples first."""


ROUNDING = 1e-6  # a sigma of 0.8 in float32 still counts as 0.8


@dataclass(frozen=True)
class Branch(Generic[Condition]):
    """One condition and its share of the velocity."""

    condition: Condition
    weight: float


def classifier_free(conditional: Condition, unconditional: Condition, guidance_scale: float) -> list[Branch[Condition]]:
    """Return unconditional + guidance_scale * (conditional - unconditional); 1 is the conditional alone.

    Ho and Salimans 2022, arXiv 2207.12598. A negative prompt is another `unconditional`.
    """
    _check_scale("guidance_scale", guidance_scale)
    return [Branch(conditional, guidance_scale), Branch(unconditional, 1 - guidance_scale)]


def two_guidances(
    full: Condition, source_only: Condition, nothing: Condition, text_scale: float, source_scale: float
) -> list[Branch[Condition]]:
    """Return nothing + source_scale * (source_only - nothing) + text_scale * (full - source_only).

    InstructPix2Pix, arXiv 2211.09800, eq. 3: `full` has text and source, `source_only` no text, `nothing` neither.
    """
    _check_scale("guidance_scale", text_scale)
    _check_scale("source_guidance_scale", source_scale)
    return [Branch(full, text_scale), Branch(source_only, source_scale - text_scale), Branch(nothing, 1 - source_scale)]


def guided(
    velocity_of: ConditionedVelocityFn[Condition],
    branches: Sequence[Branch[Condition]],
    *,
    interval: tuple[float, float] = (0.0, 1.0),
    rescale: float = 0.0,
) -> VelocityFn:
    """Return a velocity_fn that sums the branches; all samples of a call share one sigma.

    interval: guide only while low <= sigma <= high, elsewhere the first branch alone (arXiv 2404.07724).
    rescale: share in [0, 1] by which the denoised latents' spread is set back to the first branch's, which keeps
    strong guidance from burning colours (arXiv 2305.08891, section 3.4). Raises InvalidArgument.
    """
    low, high = interval
    if not 0 <= low <= high <= 1:
        raise InvalidArgument("guidance interval", interval, "be low <= high within [0, 1]", (0.0, 1.0))
    if not 0 <= rescale <= 1:
        raise InvalidArgument("guidance rescale", rescale, "be between 0 and 1", min(max(rescale, 0.0), 1.0))
    alone = [Branch(branches[0].condition, 1.0)]
    active = _active(branches, keep_first=rescale > 0)

    def velocity_fn(noisy: Tensor, sigma: Tensor) -> Tensor:
        inside = low - ROUNDING <= float(sigma[0]) <= high + ROUNDING
        chosen = active if inside else alone
        velocities = _evaluate(velocity_of, chosen, noisy, sigma)
        if len(chosen) == 1:
            return velocities[0]
        total = sum((branch.weight * v for branch, v in zip(chosen, velocities, strict=True)), torch.zeros_like(noisy))
        return _rescaled(noisy, sigma, total, velocities[0], rescale) if rescale else total

    return velocity_fn


def _active(branches: Sequence[Branch[Condition]], keep_first: bool) -> list[Branch[Condition]]:
    """Drop branches that add nothing; the first one stays where rescaling measures it."""
    active = [branch for branch in branches if branch.weight != 0]
    needs_first = keep_first and len(active) > 0 and branches[0].weight == 0
    return [branches[0], *active] if needs_first else active


def _evaluate(
    velocity_of: ConditionedVelocityFn[Condition], branches: Sequence[Branch[Condition]], noisy: Tensor, sigma: Tensor
) -> Sequence[Tensor]:
    """Run all branches as one batch; return one velocity for each."""
    count = len(branches)
    repeated = noisy.repeat(count, *[1] * (noisy.dim() - 1))
    return velocity_of(repeated, sigma.repeat(count), [branch.condition for branch in branches]).chunk(count)


def _rescaled(noisy: Tensor, sigma: Tensor, total: Tensor, first: Tensor, share: float) -> Tensor:
    """Set the standard deviation of each sample's denoised latents back towards the first branch's."""
    wanted, denoised = denoised_from(noisy, first, sigma), denoised_from(noisy, total, sigma)
    axes = tuple(range(1, noisy.dim()))
    ratio = wanted.std(axes, keepdim=True) / denoised.std(axes, keepdim=True).clamp(min=1e-12)
    return velocity_from(noisy, denoised * (share * ratio + 1 - share), sigma)


def _check_scale(argument: str, scale: float) -> None:
    if not 0 <= scale < float("inf"):
        raise InvalidArgument(argument, scale, "be at least 0 (1 is off)", 1.0)
