"""`skyloom animate`: pictures set in motion.

skyloom animate fox.png "the fox runs right" -o fox.mp4

import skyloom
video = skyloom.load().animate(skyloom.read_image("fox.png"), "the fox runs right")
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from skyloom.cli import options
from skyloom.cli.making import Paper, make_film, read_input, told_by
from skyloom.errors import InvalidArgument

if TYPE_CHECKING:
    from skyloom.diffusion.sampler import OnStep
    from skyloom.pipelines.film import Film
    from skyloom.pipelines.pipeline import Pipeline


@options.shared
def animate(
    picture: Annotated[Path, typer.Argument(help="picture of the first frame; of a video its first frame is taken")],
    prompt: options.Prompt = None,
    last: Annotated[Path | None, typer.Option(help="picture of the last frame")] = None,
    at: Annotated[list[str] | None, typer.Option(metavar="SECOND=FILE", help="picture at a second; repeatable")] = None,
    seconds: Annotated[float | None, typer.Option(help="length; the nearest number of frames is taken")] = None,
    frames: Annotated[int | None, typer.Option(help="length in frames: 1 + a multiple of 4")] = None,
    *,
    shared: options.Shared,
) -> None:
    """Set a picture in motion, or lead from picture to picture.

    The first frame is the picture itself, cropped (or padded, `--fit pad`) to the video's shape. Later pictures are
    held for the few frames around their time.

    Examples: `skyloom animate fox.png "the fox runs right" -o fox.mp4` --
    `skyloom animate day.png "night falls" --last night.png --at 1=dusk.png`
    """
    times = dict(_timed(text) for text in at or ())
    shown = {0.0: read_input(picture), **{second: read_input(path) for second, path in times.items()}}
    end = None if last is None else read_input(last)
    words = told_by(shown[0.0], prompt)

    def film(pipeline: Pipeline, on_step: OnStep, console: Console) -> Film:
        from skyloom.pipelines import telling

        length: dict[str, Any] = {"num_frames": frames, "seconds": seconds}
        if end is not None:
            room = pipeline.room(**length, fps=shared.settings.get("fps"))
            shown[(room.size.num_frames - 1) / room.fps] = end
        return telling.animate(pipeline, shown, words, **length, on_step=on_step, **shared.settings)

    made_from = [picture, *times.values(), *([] if last is None else [last])]
    make_film(Paper.of(words or picture.stem, shared, made_from), shared.checkpoint, film)


def _timed(text: str) -> tuple[float, Path]:
    """Return second and file of "1.5=dusk.png". Raises InvalidArgument."""
    second, _, path = text.partition("=")
    if not path or not re.fullmatch(r"\d+(\.\d*)?", second.strip()):
        raise InvalidArgument("at", text, "be SECOND=FILE", "1.5=dusk.png")
    return float(second), Path(path)
