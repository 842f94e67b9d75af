"""`skyloom bench`: time every stage of a generation.

skyloom bench --size 64x64x17 --size 128x128x33 --size 256x256x33 --steps 4 --guidance 1 --json bench.json
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from skyloom.cli.making import progress_bar, wait_quietly
from skyloom.errors import InvalidArgument
from skyloom.seeds import check_seed

if TYPE_CHECKING:
    from skyloom.evaluation.speed import Wanted


def bench(
    size: Annotated[
        list[str] | None, typer.Option(metavar="WxHxFRAMES", help="repeat for several; left out: as trained")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="steps from noise to video; left out: the checkpoint's own")] = None,
    guidance: Annotated[float | None, typer.Option(help="1 is one call of the network a step, more is two")] = None,
    repeats: Annotated[int, typer.Option(min=1, help="counted rounds of each size; one before warms up")] = 5,
    checkpoint: Annotated[str | None, typer.Option(help="shipped name or folder; left out: the default")] = None,
    cold: Annotated[bool, typer.Option("--cold/--no-cold", help="time a fresh `skyloom generate` too")] = True,
    threads: Annotated[int | None, typer.Option(min=1, help="threads to compute with; left out: all cores")] = None,
    seed: Annotated[int, typer.Option(help="seed of the noise")] = 0,
    to: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="write every number there")] = None,
) -> None:
    """Time every stage from the prompt to a signed mp4, p50 and p95, beside the machine's own rate of matrix products.

    Example: `skyloom bench --size 64x64x17 --size 128x128x33 --steps 4 --guidance 1 --json bench.json`
    """
    wait_quietly()
    from skyloom.evaluation import bench as benches

    wanted = [parse_wanted(text, steps, guidance) for text in size or [""]]
    console = Console()
    with progress_bar(Console(stderr=True)) as progress:
        task = progress.add_task("timing", total=repeats * len(wanted))
        plan = benches.Plan(tuple(wanted), repeats, check_seed(seed), checkpoint, cold, threads)
        found = benches.run(plan, lambda done: progress.advance(task, done))
    for table in benches.tables_of(found):
        benches.show(table, console)
    if to is not None:
        benches.save(found, to)


def parse_wanted(text: str, steps: int | None, guidance: float | None) -> Wanted:
    """Return what "128x96x33" (width, height, frames) asks for; "" is as trained. Raises InvalidArgument."""
    from skyloom.evaluation.speed import Wanted

    if not text:
        return Wanted(num_inference_steps=steps, guidance_scale=guidance)
    match = re.fullmatch(r"(\d{1,5})[xX×*](\d{1,5})[xX×*](\d{1,5})", text.strip())
    if not match:
        raise InvalidArgument("size", text, "be WIDTHxHEIGHTxFRAMES", "128x128x33")
    width, height, frames = map(int, match.groups())
    return Wanted(frames, height, width, steps, guidance)
