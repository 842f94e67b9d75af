"""Noise levels that sampling walks through.

A schedule is a float64 tensor of num_inference_steps + 1 descending sigmas; the last one is exactly 0.
"""

from __future__ import annotations

import torch
from torch import Tensor

from skyloom.diffusion.flow import check_shift, shift_sigma
from skyloom.errors import InvalidArgument


def linear_schedule(num_inference_steps: int, start: float = 1.0) -> Tensor:
    """Return equal steps from `start` (1 is pure noise) to 0. Raises InvalidArgument."""
    if num_inference_steps < 1:
        raise InvalidArgument("num_inference_steps", num_inference_steps, "be at least 1", 1)
    if not 0 < start <= 1:
        raise InvalidArgument("start", start, "be above 0 and at most 1", 1.0)
    return start * torch.linspace(1, 0, num_inference_steps + 1, dtype=torch.float64)


def shifted_schedule(num_inference_steps: int, shift: float, start: float = 1.0) -> Tensor:
    """Return steps from `start` to 0 whose shifted levels (`flow.shift_sigma`) were equally spaced before."""
    equal = linear_schedule(num_inference_steps, start)
    inverse = shift_sigma(equal[0], 1 / check_shift(shift))
    sigmas = shift_sigma(equal / start * inverse, shift)
    sigmas[0] = start
    return sigmas
