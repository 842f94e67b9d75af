"""Speed of our transformer against diffusers' networks.

    python benchmarks/against_diffusers.py --threads 2 --json out/against_diffusers.json

One process, one run. The networks take turns (A B C D A B C D ...), each turn after a measurement of the machine's own
matrix product rate, so that a machine that drifts hits all alike. Needs the extra `compare`.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from competitors import Competitor, Work, field
from skyloom.errors import InvalidArgument, SkyloomError
from skyloom.evaluation.machine import describe_machine
from skyloom.training.loop import autocast
from skyloom.training.metrics import count_flops, matmul_rate

DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}
TARGET_SHARE = 0.35
NOTE = (
    "Eager networks with random weights; equal layers, width, heads, video tokens, words and batch; bf16 is autocast "
    "for all. x columns are theirs / ours: above 1, ours is faster; 'training' is forward and backward without the "
    "optimizer. The networks are not the same. LTX: cross-attention, and a 4x MLP, which costs what our gated 2.67x "
    "MLP costs. Latte: a layer is a pair of blocks (space, time), so it runs twice, with our number of pairs and with "
    "no more blocks than ours. Ours: two layers refine the words, every block reads them as keys and values in the "
    "same softmax as the video, every token has its own modulation. 'per FLOP x' divides the counted FLOP (products, "
    "attention) out."
)


@dataclass(frozen=True)
class Result:
    """One network in one mode and precision. seconds and rates: one entry a round; rates in FLOP a second."""

    name: str
    mode: str
    precision: str
    parameters: int
    flops: int
    seconds: tuple[float, ...]
    rates: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median seconds."""
        return statistics.median(self.seconds)

    @property
    def share(self) -> float:
        """Share of the machine's matrix product rate, by the medians of both."""
        return self.flops / self.median / statistics.median(self.rates)

    @property
    def best_share(self) -> float:
        """The same by the fastest round and the highest rate."""
        return self.flops / min(self.seconds) / max(self.rates)


def inference(competitor: Competitor) -> None:
    """Predict once, without gradients."""
    with torch.no_grad():
        competitor.forward()


def training_step(competitor: Competitor) -> None:
    """Predict, and carry a loss back to every weight."""
    competitor.network.zero_grad(set_to_none=True)
    competitor.forward().float().square().mean().backward()


MODES: dict[str, Callable[[Competitor], None]] = {"inference": inference, "training": training_step}


def seconds_of(work: Callable[[], None]) -> float:
    """Return how long `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measure(
    competitors: Sequence[Competitor], mode: str, precision: str, repeats: int, advance: Callable[[], None]
) -> list[Result]:
    """Time all competitors in turns, after one round that is not counted. Calls `advance` once a round."""
    act, device = MODES[mode], torch.device("cpu")
    seconds: list[list[float]] = [[] for _ in competitors]
    rates = []
    for number in range(repeats + 1):
        rate = matmul_rate(device, DTYPES[precision], 0.3)
        with autocast(precision, device):
            taken = [seconds_of(lambda one=one: act(one)) for one in competitors]
        if number:
            rates.append(rate)
            for column, value in zip(seconds, taken, strict=True):
                column.append(value)
        advance()
    flops = [count_flops(lambda one=one: act(one)) for one in competitors]
    return [
        Result(one.name, mode, precision, one.parameters, count, tuple(taken), tuple(rates))
        for one, count, taken in zip(competitors, flops, seconds, strict=True)
    ]


def compare(competitors: Sequence[Competitor], precisions: Sequence[str], repeats: int) -> list[Result]:
    """Measure every mode in every precision. Raises InvalidArgument for repeats below 1."""
    if repeats < 1:
        raise InvalidArgument("repeats", repeats, "be at least 1", 1)
    results = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("rounds", total=len(precisions) * len(MODES) * (repeats + 1))
        for precision in precisions:
            for mode in MODES:
                results += measure(competitors, mode, precision, repeats, lambda: progress.advance(task))
    return results


def ratios(result: Result, ours: Result) -> dict[str, float]:
    """Return theirs / ours: the time of one call (median and min), and the time of one FLOP (median)."""
    time_ratio = result.median / ours.median
    return {
        "time": time_ratio,
        "min time": min(result.seconds) / min(ours.seconds),
        "parameters": result.parameters / ours.parameters,
        "flop": result.flops / ours.flops,
        "per flop": time_ratio * ours.flops / result.flops,
    }


def grouped(results: Sequence[Result]) -> dict[tuple[str, str], list[Result]]:
    """Return results by (mode, precision), ours first in each."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        groups.setdefault((result.mode, result.precision), []).append(result)
    return groups


