"""`skyloom train phyworld`: learn a law of motion from three frames on."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.progress import Progress

from skyloom.config import to_dict
from skyloom.data.phyworld import SCENARIOS
from skyloom.data.phyworld_symmetries import SYMMETRIES
from skyloom.errors import one_of
from skyloom.models.transformer import Transformer
from skyloom.pipelines.phyworld import Continuer, save_continuer
from skyloom.seeds import check_seed
from skyloom.training.loop import train
from skyloom.training.phyworld import (
    LEVELS,
    TASKS,
    ContinuationStage,
    LatentDraw,
    PhyWorldPlan,
    encoded,
    fitted_codec,
    training_config,
)
from skyloom.training.transformer import finish_transformer


def train_phyworld(
    scenario: Annotated[str, typer.Argument(help=", ".join(SCENARIOS))],
    run_dir: Annotated[Path, typer.Argument(help="folder of the run; gone on with if it is there")],
    steps: Annotated[int, typer.Option(min=1)] = 4000,
    batch_size: Annotated[int, typer.Option(min=1)] = 256,
    clips: Annotated[int, typer.Option(min=50, help="clips rendered and kept, each in one view")] = 30_000,
    grid: Annotated[str, typer.Option(help="training grid: tiny, 30k, 300k or 3M")] = "30k",
    symmetries: Annotated[str, typer.Option(help=f"views: any of {','.join(SYMMETRIES)}, or none")] = "all",
    hidden_size: Annotated[int, typer.Option(min=32, help="a multiple of 32")] = 128,
    num_layers: Annotated[int, typer.Option(min=1)] = 4,
    seed: Annotated[int, typer.Option()] = 0,
) -> None:
    """Train a transformer on PhyWorld clips; writes RUN_DIR/checkpoint, for `skyloom evaluate phyworld`."""
    one_of("scenario", scenario, SCENARIOS)
    chosen = {"all": SYMMETRIES, "none": ()}.get(symmetries, tuple(symmetries.split(",")))
    plan = PhyWorldPlan(
        scenario, grid, clips, chosen, seed=check_seed(seed), hidden_size=hidden_size, num_layers=num_layers
    )
    began, config = time.perf_counter(), training_config(steps, batch_size, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Transformer(plan.network())
    model = Continuer(scenario, fitted_codec(plan), network, {})
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("render and encode", total=clips)
        latents = encoded(plan, model, lambda count: progress.advance(task, count))
    stage = ContinuationStage(network, config, TASKS, LatentDraw(latents, plan.network()), levels=LEVELS)
    train(stage, config, run_dir, settings={"phyworld": to_dict(plan)})
    found = finish_transformer(stage, run_dir)
    model.about = {
        "scenario": scenario, "steps": steps, "batch size": batch_size, "clips": len(latents), "grid": grid,
        "symmetries": ", ".join(chosen) or "none", "seed": seed,
        "minutes": round((time.perf_counter() - began) / 60, 1),
        "parameters": sum(p.numel() for p in network.parameters()), **found,
    }  # fmt: skip
    Console(stderr=True).print(f"{save_continuer(run_dir / 'checkpoint', model)}: {model.about}")
