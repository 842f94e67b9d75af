"""Batches of training clips by step number, rendered ahead.

A source gives the pixels of clips by index. Step n trains on clips n * batch_size and following, whoever renders them
and however far ahead, so worker processes change nothing but the speed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from skyloom.config import TrainConfig
from skyloom.training.distributed import Ranks

Source = Callable[[Tensor], Tensor]
"""Indices (n,) int64 to pixels (n, 3, f, h, w) in [-1, 1]; clip i is the same in any batch."""

UNSEEN = 2**40
"""Clips from this index on are never trained on."""


class _Steps(Dataset[Tensor]):
    """Step number to that step's rows of pixels."""

    def __init__(self, source: Source, batch_size: int, rows: slice) -> None:
        self.source, self.batch_size, self.rows = source, batch_size, rows

    def __getitem__(self, step: int) -> Tensor:
        return self.source(torch.arange(step * self.batch_size, (step + 1) * self.batch_size)[self.rows])


class Batches:
    """This rank's pixels for any step; steps asked for in order come from `workers` processes, if there are any."""

    def __init__(self, source: Source, config: TrainConfig, ranks: Ranks, workers: int = 0) -> None:
        self._steps = _Steps(source, config.batch_size, ranks.rows(config.batch_size))
        self._config, self._workers = config, workers
        self._ahead: Iterator[Tensor] | None = None
        self._expected: int | None = None

    def at(self, step: int) -> Tensor:
        """Return pixels (rows, 3, f, h, w) of a step."""
        if step != self._expected or not self._workers:
            self._ahead, self._expected = None, step + 1
            return self._steps[step]
        if self._ahead is None:
            order = range(step, self._config.steps)
            loader = DataLoader(self._steps, batch_size=None, sampler=order, num_workers=self._workers)
            self._ahead = iter(loader)
        self._expected = step + 1
        return next(self._ahead)
