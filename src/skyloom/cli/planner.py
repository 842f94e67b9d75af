"""`skyloom train planner`: words to where actors go."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from skyloom.cli.carrying import carry_out
from skyloom.cli.train import (
    Device,
    DryRun,
    PresetName,
    RunDir,
    Set,
    Share,
    Steps,
    Words,
    chosen_device,
    name_table,
    new_transformer,
    prompt_encoder,
    resolved,
    with_steps,
)  # fmt: skip
from skyloom.config import Preset, TaskMix, to_dict
from skyloom.errors import InvalidArgument
from skyloom.training.distributed import init_ranks
from skyloom.training.examples import BankDraw, Draw
from skyloom.training.latent_bank import EncodePrompts, LatentBank
from skyloom.training.plans import PlanDraw, ToldDraw
from skyloom.training.sources import WorldSource
from skyloom.training.tasks_mix import only
from skyloom.training.transformer import TransformerStage, finish_transformer
from skyloom.world.captions import MIX

TASKS = only(TaskMix(boxes_told=1.0), nothing_known=0.8, image=0.1, first_frames=0.1)
Bank = Annotated[Path | None, typer.Option(help="encoded clips whose words to use; left out: words are made anew")]


def train_planner(
    preset: PresetName, run_dir: RunDir, set_: Set = [], steps: Steps = None, device: Device = None,  # noqa: B006
    bank: Bank = None, words: Words = None, share: Share = 1.0, dry_run: DryRun = False,
) -> None:  # fmt: skip
    """Train the planner, words to boxes of actors over time; writes RUN_DIR/transformer.safetensors."""
    chosen = resolved(preset, set_)
    config = with_steps(chosen.planner_training, steps)
    if chosen.planner is None:
        raise InvalidArgument("preset", preset, "be one that has a planner")
    if dry_run:
        Console().print_json(data=to_dict(dataclasses.replace(chosen, planner_training=config)))
        return
    place = chosen_device(device)
    ranks = init_ranks(place)
    length = chosen.planner.max_text_tokens
    encode = prompt_encoder(place, config.precision, length, words)
    told, clips = _told(chosen, length, bank, encode)
    draw = PlanDraw(told, chosen.transformer.box_slots, chosen.autoencoder.temporal_stride)
    names = name_table(encode)
    network = new_transformer(chosen.planner, config.seed, place, names)
    stage = TransformerStage(network, config, TASKS, draw, ranks=ranks, names=names)
    settings = {"planner": to_dict(chosen.planner), "tasks": to_dict(TASKS), "clips": clips}
    carry_out(stage, run_dir, settings, share, finish_transformer)


def _told(chosen: Preset, length: int, bank: Path | None, encode: EncodePrompts) -> tuple[Draw, Any]:
    """Return words and boxes, from a bank or made anew, and what they depend on."""
    if bank is not None:
        clips = LatentBank(bank, length)
        return BankDraw(clips), clips.settings
    mix = chosen.caption_mix or MIX
    source = WorldSource(chosen.world, chosen.clip, "cpu", mix)
    settings = {"world": to_dict(chosen.world), "clip": to_dict(chosen.clip), "captions": mix}
    return ToldDraw(source, encode, length), settings
