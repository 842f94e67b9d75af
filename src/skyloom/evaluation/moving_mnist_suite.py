"""Moving MNIST: ten frames in, ten out.

Beside the checkpoint's clips stand three lines: the last frame repeated, the mean of the frames given, and black. The
error is the published one, squared differences summed over a frame; K samples are also averaged, since a mean of
futures is what that error rewards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from skyloom.data.moving_mnist import FRAMES, GIVEN, as_pixels, frame_error, moving_digits
from skyloom.evaluation.report import Table
from skyloom.evaluation.samples import SampleLog
from skyloom.evaluation.scoring import summed_up
from skyloom.evaluation.strips import save_strip
from skyloom.seeds import derive_seed

Continue = Callable[[Tensor, list[int]], Tensor]
"""Known frames (b, 3, 10, 64, 64) in [-1, 1] and seeds to the ten that follow, (b, 3, 10, 64, 64)."""
SAMPLES = 4
PUBLISHED = {"ConvLSTM (published)": 29.8, "SimVPv2 (published)": 26.7, "PredRNN++ (published)": 22.1}
LINES = ("last frame repeated", "mean of the given frames", "black")


@dataclass(frozen=True)
class DigitsAsked:
    """How many clips are asked, and K."""

    count: int = 100
    seed: int = 0
    batch_size: int = 10
    samples: int = SAMPLES


def lines(given: Tensor) -> dict[str, Tensor]:
    """Return what knows nothing of motion: clips (n, FRAMES - GIVEN, h, w) by name. given: (n, GIVEN, h, w)."""
    like = (-1, FRAMES - GIVEN, -1, -1)
    mean = given.float().mean(1, keepdim=True)
    return {
        "last frame repeated": given[:, -1:].expand(like),
        "mean of the given frames": mean.expand(like),
        "black": torch.zeros_like(mean).expand(like),
    }


def measure(plan: DigitsAsked, numbers: list[int], go_on: Continue | None, out: Path) -> list[dict]:
    """Ask some clips: one sample for each, its errors by line."""
    clips = moving_digits(torch.tensor(numbers), "test", plan.seed)
    given, true = clips[:, :GIVEN], clips[:, GIVEN:]
    errors = {name: frame_error(guess, true) for name, guess in lines(given).items()}
    if go_on is not None:
        runs = []
        for number in range(plan.samples):
            seeds = [derive_seed(plan.seed, f"moving mnist {number}", clip) % 2**31 for clip in numbers]
            runs.append((go_on(as_pixels(given), seeds).mean(1).clamp(-1, 1) + 1) * 127.5)
        errors["checkpoint"] = frame_error(runs[0], true)
        errors[f"checkpoint, mean of {plan.samples} samples"] = frame_error(torch.stack(runs).mean(0), true)
        for row, number in enumerate(numbers):
            pair = torch.stack([true[row].float(), runs[0][row]])[:, None] / 127.5 - 1
            save_strip(out, "moving-mnist", f"clip {number}", pair.expand(-1, 3, -1, -1, -1))
    rows = [dict(zip(errors, map(float, values), strict=True)) for values in zip(*errors.values(), strict=True)]
    return [{"name": f"clip {number}", "errors": row} for number, row in zip(numbers, rows, strict=True)]


def run(
    plan: DigitsAsked, go_on: Continue | None, log: SampleLog, out: Path, advance: Callable[[int], None]
) -> list[dict]:
    """Measure what the log lacks and return all samples; `advance` is told how many were done."""
    samples = log.read()
    advance(len(samples))
    for first in range(len(samples), plan.count, plan.batch_size):
        numbers = list(range(first, min(first + plan.batch_size, plan.count)))
        fresh = measure(plan, numbers, go_on, out)
        log.append(fresh)
        samples += fresh
        advance(len(fresh))
    return samples[: plan.count]


def digits_tables(samples: list[dict], seed: int) -> tuple[list[Table], dict]:
    """Return the table and all numbers."""
    means = {name: summed_up([s["errors"][name] for s in samples], seed) for name in samples[0]["errors"]}
    rows = [[name, f"{m.mean:.1f} ({m.low:.1f}-{m.high:.1f})"] for name, m in means.items() if m]
    rows += [[name, f"{value:.1f}"] for name, value in PUBLISHED.items()]
    note = (
        f"{len(samples)} clips of digits that no training sees: squared error summed over a 64 x 64 frame, mean of the "
        "ten frames asked for, with 95 % bootstrap intervals. Clips are made anew from 10,000 digits, so the published "
        "numbers, of models trained on this task, are near and not the same data."
    )
    return [Table("Moving MNIST", ["", "MSE"], rows, note)], {name: m and asdict(m) for name, m in means.items()}