def results_table(results: Sequence[Result]) -> Table:
    """Return the table of all results; ratios are theirs / ours within a mode and precision."""
    table = Table(
        title="Transformers of equal size", caption=NOTE, caption_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    table.add_column("", no_wrap=True)
    for name in ("M\nweights", "\nGFLOP", "median\nms", "min\nms", "of\nmatmul", "time\nx", "min\nx", "per\nFLOP x"):
        table.add_column(name, justify="right", no_wrap=True)
    for (mode, precision), group in grouped(results).items():
        table.add_row(f"[bold]{mode}, {precision}[/]")
        for result in group:
            table.add_row(result.name, *_cells(result, ratios(result, group[0])))
        table.add_section()
    return table


def _cells(result: Result, ratio: dict[str, float]) -> list[str]:
    """Return one row of the table, as text."""
    return [
        f"{result.parameters / 1e6:.2f}",
        f"{result.flops / 1e9:.1f}",
        f"{1000 * result.median:.0f}",
        f"{1000 * min(result.seconds):.0f}",
        f"{result.share:.1%}",
        *(f"{ratio[name]:.2f}" for name in ("time", "min time", "per flop")),
    ]


def shares_table(results: Sequence[Result]) -> Table:
    """Return the share of the machine's matrix product rate that our training step reaches, against the target."""
    table = Table(title=f"Our training step against matrix products of 1024 x 1024 (target: {TARGET_SHARE:.0%})")
    columns = ("precision", "matmul GFLOP/s", "share, medians", "share, best", "target met")
    for name in columns:
        table.add_column(name, justify="left" if name == "precision" else "right")
    for (mode, precision), (ours, *_) in grouped(results).items():
        if mode == "training":
            rate = f"{statistics.median(ours.rates) / 1e9:.1f}"
            met = "yes" if ours.share >= TARGET_SHARE else "no"
            table.add_row(precision, rate, f"{ours.share:.1%}", f"{ours.best_share:.1%}", met)
    return table


def versions() -> dict[str, str | None]:
    """Return the versions of the compared packages; None where one is not installed."""
    found: dict[str, str | None] = {}
    for name in ("diffusers", "transformers", "torch"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def report(results: Sequence[Result], work: Work, repeats: int) -> dict:
    """Return all that was measured as JSON values."""
    return {
        "machine": {**describe_machine(), **versions()},
        "work": {**asdict(work), "grid": list(asdict(work.grid).values()), "repeats": repeats},
        "note": NOTE,
        "target_share": TARGET_SHARE,
        "results": [
            {
                **asdict(result),
                "median_seconds": result.median,
                "min_seconds": min(result.seconds),
                "matmul_share": result.share,
                "matmul_share_best": result.best_share,
                "theirs_over_ours": ratios(result, group[0]),
            }
            for group in grouped(results).values()
            for result in group
        ],
    }


def parser() -> argparse.ArgumentParser:
    """Return the command's arguments."""
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in asdict(Work()).items():
        found.add_argument(f"--{name}", type=int, default=value, help=f"default {value}")
    found.add_argument("--repeats", type=int, default=5, help="counted rounds of each mode and precision; default 5")
    found.add_argument("--threads", type=int, help="threads of torch; default: as the environment says")
    found.add_argument("--precision", choices=list(DTYPES), action="append", help="default: both")
    found.add_argument("--json", type=Path, metavar="PATH", help="write everything measured to this file")
    return found


def show(found: dict[str, Any], tables: Sequence[Table], path: Path | None) -> None:
    """Print a report's tables and its machine; write all of it as JSON where a path is given."""
    console = Console()
    for table in tables:
        console.print(table)
    console.print(", ".join(f"{name} {value}" for name, value in found["machine"].items()))
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found, indent=1) + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    given = parser().parse_args(arguments)
    warnings.filterwarnings("ignore", message="Mismatch dtype between input and weight")  # LTX's norms under autocast
    try:
        work = Work(**{name: getattr(given, name) for name in asdict(Work())})
        if given.threads is not None:
            if given.threads < 1:
                raise InvalidArgument("threads", given.threads, "be at least 1", 1)
            torch.set_num_threads(given.threads)
        results = compare(field(work), given.precision or list(DTYPES), given.repeats)
    except SkyloomError as error:
        print(error, file=sys.stderr)
        return 2
    show(report(results, work, given.repeats), [results_table(results), shares_table(results)], given.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
