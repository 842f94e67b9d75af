"""The type in which matrix products are computed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch


def fast_matmul(device: torch.device) -> AbstractContextManager[Any]:
    """Compute matrix products in bf16 where the processor has instructions for it, in fp32 elsewhere."""
    has: list[Callable[[], bool]] = [torch.cpu._is_avx512_bf16_supported, torch.cpu._is_amx_tile_supported]
    fast = device.type != "cpu" or any(test() for test in has)
    return torch.autocast(device.type, torch.bfloat16) if fast else nullcontext()
