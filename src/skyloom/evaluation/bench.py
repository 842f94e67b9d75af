"""The machine's speed at several sizes, as one report.

`speed` measures one size of a loaded checkpoint; here are loading, the sizes, and the whole command in a fresh process,
with the machine they were measured on.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from rich.console import Console

from skyloom.evaluation import speed
from skyloom.evaluation.fresh_process import run_measured
from skyloom.evaluation.machine import describe_machine
from skyloom.evaluation.report import Table, printable
from skyloom.evaluation.tables import speed_tables
from skyloom.pipelines.loading import load


@dataclass(frozen=True)
class Plan:
    """What is measured. cold: the command in a fresh process too; threads: None is as torch has it."""

    wanted: tuple[speed.Wanted, ...]
    rounds: int
    seed: int = 0
    checkpoint: str | None = None
    cold: bool = True
    threads: int | None = None


def run(plan: Plan, advance: Callable[[int], None]) -> dict:
    """Load, measure every size, then the command; returns JSON values. Raises InvalidArgument, CheckpointError."""
    if plan.threads is not None:
        torch.set_num_threads(plan.threads)
    started = time.perf_counter()
    pipeline = load(plan.checkpoint)
    loaded = time.perf_counter() - started
    for wanted in plan.wanted:  # a size that cannot be made is refused before anything is timed
        pipeline.room(**wanted.size)
    sizes = [speed.measure(pipeline, wanted, plan.rounds, plan.seed, advance) for wanted in plan.wanted]
    cold = [time_command(wanted, plan) for wanted in plan.wanted] if plan.cold else []
    return {"machine": describe_machine() | speed.busy(), "load": loaded, "sizes": sizes, "cold": cold}


def time_command(wanted: speed.Wanted, plan: Plan) -> dict[str, float]:
    """Run `skyloom generate` in a fresh process, to the signed file; returns seconds, megabytes, processor seconds."""
    if plan.threads is not None:
        os.environ["OMP_NUM_THREADS"] = str(plan.threads)
    with TemporaryDirectory() as folder:
        cost = run_measured(command_of(wanted, plan, Path(folder) / "cold.mp4"))
    return {"seconds": cost.seconds, "megabytes": cost.megabytes, "processor": cost.processor}


def command_of(wanted: speed.Wanted, plan: Plan, output: Path) -> list[str]:
    """Return the command line that makes what is wanted."""
    size = None if wanted.width is None else f"{wanted.width}x{wanted.height}"
    options = {
        "--size": size, "--frames": wanted.num_frames, "--steps": wanted.num_inference_steps,
        "--guidance": wanted.guidance_scale, "--checkpoint": plan.checkpoint, "--seed": plan.seed, "--output": output,
    }  # fmt: skip
    given = [word for name, value in options.items() if value is not None for word in (name, str(value))]
    return [sys.executable, "-m", "skyloom", "generate", speed.PROMPT, *given]


def tables_of(found: dict) -> list[Table]:
    """Return a table for each size, and one of fresh processes."""
    tables = [speed_tables(size | {"load": found["load"]})[0][0] for size in found["sizes"]]
    for size, cold in zip(found["sizes"], found["cold"], strict=bool(found["cold"])):
        row = [f"{value:.2f}" for value in (cold["seconds"], cold["processor"], cold["megabytes"])]
        header = ["seconds", "seconds of all cores", "peak memory MB"]
        frames, height, width = size["size"]
        tables.append(Table(f"skyloom generate from the shell, {width} x {height}, {frames} frames", header, [row]))
    machine = [[name, str(value)] for name, value in found["machine"].items()]
    return [*tables, Table("Machine", ["", ""], machine)]


def show(table: Table, console: Console) -> None:
    """Print a table with its note."""
    console.print(printable(table))
    if table.note:
        console.print(table.note, style="dim")


def save(found: dict, path: Path) -> None:
    """Write all numbers beside their place, then rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    beside.write_text(json.dumps(found, indent=1) + "\n")
    beside.replace(path)
