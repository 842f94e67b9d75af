"""`skyloom train causal`: a network for streams, from one for clips.

    skyloom train causal nano runs/causal --start nano --autoencoder runs/nano/autoencoder/autoencoder.safetensors \\
        --bank runs/nano/bank
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from skyloom.cli.carrying import carry_out
from skyloom.cli.train import (
    BEGIN,
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
from skyloom.config import to_dict
from skyloom.training.causal import CausalStage, causal_tasks, causal_training, finish_causal
from skyloom.training.streams import StreamPictures

Begin = Annotated[Path, typer.Option(help=BEGIN)]


def train_causal(
    preset: PresetName, run_dir: RunDir, start: Begin, autoencoder: AutoencoderFile, set_: Set = [],  # noqa: B006
    steps: Steps = None, device: Device = None, bank: BankFolder = None, folder: Folder = None, words: Words = None,
    workers: Workers = 0, share: Share = 1.0, dry_run: DryRun = False,
) -> None:  # fmt: skip
    """Train a network that makes frame after frame; writes RUN_DIR/causal.safetensors.

    It trains as `transformer_training` says, for an eighth of its steps at a quarter of its rates.
    """
    chosen = resolved(preset, set_)
    chosen = dataclasses.replace(chosen, tasks=causal_tasks(chosen.tasks))
    config = with_steps(causal_training(chosen.transformer_training), steps)
    if dry_run:
        Console().print_json(data=to_dict(dataclasses.replace(chosen, transformer_training=config)))
        return
    ground = ground_of(
        chosen, config, run_dir, device, autoencoder=autoencoder, bank=bank, folder=folder, words=words, workers=workers
    )
    network = trained_transformer(start, chosen.transformer, ground.place)
    stage = CausalStage(
        network, config, chosen.tasks, ground.draw, weights=ground.weights, ranks=ground.ranks, names=ground.names,
        pictures=StreamPictures(ground.pictures) if ground.ranks.leads else None,
    )  # fmt: skip
    settings = {
        "transformer": to_dict(chosen.transformer), "tasks": to_dict(chosen.tasks), "clips": ground.clips,
        "start": str(start),
    }  # fmt: skip
    carry_out(stage, run_dir, settings, share, finish_causal, "causal")
