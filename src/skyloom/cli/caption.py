"""`skyloom caption`: what videos show, in words."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from torch import Tensor

    from skyloom.models.captioner import Captioner

FPS = 8.0
"""The rate at which the captioner was taught how fast things move."""
Language = Annotated[str, typer.Option(help="en or zh")]
Detail = Annotated[str, typer.Option(help="terse, plain or descriptive")]


def caption(
    files: Annotated[list[Path], typer.Argument(help="videos or pictures", show_default=False)],
    language: Language = "en",
    detail: Detail = "plain",
    variant: Annotated[int, typer.Option(help="another number, other words for the same")] = 0,
    slots: Annotated[bool, typer.Option("--slots", help="print what was read, with probabilities, as JSON")] = False,
    captioner: Annotated[Path | None, typer.Option(help="folder of a captioner; left out: the one shipped")] = None,
) -> None:
    """Tell what videos show, two seconds at a time.

    Examples: `skyloom caption fox.mp4` -- `skyloom caption *.mp4 --language zh --detail descriptive`
    """
    from skyloom.models.captioner import SHIPPED, load_captioner

    console = Console(soft_wrap=True)
    reader = load_captioner(captioner or SHIPPED)
    for file in files:
        for start, pixels in stretches(file, reader):
            if slots:
                line = json.dumps(
                    {"file": str(file), "start": start, **asdict(reader.see(pixels)[0])}, ensure_ascii=False
                )
            else:
                line = f"{file} {start:.0f} s: {reader.caption(pixels, language, detail, variant)[0]}"
            console.print(line, highlight=False, markup=False)


def stretches(file: Path, reader: Captioner) -> list[tuple[float, Tensor]]:
    """Read a file at the captioner's rate and size: the start in seconds and pixels of every stretch."""
    from skyloom.data.video_io import fit, read_video, resample
    from skyloom.models.captioner import windows

    config = reader.watcher.config
    video = fit(resample(read_video(file), FPS), config.height, config.width)
    pixels, count = video.pixels(), len(video.frames)
    return [(first / FPS, pixels[:, :, first:last]) for first, last in windows(count, config.num_frames)]
