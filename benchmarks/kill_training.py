"""Kill training again and again, resume it, and compare its weights with an unbroken run's.

    python benchmarks/kill_training.py                    ten kills of each stage at the size of tiny
    python benchmarks/kill_training.py --kills 3 --steps 60 --seed 1

Every run is the installed command in a process of its own. Some kills fall while a run starts, the others at a random
moment after it has gone on by a checkpoint, writing included. The last resumption runs to its end; every safetensors
file of the two runs must then be the same byte for byte. Exits with 1 where one differs.
"""

from __future__ import annotations

import argparse
import filecmp
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from skyloom.training.checkpointing import checkpoint_steps

STARTING = 0.2
"""Share of the kills that fall while a run still starts."""


class RunFailed(RuntimeError):
    """A run ended by itself in another way than it should."""


@dataclass(frozen=True)
class Broken:
    """What became of one stage."""

    stage: str
    stood: list[int]  # newest checkpoint's step at each kill
    files: int
    different: list[str]
    seconds: float


def newest(run_dir: Path) -> int:
    """Return the step of the newest whole checkpoint, 0 where there is none."""
    return max(checkpoint_steps(run_dir / "checkpoints"), default=0)


def started(command: Sequence[str], log: Path) -> subprocess.Popen:
    """Start a command in a process group of its own, its words appended to a file."""
    with log.open("ab") as words:
        return subprocess.Popen(command, stdout=words, stderr=words, start_new_session=True)


def run_whole(command: Sequence[str], log: Path) -> float:
    """Run a command to its end; return its seconds."""
    begun = time.monotonic()
    if started(command, log).wait() != 0:
        raise RunFailed(f"the command ended with an error:\n{log.read_text()[-2000:]}")
    return time.monotonic() - begun


def run_and_kill(command: Sequence[str], run_dir: Path, log: Path, rng: random.Random, delay: float) -> int:
    """Start a run and kill it at a random moment; return the step of its newest checkpoint.

    delay: the longest time in seconds from the first new checkpoint to the kill.
    """
    before, early, wait = newest(run_dir), rng.random() < STARTING, rng.random()
    process, begun = started(command, log), time.monotonic()
    while process.poll() is None and not early and newest(run_dir) <= before:
        time.sleep(0.001)
    time.sleep(wait * delay)
    if process.poll() is not None:
        raise RunFailed(f"the run was over after {time.monotonic() - begun:.1f} s, before the kill; give more steps")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return newest(run_dir)


def differences(first: Path, second: Path) -> tuple[int, list[str]]:
    """Return how many safetensors files two runs left, and the names of those that differ or stand alone."""
    names = {str(path.relative_to(run)) for run in (first, second) for path in run.rglob("*.safetensors")}
    same, *_ = filecmp.cmpfiles(first, second, names, shallow=False)
    return len(names), sorted(names.difference(same))


def kill_stage(stage: str, options: Sequence[str], folder: Path, given: argparse.Namespace) -> Broken:
    """Train a stage unbroken and broken, and compare."""
    begun, rng = time.monotonic(), random.Random(f"{given.seed} {stage}")
    whole, broken, log = folder / f"{stage}-whole", folder / f"{stage}-broken", folder / f"{stage}.log"

    def command(run_dir: Path) -> list[str]:
        words = ["train", stage, given.preset, str(run_dir), "--steps", str(given.steps), "--device", given.device]
        return [sys.executable, "-m", "skyloom", *words, *options]

    seconds = run_whole(command(whole), log)
    stood = [run_and_kill(command(broken), broken, log, rng, 0.5 * seconds / given.kills) for _ in range(given.kills)]
    run_whole(command(broken), log)
    return Broken(stage, stood, *differences(whole, broken), time.monotonic() - begun)


def results_table(results: Sequence[Broken], given: argparse.Namespace) -> Table:
    """Return the table of stages."""
    table = Table(title=f"{given.preset}, {given.steps} steps, {given.kills} kills each, seed {given.seed}")
    for name in ("stage", "newest checkpoint at each kill", "files", "final files", "seconds"):
        table.add_column(name)
    for result in results:
        verdict = "differ: " + ", ".join(result.different) if result.different else "identical"
        stood = " ".join(map(str, result.stood))
        table.add_row(result.stage, stood, str(result.files), verdict, f"{result.seconds:.0f}")
    return table


def parser() -> argparse.ArgumentParser:
    """Return the command's arguments."""
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--preset", default="tiny", help="what to train; default tiny")
    found.add_argument("--steps", type=int, default=300, help="steps of each run; default 300")
    found.add_argument("--kills", type=int, default=10, help="kills of each run; default 10")
    found.add_argument("--seed", type=int, default=0, help="of the moments; default 0")
    found.add_argument("--device", default="cpu", help="cpu or cuda; default cpu")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    given = parser().parse_args(arguments)
    with TemporaryDirectory() as name:
        folder = Path(name)
        try:
            first = kill_stage("autoencoder", [], folder, given)
            weights = folder / "autoencoder-whole" / "autoencoder.safetensors"
            second = kill_stage("transformer", ["--autoencoder", str(weights)], folder, given)
        except RunFailed as error:
            print(error, file=sys.stderr)
            return 2
    Console().print(results_table([first, second], given))
    return 1 if first.different or second.different or not (first.files and second.files) else 0


if __name__ == "__main__":
    sys.exit(main())
