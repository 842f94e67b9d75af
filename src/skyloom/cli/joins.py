"""`skyloom extend`, `connect` and `loop`.

skyloom extend fox.mp4 --seconds 4 -o longer.mp4

import skyloom
video = skyloom.load().extend(skyloom.read_video("fox.mp4"), "a fox runs", seconds=4)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from skyloom.cli import options
from skyloom.cli.making import Paper, make_film, read_input, told_by

if TYPE_CHECKING:
    from skyloom.diffusion.sampler import OnStep
    from skyloom.pipelines.film import Film
    from skyloom.pipelines.pipeline import Pipeline

Clip = Annotated[Path, typer.Argument(help="video of any format, size and rate")]
Words = Annotated[
    str | None, typer.Argument(help="what to show; left out: what the video was made from", show_default=False)
]
Bridge = Annotated[float | None, typer.Option(help="length of what leads across; left out: what is made at once")]


@options.shared
def extend(
    video: Clip,
    prompt: Words = None,
    seconds: Annotated[float, typer.Option(help="how much longer")] = 2.0,
    backward: Annotated[bool, typer.Option("--backward", help="lead up to the video instead")] = False,
    *,
    shared: options.Shared,
) -> None:
    """Go on after a video, or lead up to it.

    The file holds the video's own frames and the new ones. Backward, each seed gives another beginning of the same
    end.

    Examples: `skyloom extend fox.mp4 --seconds 4 -o longer.mp4` --
    `skyloom extend fox.mp4 "a fox walks" --backward --seed 3`
    """
    _join("extend_back" if backward else "extend", [video], video.stem, prompt, seconds, shared)


@options.shared
def connect(
    first: Clip,
    second: Clip,
    prompt: Words = None,
    seconds: Bridge = None,
    *,
    shared: options.Shared,
) -> None:
    """Lead from the end of one video to the beginning of another.

    Example: `skyloom connect fox.mp4 car.mp4 "a fox turns into a car" -o both.mp4`
    """
    name = f"{first.stem} {second.stem}"
    _join("connect", [first, second], name, prompt, seconds, shared)


@options.shared
def loop(video: Clip, prompt: Words = None, seconds: Bridge = None, *, shared: options.Shared) -> None:
    """Make a video that can be repeated without end.

    The file is the video and a way from its last frame back to its first: a true loop, not there and back.

    Example: `skyloom loop fox.mp4 -o endless.gif`
    """
    _join("loop", [video], video.stem, prompt, seconds, shared)


def _join(
    task: str, files: list[Path], name: str, prompt: str | None, seconds: float | None, shared: options.Shared
) -> None:  # fmt: skip
    """Make a film of one of the tasks of `skyloom.pipelines.joins`."""
    videos = [read_input(file) for file in files]
    words = told_by(videos[0], prompt)

    def film(pipeline: Pipeline, on_step: OnStep, console: Console) -> Film:
        from skyloom.pipelines import joins

        length: dict[str, Any] = {} if seconds is None else {"seconds": seconds}
        return getattr(joins, task)(pipeline, *videos, words, **length, on_step=on_step, **shared.settings)

    make_film(Paper.of(f"{task} {name}", shared, files), shared.checkpoint, film)
