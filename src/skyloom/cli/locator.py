"""`skyloom train locator`: what finds named actors in latents.

    skyloom train locator nano runs/locator --autoencoder runs/nano/autoencoder/autoencoder.safetensors \\
        --bank runs/nano/bank
"""

from __future__ import annotations

import dataclasses

from rich.console import Console

from skyloom.cli.carrying import carry_out
from skyloom.cli.train import (
    AutoencoderFile,
    BankFolder,
    Device,
    DryRun,
    PresetName,
    RunDir,
    Set,
    Share,
    Steps,
    Words,
    Workers,
    ground_of,
    new_network,
    resolved,
    with_steps,
)  # fmt: skip
from skyloom.config import replace, to_dict
from skyloom.errors import InvalidArgument
from skyloom.models.locator import Locator
from skyloom.training.locator import LocatorStage, finish_locator


def train_locator(
    preset: PresetName, run_dir: RunDir, autoencoder: AutoencoderFile, set_: Set = [],  # noqa: B006
    steps: Steps = None, device: Device = None, bank: BankFolder = None, words: Words = None, workers: Workers = 0,
    share: Share = 1.0, dry_run: DryRun = False,
) -> None:  # fmt: skip
    """Train the network that finds actors by name; writes RUN_DIR/locator.safetensors."""
    chosen = replace(resolved(preset, set_), "tasks.source", 0.0)  # nobody is looked for in what was before an edit
    if chosen.locator is None:
        raise InvalidArgument("preset", preset, "have a locator, as tiny, nano and base have")
    config = with_steps(chosen.locator_training, steps)
    if dry_run:
        Console().print_json(data=to_dict(dataclasses.replace(chosen, locator_training=config)))
        return
    ground = ground_of(
        chosen, config, run_dir, device, autoencoder=autoencoder, bank=bank, folder=None, words=words, workers=workers
    )
    locator = new_network(Locator, chosen.locator, config.seed, ground.place)
    locator.calibrate(ground.names.to(ground.place))
    stage = LocatorStage(locator, config, ground.draw, ground.names, ground.ranks)
    settings = {"locator": to_dict(chosen.locator), "clips": ground.clips}
    carry_out(stage, run_dir, settings, share, finish_locator, "locator")
