"""Options that several commands share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from skyloom.errors import InvalidArgument
from skyloom.world.vocabulary import STYLES

Prompt = Annotated[str | None, typer.Argument(help="what to show, in English or Chinese", show_default=False)]
Size = Annotated[str | None, typer.Option(metavar="WxH", help="width x height in pixels; left out: as trained")]
Seed = Annotated[int | None, typer.Option(help="the same seed makes the same video; left out: a new one")]
Steps = Annotated[int | None, typer.Option(help="steps from noise to video; left out: the checkpoint's own")]
Guidance = Annotated[float | None, typer.Option(help="how strongly the prompt pulls, 1 is not at all")]
NegativePrompt = Annotated[str | None, typer.Option(help="what to keep away from")]
Style = Annotated[str | None, typer.Option(help=f"one of {', '.join(STYLES)}")]
Expand = Annotated[bool | None, typer.Option("--expand/--no-expand", help="tell the prompt in full, and show it")]
Checkpoint = Annotated[str | None, typer.Option(help="shipped name or folder; left out: the best one shipped")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="file to write; left out: out/PROMPT-SEED")]
Scale = Annotated[int | None, typer.Option(help="enlarge the file; left out: until its short side is about 256")]
Quality = Annotated[float, typer.Option(help="0 to 100, for mp4, webm and webp")]
From = Annotated[Path | None, typer.Option("--from", help="make a file again from the settings inside it")]


def parse_size(text: str | None) -> tuple[int | None, int | None]:
    """Return (height, width) of "96x64", which is width x height; (None, None) for None. Raises InvalidArgument."""
    if text is None:
        return None, None
    match = re.fullmatch(r"(\d{1,5})\s*[xX×*]\s*(\d{1,5})", text.strip())
    if not match:
        raise InvalidArgument("size", text, "be WIDTHxHEIGHT in pixels", "64x64")
    return int(match[2]), int(match[1])


def slug(prompt: str) -> str:
    """Return a prompt's first words as a file name."""
    words = re.findall(r"\w+", prompt.lower())[:8]
    return "-".join(words)[:48].strip("-") or "video"
