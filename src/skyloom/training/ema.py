"""Averages of the weights over training.

Exponential averages with two half-lives, so that the better one is chosen after training (Karras et al. 2024, EDM2).
Early on the half-life is a tenth of the steps so far, so that the random start is forgotten.
"""

# pyright: reportPrivateImportUsage=false
from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from skyloom.training.distributed import local

RAMP = 0.1


def ema_decay(step: int, halflife: int) -> float:
    """Return the weight of the old average after step `step` (from 0) is done."""
    return 0.5 ** (1 / min(float(halflife), RAMP * (step + 1)))


class Ema:
    """float32 averages of named parameters, one set for each half-life (in steps)."""

    def __init__(self, parameters: Mapping[str, nn.Parameter], halflives: tuple[int, ...]) -> None:
        self.parameters, self.halflives = dict(parameters), halflives
        self.averages = {
            halflife: {name: p.detach().float().clone() for name, p in self.parameters.items()}
            for halflife in halflives
        }

    @property
    def state(self) -> dict[str, Tensor]:
        """All averages as one flat dict."""
        return {f"{h}/{name}": value for h, values in self.averages.items() for name, value in values.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take the weights after step `step` (from 0) into the averages."""
        weights = [local(p) for p in self.parameters.values()]
        for halflife, values in self.averages.items():
            torch._foreach_lerp_([local(v) for v in values.values()], weights, 1 - ema_decay(step, halflife))

    @contextmanager
    @torch.no_grad()
    def applied(self, halflife: int | None = None) -> Iterator[None]:
        """Put an average (the first unless named) into the networks, and the weights back afterwards."""
        average = self.averages[self.halflives[0] if halflife is None else halflife]
        weights = [local(p.detach()) for p in self.parameters.values()]
        kept = [w.clone() for w in weights]
        torch._foreach_copy_(weights, [local(v) for v in average.values()])
        try:
            yield
        finally:
            torch._foreach_copy_(weights, kept)
