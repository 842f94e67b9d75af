"""`skyloom evaluate`: grade a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from skyloom.evaluation.suites import QUICK_ROUNDS, QUICK_SAMPLES, ROUNDS, SUITES, Request, run_suites
from skyloom.seeds import check_seed


def evaluate(
    suites: Annotated[list[str] | None, typer.Argument(help=f"any of {', '.join(SUITES)}; all when left out")] = None,
    checkpoint: Annotated[str | None, typer.Option(help="shipped name or folder; left out: the default")] = None,
    out: Annotated[Path, typer.Option(help="folder for the report and every sample's scores")] = Path("report"),
    quick: Annotated[bool, typer.Option(help="minutes in place of hours: few samples")] = False,
    seed: Annotated[int, typer.Option(help="seed of scenes, wordings and noise")] = 0,
    count: Annotated[int, typer.Option(min=1, help="samples of each group of prompts, clips of the autoencoder")] = 200,
) -> None:
    """Grade a checkpoint against the simulator's truth; run the same command again to go on after a stop."""
    samples, rounds = (min(count, QUICK_SAMPLES), QUICK_ROUNDS) if quick else (count, ROUNDS)
    request = Request(checkpoint, out, samples, rounds, check_seed(seed))
    run_suites(suites or [], request, Console())
