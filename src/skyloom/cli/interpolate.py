"""`skyloom interpolate`: more frames a second.

skyloom interpolate fox.mp4 --fps 16 -o smooth.mp4

import skyloom
video = skyloom.load().interpolate(skyloom.read_video("fox.mp4"), factor=2)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from skyloom.cli import options
from skyloom.cli.making import Paper, make_film, read_input, told_by

if TYPE_CHECKING:
    from skyloom.diffusion.sampler import OnStep
    from skyloom.pipelines.film import Film
    from skyloom.pipelines.pipeline import Pipeline


@options.shared
def interpolate(
    video: Annotated[Path, typer.Argument(help="video of any format and size")],
    prompt: options.Prompt = None,
    factor: Annotated[int, typer.Option(help="frames for each one: 2 makes 8 a second 16")] = 2,
    *,
    shared: options.Shared,
) -> None:
    """Fill in frames: show a video at two, three or more times its rate.

    Its own frames are kept. `--fps` is the rate to start from, where not all of the video's own frames are wanted.

    Examples: `skyloom interpolate fox.mp4 -o smooth.mp4` -- `skyloom interpolate phone.mp4 --fps 8 --factor 4`
    """
    own = read_input(video)
    words = told_by(own, prompt)

    def film(pipeline: Pipeline, on_step: OnStep, console: Console) -> Film:
        from skyloom.pipelines import between

        return between.interpolate(pipeline, own, words, factor=factor, on_step=on_step, **shared.settings)

    make_film(Paper.of(f"interpolate {video.stem}", shared, [video]), shared.checkpoint, film)
