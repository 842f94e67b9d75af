"""`skyloom evaluate`: grade a checkpoint, compare reports."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from skyloom.errors import InvalidArgument
from skyloom.evaluation.compare import compare
from skyloom.evaluation.page import save_page
from skyloom.evaluation.report import Report
from skyloom.evaluation.scaling import same_seeds, scaling
from skyloom.evaluation.suites import QUICK_ROUNDS, QUICK_SAMPLES, ROUNDS, SUITES, Request, run_suites
from skyloom.pipelines.phyworld import is_continuer
from skyloom.seeds import check_seed

HELP = f"any of {', '.join(SUITES)}; all when left out. Or: compare A B; scaling RUN RUN RUN"


def evaluate(
    suites: Annotated[list[str] | None, typer.Argument(help=HELP)] = None,
    checkpoint: Annotated[str | None, typer.Option(help="shipped name or folder; left out: the default")] = None,
    out: Annotated[Path, typer.Option(help="folder for the report and every sample's scores")] = Path("report"),
    quick: Annotated[bool, typer.Option(help="minutes in place of hours: few samples")] = False,
    seed: Annotated[int, typer.Option(help="seed of scenes, wordings and noise")] = 0,
    count: Annotated[int, typer.Option(min=1, help="samples of each group of prompts, clips of the autoencoder")] = 200,
) -> None:
    """Grade a checkpoint against the simulator's truth; run the same command again to go on after a stop.

    Writes report.html (one page that needs no network), report.md, report.json and every sample's scores. `compare A B`
    puts two report folders, or two checkpoints, side by side; `scaling` fits a power law through runs.
    """
    samples, rounds = (min(count, QUICK_SAMPLES), QUICK_ROUNDS) if quick else (count, ROUNDS)
    request, verb, console = Request(checkpoint, out, samples, rounds, check_seed(seed)), (suites or [""])[0], Console()
    if verb == "compare":
        _show(compare(*_graded(list(suites or [])[1:], request, console), seed), out, console)
    elif verb == "scaling":
        runs = [Path(name) for name in list(suites or [])[1:]]
        report = scaling(runs)
        same_seeds(runs, out)
        _show(report, out, console)
    else:
        run_suites(suites or [], request, console)


def _graded(names: list[str], request: Request, console: Console) -> tuple[Path, Path]:
    """Return two report folders; a checkpoint is graded first, into a folder under `out`."""
    if len(names) != 2:
        raise InvalidArgument("compare", names, "be two report folders or checkpoints")
    folders = []
    for letter, name in zip("ab", names, strict=True):
        folder = Path(name)
        if not list(folder.glob("*.jsonl")):
            folder = request.out / letter
            suite = "phyworld" if is_continuer(Path(name)) else "prompts"
            run_suites([suite], Request(name, folder, request.count, request.rounds, request.seed), console)
        folders.append(folder)
    return folders[0], folders[1]


def _show(report: Report, out: Path, console: Console) -> None:
    report.save(out)
    save_page(report, out)
    report.show(console)
