"""What every row of the tasks suite works with.

A row measures cases by number. For each case it gives numbers by line and by measure: the line "made" is what the
checkpoint makes; the others stand beside it: the real render, the autoencoder's reconstruction of it, trivial answers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from skyloom.config import ClipConfig, WorldConfig
from skyloom.evaluation.metrics import psnr
from skyloom.evaluation.oracle import Oracle
from skyloom.evaluation.scoring import score
from skyloom.evaluation.together import AT_ONCE, Together
from skyloom.pipelines.pipeline import Pipeline
from skyloom.video import Video

Numbers = dict[str, dict[str, float]]
"""Line to measure to value."""
Measured = dict[str, dict[str, Tensor | Sequence[float]]]
"""Line to measure to one value for each case."""
Task = Callable[[Pipeline], Video]
Keep = Callable[[str, Tensor], None]
"""A sample's name and its clips (n, 3, f, h, w), to be kept as a strip."""


@dataclass(frozen=True)
class TasksPlan:
    """What is measured, how often."""

    world: WorldConfig
    clip: ClipConfig
    count: int = 100
    seed: int = 0
    batch_size: int = 24


@dataclass(frozen=True)
class Goal:
    """What a measure of the line "made" should reach: `relation` is "<=" or ">=", on its mean, median or every case."""

    measure: str
    relation: str
    value: float
    statistic: str = "mean"


@dataclass(frozen=True)
class Subject:
    """What a table is about."""

    title: str
    goals: tuple[Goal, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Row(Subject):
    """One row of the suite.

    measure: (bench, case numbers) to numbers of each case. clips: how many clips a case costs; a row of `count` clips
    has count / clips cases.
    """

    measure: Callable[[Bench, Sequence[int]], list[Numbers]] = field(kw_only=True)
    clips: int = 1

    def cases(self, count: int) -> int:
        """Return the number of cases that cost `count` clips: at least one."""
        return max(1, count // self.clips)


@dataclass(frozen=True)
class Bench:
    """The checkpoint, the judge and the plan, with what rows need of them."""

    pipeline: Together
    oracle: Oracle
    plan: TasksPlan
    keep: Keep = lambda name, clips: None

    def run(self, tasks: Sequence[Task]) -> Tensor:
        """Do tasks whose videos are of one size: pixels (b, 3, f, h, w) in [-1, 1], as a file would hold them."""
        return torch.cat([video.pixels() for video in self.pipeline.each(tasks)])

    def reconstruct(self, pixels: Tensor) -> Tensor:
        """Return what the autoencoder keeps of pixels (b, 3, f, h, w), as a file would hold it."""
        parts = [self.pipeline.decode(self.pipeline.encode(part)) for part in pixels.split(AT_ONCE)]
        return rounded(torch.cat(parts))

    def keep_pairs(self, row: str, numbers: Sequence[int], real: Tensor, made: Tensor) -> None:
        """Keep a strip of each case: the real clip above, what was made below."""
        for number, *clips in zip(numbers, real, made, strict=True):
            self.keep(f"{row}/{number}", torch.stack(clips))

    def read(self, pixels: Tensor) -> list[dict]:
        """Return what the judge sees in each clip, as plain values."""
        return [reading.as_dict() for reading in self.oracle.read(pixels)]


EXACT = 60.0
"""dB that stand for pixels which are the user's own, bit for bit."""


def fidelity(pixels: Tensor, truth: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the PSNR of each clip, EXACT at most."""
    return psnr(pixels, truth, mask).clamp(max=EXACT)


def rounded(pixels: Tensor) -> Tensor:
    """Bring pixels to the 256 values of a file, as a `Video` holds them."""
    return ((pixels.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1


def videos(pixels: Tensor, fps: float) -> list[Video]:
    """Return each clip of a batch as a Video."""
    return [Video.from_pixels(clip, fps) for clip in pixels]


def by_case(lines: Measured, count: int) -> list[Numbers]:
    """Turn values by line and measure, each a list over cases, into one record for each case; NaN is left out."""
    tables = {
        line: {name: [float(value) for value in values] for name, values in measures.items()}
        for line, measures in lines.items()
    }
    return [
        {
            line: {name: round(values[case], 5) for name, values in measures.items() if not math.isnan(values[case])}
            for line, measures in tables.items()
        }
        for case in range(count)
    ]


def slots(bench: Bench, pixels: Tensor, wanted: Sequence[dict], names: Sequence[str]) -> dict[str, list[float]]:
    """Return the judge's scores by slot; NaN where a case does not ask for a slot."""
    found = [score(reading, want) for reading, want in zip(bench.read(pixels), wanted, strict=True)]
    return {name: [one.get(name, float("nan")) for one in found] for name in names}
