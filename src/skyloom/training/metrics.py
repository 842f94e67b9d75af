"""What a run tells while it trains.

One JSON line for each logged step in run_dir/metrics.jsonl, TensorBoard events where that package is installed, and a
progress bar with loss, clips a second and time left.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from skyloom.config import TrainConfig
from skyloom.training.distributed import Ranks


def matmul_rate(device: torch.device, dtype: torch.dtype, seconds: float = 0.6) -> float:
    """Measure the machine's best rate of large matrix products, in FLOP a second."""
    size = 1024 if device.type == "cpu" else 8192
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    best, end = 0.0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        for _ in range(4):
            torch.mm(a, b)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = max(best, 4 * 2 * size**3 / (time.perf_counter() - start))
    return best


def count_flops(work: Callable[[], Any]) -> int:
    """Run `work` once, uncompiled, and return the FLOPs of its matrix products, attention and convolutions.

    The attention kernels of a CPU are not counted, so there it is spelled out; on a GPU that would not fit in memory.
    """
    with (
        torch.compiler.set_stance("force_eager"),
        nullcontext() if torch.cuda.is_initialized() else sdpa_kernel(SDPBackend.MATH),
        FlopCounterMode(display=False) as counter,
    ):
        work()
    return counter.get_total_flops()


def drop_lines_after(path: Path, step: int) -> None:
    """Remove lines of steps past `step`, and a half-written last line, from a JSONL file."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text().splitlines():
        try:
            past = json.loads(line)["step"] > step
        except (json.JSONDecodeError, KeyError):
            continue
        if not past:
            kept.append(line)
    beside = path.with_suffix(".partial")
    beside.write_text("".join(line + "\n" for line in kept))
    beside.rename(path)


def _tensorboard(run_dir: Path, console: Console, step: int) -> Any:
    """Return a TensorBoard writer, or None (said once) when the package is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        console.print("tensorboard is not installed: metrics go to metrics.jsonl only")
        return None
    return SummaryWriter(run_dir / "tensorboard", purge_step=step + 1)


@dataclass(frozen=True)
class Speed:
    """What a step costs and what the machine could do at best: FLOP, FLOP a second."""

    flops_per_step: float
    matmul_rate: float


class Metrics:
    """A context manager around the steps from `start` to the end of a run. Only the leading rank tells anything."""

    def __init__(self, run_dir: Path, start: int, config: TrainConfig, speed: Speed | None, ranks: Ranks) -> None:
        self.start, self.config, self.speed, self.leads = start, config, speed, ranks.leads
        self.console = Console(stderr=True, quiet=not ranks.leads)
        self.path = run_dir / "metrics.jsonl"
        self._began = self._since = time.perf_counter()
        self._last, self._losses, self._rates = start, [], []
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
            console=self.console, disable=not (ranks.leads and sys.stderr.isatty()),
        )  # fmt: skip
        self._task = self._bar.add_task("training", total=config.steps, completed=start, note="")

    def __enter__(self) -> Metrics:
        if self.leads:
            drop_lines_after(self.path, self.start)
            self._file = self.path.open("a")
            self._board = _tensorboard(self.path.parent, self.console, self.start)
        self._bar.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._bar.stop()
        if self.leads:
            self._file.close()
            if self._board is not None:
                self._board.close()
        if kind is None and self._rates:
            self.console.print(self.summary(), highlight=False, soft_wrap=True)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave what happens inside out of the rates."""
        before = time.perf_counter()
        yield
        self._since += time.perf_counter() - before

    def step(self, done: int, loss: float, values: Mapping[str, Tensor | float]) -> None:
        """Take in the loss of the step that made `done`; every so often write a line with the mean since the last."""
        self._losses.append(loss)
        self._bar.update(self._task, completed=done)
        if done % self.config.log_every and done != self.config.steps:
            return
        now = time.perf_counter()
        steps_a_second = (done - self._last) / (now - self._since)
        mean = sum(self._losses) / len(self._losses)
        line = {"loss": mean, **{name: float(value) for name, value in values.items()}} | self._speeds(steps_a_second)
        self._losses, self._since, self._last = [], now, done
        self._rates.append(steps_a_second)
        if self.leads:
            self._write(done, line)
            self._show(done, line, now)

    def _speeds(self, steps_a_second: float) -> dict[str, float]:
        speeds = {"clips_per_second": self.config.batch_size * steps_a_second}
        if self.speed is not None:
            speeds["matmul_share"] = self.speed.flops_per_step * steps_a_second / self.speed.matmul_rate
        return speeds

    def _write(self, done: int, line: dict[str, float]) -> None:
        rounded = {name: float(f"{value:.6g}") for name, value in line.items()}
        self._file.write(json.dumps({"step": done, **rounded}) + "\n")
        self._file.flush()
        if self._board is not None:
            for name, value in line.items():
                self._board.add_scalar(name, value, done)

    def _show(self, done: int, line: dict[str, float], now: float) -> None:
        note = f"loss {line['loss']:.4f}  {line['clips_per_second']:.1f} clips/s"
        self._bar.update(self._task, note=note)
        if self._bar.disable:
            left = (self.config.steps - done) * (now - self._began) / max(1, done - self.start)
            self.console.print(f"step {done}/{self.config.steps}  {note}  {left / 60:.1f} min left", highlight=False)

    def summary(self) -> str:
        """Return the run's speed in words: the median over its logged lines."""
        speeds = self._speeds(statistics.median(self._rates))
        text = f"{speeds['clips_per_second']:.2f} clips a second"
        if self.speed is not None:
            text += (
                f"; {speeds['matmul_share']:.1%} of the matmul rate of {self.speed.matmul_rate / 1e9:.0f} GFLOP/s"
                f" at {self.speed.flops_per_step / 1e9:.1f} GFLOP a step"
            )
        return text
