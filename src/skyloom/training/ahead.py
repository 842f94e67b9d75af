"""Steps made before they are asked for.

What a step trains on is a function of its number alone, so it can be made early, by other processes or by a thread
beside the training step, and changes nothing but the speed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

T = TypeVar("T")


class _Numbered(Dataset[T]):
    """Item n of this data set is `make(n)`."""

    def __init__(self, make: Callable[[int], T]) -> None:
        self.make = make

    def __getitem__(self, step: int) -> T:
        return self.make(step)


def _as_made(item: T) -> T:
    return item


class InOrder(Generic[T]):
    """`make(step)` for any step; those asked for in order come from `workers` processes, if there are any."""

    def __init__(self, make: Callable[[int], T], steps: int, workers: int = 0) -> None:
        """`make` must pickle where a GPU is in use, since processes are then started afresh."""
        self._make, self._steps, self._workers = make, steps, workers
        self._ahead: Iterator[T] | None = None
        self._expected: int | None = None

    def at(self, step: int) -> T:
        """Return `make(step)`."""
        if step != self._expected or not self._workers:
            self._ahead, self._expected = None, step + 1
            return self._make(step)
        if self._ahead is None:
            self._ahead = iter(
                DataLoader(
                    _Numbered(self._make), batch_size=None, sampler=range(step, self._steps), collate_fn=_as_made,
                    num_workers=self._workers, multiprocessing_context="spawn" if torch.cuda.is_initialized() else None,
                )
            )  # fmt: skip
        self._expected = step + 1
        return next(self._ahead)


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Yield the tensors held by a tensor, a sequence or a dataclass, however deep."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors_in(item)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from tensors_in(getattr(value, field.name))


class Ahead(Generic[T]):
    """`make(step)`, made by a thread on a stream of its own while the GPU trains on the step before.

    Without a GPU, or when not `threaded`, each step is made when it is asked for.
    """

    def __init__(
        self, make: Callable[[int], T], steps: int, device: torch.device | str, threaded: bool | None = None
    ) -> None:
        self._make, self._steps = make, steps
        self._cuda = torch.device(device).type == "cuda"
        self._index = torch.cuda.current_device() if self._cuda else None
        self._stream = torch.cuda.Stream() if self._cuda else None
        self._pool = ThreadPoolExecutor(1) if (self._cuda if threaded is None else threaded) else None
        self._made: dict[int, Future[tuple[T, Any]]] = {}

    def at(self, step: int) -> T:
        """Return `make(step)`; what its thread raised is raised here."""
        if self._pool is None:
            return self._make(step)
        wanted = [step, step + 1] if step + 1 < self._steps else [step]
        self._made = {s: self._made.get(s) or self._pool.submit(self._beside, s) for s in wanted}
        value, ready = self._made[step].result()
        if ready is not None:
            stream = torch.cuda.current_stream()
            stream.wait_event(ready)
            for tensor in tensors_in(value):
                if tensor.is_cuda:
                    tensor.record_stream(stream)
        return value

    def _beside(self, step: int) -> tuple[T, Any]:
        """Make a step and mark on the stream when it is whole."""
        if not self._cuda:
            return self._make(step), None
        with torch.cuda.device(self._index), torch.cuda.stream(self._stream):
            value = self._make(step)
            ready = torch.cuda.Event()
            ready.record()
            return value, ready
