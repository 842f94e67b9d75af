"""Batches of training clips by step number, rendered ahead.

A source gives the pixels of clips by index. Step n trains on clips n * batch_size and following, whoever renders them
and however far ahead, so worker processes change nothing but the speed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from skyloom.config import TrainConfig
from skyloom.training.ahead import Ahead, InOrder
from skyloom.training.distributed import Ranks

Source = Callable[[Tensor], Tensor]
"""Indices (n,) int64 to pixels (n, 3, f, h, w) in [-1, 1]; clip i is the same in any batch."""

UNSEEN = 2**40
"""Clips from this index on are never trained on."""


@dataclass(frozen=True)
class _Steps:
    """Step number to that step's rows of pixels."""

    source: Source
    batch_size: int
    rows: slice

    def __call__(self, step: int) -> Tensor:
        return self.source(torch.arange(step * self.batch_size, (step + 1) * self.batch_size)[self.rows])


class Batches:
    """This rank's pixels for any step, on a device; `workers` processes render ahead, a GPU one step ahead."""

    def __init__(
        self, source: Source, config: TrainConfig, ranks: Ranks, workers: int = 0, device: torch.device | str = "cpu"
    ) -> None:
        rendered = InOrder(_Steps(source, config.batch_size, ranks.rows(config.batch_size)), config.steps, workers)
        self._ahead = Ahead(lambda step: rendered.at(step).to(device), config.steps, device)

    def at(self, step: int) -> Tensor:
        """Return pixels (rows, 3, f, h, w) of a step."""
        return self._ahead.at(step)
