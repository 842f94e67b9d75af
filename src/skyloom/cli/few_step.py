"""`skyloom train few-step`: a network that jumps, from one that walks.

    skyloom train few-step nano runs/few --start runs/nano/transformer/transformer.safetensors --guidance 4.5 \\
        --autoencoder runs/nano/autoencoder/autoencoder.safetensors --bank runs/nano/bank
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from skyloom.cli.carrying import carry_out
from skyloom.cli.train import (
    AutoencoderFile,
    BankFolder,
    Device,
    DryRun,
    Folder,
    PresetName,
    RunDir,
    Set,
    Share,
    Steps,
    Words,
    Workers,
    ground_of,
    resolved,
    trained_transformer,
    with_steps,
)  # fmt: skip
from skyloom.config import replace, to_dict
from skyloom.models.transformer import Transformer
from skyloom.pipelines.checkpoint import SamplingConfig, read_config, resolve
from skyloom.training.few_step import FewStepStage, finish_few_step
from skyloom.training.transformer import start_transformer

Teacher = Annotated[Path, typer.Option(help="what walks: a checkpoint folder, or transformer.safetensors of a run")]
Guidance = Annotated[float | None, typer.Option(help="guidance to fuse in; as the checkpoint is best asked")]


def train_few_step(
    preset: PresetName, run_dir: RunDir, start: Teacher, autoencoder: AutoencoderFile, set_: Set = [],  # noqa: B006
    steps: Steps = None, guidance: Guidance = None, device: Device = None, bank: BankFolder = None,
    folder: Folder = None, words: Words = None, workers: Workers = 0, share: Share = 1.0, dry_run: DryRun = False,
) -> None:  # fmt: skip
    """Train a network that needs 1 to 8 steps and no guidance; writes RUN_DIR/few_step.safetensors."""
    chosen = resolved(preset, set_)
    if folder is not None:
        chosen = replace(chosen, "tasks.source", 0.0)
    config = with_steps(chosen.few_step_training, steps)
    if dry_run:
        Console().print_json(data=to_dict(dataclasses.replace(chosen, few_step_training=config)))
        return
    ground = ground_of(
        chosen, config, run_dir, device, autoencoder=autoencoder, bank=bank, folder=folder, words=words, workers=workers
    )
    teacher = trained_transformer(start, chosen.transformer, ground.place)
    sampling = _asked(start, guidance)
    student = Transformer(chosen.few_step).to(ground.place)
    start_transformer(student, teacher.state_dict(), str(start))
    stage = FewStepStage(
        student, teacher, config, chosen.tasks, ground.draw, sampling, weights=ground.weights, ranks=ground.ranks,
        names=ground.names, pictures=ground.pictures.jumped if ground.ranks.leads else None,
    )  # fmt: skip
    settings = {
        "transformer": to_dict(chosen.transformer), "tasks": to_dict(chosen.tasks), "clips": ground.clips,
        "start": str(start), "sampling": to_dict(sampling),
    }  # fmt: skip
    carry_out(stage, run_dir, settings, share, finish_few_step, "few_step")


def _asked(start: Path, guidance: float | None) -> SamplingConfig:
    """Return how what walks is best asked: as its checkpoint says, with another guidance if one is given."""
    sampling = SamplingConfig() if start.suffix == ".safetensors" else read_config(resolve(start))[1]
    return sampling if guidance is None else dataclasses.replace(sampling, guidance_scale=guidance)
