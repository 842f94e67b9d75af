"""`skyloom generate` and `skyloom image`.

skyloom generate "a fox runs on the beach" --seed 7 -o fox.mp4

import skyloom
video = skyloom.load().generate("a fox runs on the beach", seed=7)
skyloom.write_video(video, "fox.mp4")
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from skyloom.cli import options
from skyloom.cli.making import Paper, make_film, telling_first, wait_quietly
from skyloom.config import SCALARS
from skyloom.errors import InvalidArgument, MediaError
from skyloom.provenance.manifest import STAMPED, Provenance

if TYPE_CHECKING:
    from skyloom.diffusion.sampler import OnStep
    from skyloom.pipelines.film import Film
    from skyloom.pipelines.pipeline import Pipeline

PATH_SECONDS = 2.0
"""How long a path without seconds takes when no length is given."""
REPEATED = (
    "prompt", "seed", "num_frames", "height", "width", "num_inference_steps", "guidance_scale", "negative_prompt",
    "style", "expand", "reword", "checkpoint", "plan", "paths", "stream",
)  # fmt: skip
"""What `--from` takes from a file; a flag given beside it wins."""


def generate(
    prompt: options.Prompt = None,
    seconds: Annotated[float | None, typer.Option(help="length; the nearest number of frames is taken")] = None,
    frames: Annotated[int | None, typer.Option(help="length in frames: 1 + a multiple of 4")] = None,
    size: options.Size = None,
    fps: options.Fps = None,
    seed: options.Seed = None,
    steps: options.Steps = None,
    guidance: options.Guidance = None,
    negative_prompt: options.NegativePrompt = None,
    style: options.Style = None,
    expand: options.Expand = None,
    expand_url: options.ExpandUrl = None,
    expand_model: options.ExpandModel = None,
    reword: options.Reword = None,
    camera: options.Camera = None,
    motion: options.Motion = None,
    pan: options.Pan = None,
    tilt: options.Tilt = None,
    zoom: options.Zoom = None,
    plan: options.Plan = None,
    stream: options.Stream = None,
    path: options.Paths = [],  # noqa: B006
    checkpoint: options.Checkpoint = None,
    output: options.Output = None,
    scale: options.Scale = None,
    quality: options.Quality = 80.0,
    sign: options.Sign = True,
    mark: options.Mark = True,
    visible_mark: options.VisibleMark = False,
    from_: options.From = None,
) -> None:
    """Make a video from a prompt.

    What is longer than a clip of training is made window after window, each of which remembers the one before; memory
    does not grow with the length. With `--stream` it is made a few frames at a time, and the first are there at once.
    The ending of `--output` chooses the format: mp4, webm, gif, webp, or a folder (or frame_%04d.png) of PNG frames.
    All settings and the seed are stored inside the file; `--from FILE` makes it again.

    Examples: `skyloom generate "a fox runs on the beach" --seed 7 -o fox.mp4` -- `skyloom generate --from fox.mp4` --
    `skyloom generate "a fox runs on the beach" --seconds 60 --camera "pan right"` --
    `skyloom generate "a fox in a meadow" --path "0:0.2,0.7 1:0.5,0.4 2:0.8,0.7"`
    """
    from skyloom.pipelines.paths import parse_path

    height, width = options.parse_size(size)
    asked = {
        "prompt": prompt, "seconds": seconds, "num_frames": frames, "height": height, "width": width, "fps": fps,
        "seed": seed, "num_inference_steps": steps, "guidance_scale": guidance, "negative_prompt": negative_prompt,
        "style": style, "expand": expand, "expand_url": expand_url, "expand_model": expand_model,
        "reword": reword, "camera": camera, "motion": motion, "pan": pan, "tilt": tilt, "zoom": zoom, "plan": plan,
        "stream": stream, "paths": [parse_path(text, seconds or PATH_SECONDS) for text in path] or None,
        "checkpoint": checkpoint,
    }  # fmt: skip
    make(Order(asked, output, ".mp4", scale, quality, from_, Provenance(sign, mark, visible_mark)))


def image(
    prompt: options.Prompt = None,
    size: options.Size = None,
    seed: options.Seed = None,
    steps: options.Steps = None,
    guidance: options.Guidance = None,
    negative_prompt: options.NegativePrompt = None,
    style: options.Style = None,
    expand: options.Expand = None,
    reword: options.Reword = None,
    plan: options.Plan = None,
    checkpoint: options.Checkpoint = None,
    output: options.Output = None,
    scale: options.Scale = None,
    sign: options.Sign = True,
    mark: options.Mark = True,
    visible_mark: options.VisibleMark = False,
    from_: options.From = None,
) -> None:
    """Make a picture from a prompt.

    Example: `skyloom image "a red ball on the beach" --seed 3 -o ball.png`
    """
    height, width = options.parse_size(size)
    asked = {
        "prompt": prompt, "num_frames": 1, "height": height, "width": width, "seed": seed,
        "num_inference_steps": steps, "guidance_scale": guidance, "negative_prompt": negative_prompt, "style": style,
        "expand": expand, "reword": reword, "plan": plan, "checkpoint": checkpoint,
    }  # fmt: skip
    make(Order(asked, output, ".png", scale, 80.0, from_, Provenance(sign, mark, visible_mark)))


@dataclass(frozen=True)
class Order:
    """One video as asked for on the command line; `asked` holds None for what was left out."""

    asked: dict[str, Any]
    output: Path | None
    ending: str
    scale: int | None
    quality: float
    again: Path | None
    provenance: Provenance = STAMPED


def make(order: Order) -> Path:
    """Join what a file says and what is asked, make the video, write it, and say where."""
    wait_quietly()
    settings = {**_settings_of(order.again), **{k: v for k, v in order.asked.items() if v is not None}}
    if order.asked.get("seconds") is not None and order.asked.get("num_frames") is None:
        settings.pop("num_frames", None)
    if "prompt" not in settings:
        raise InvalidArgument("prompt", None, "be given, or --from a file that holds one")
    prompt, before = settings.pop("prompt"), settings.pop("checkpoint_sha256", None)
    checkpoint, streamed = settings.pop("checkpoint", None), settings.pop("stream", False)

    def film(pipeline: Pipeline, on_step: OnStep, console: Console) -> Film:
        from skyloom.pipelines import streaming, telling

        if before and before != pipeline.sha256:
            text = f"[yellow]note:[/] {order.again} was made by other weights; the video will differ"
            console.print(text, highlight=False)
        if streamed:
            return telling_first(streaming.stream(pipeline, prompt, on_step=on_step, **settings), console)
        return telling.generate(pipeline, prompt, on_step=on_step, **settings)

    paper = Paper(prompt, order.output, order.scale, order.quality, order.ending, order.provenance)
    return make_film(paper, checkpoint, film)


def _settings_of(again: Path | None) -> dict[str, Any]:
    """Return the settings inside a file. Raises MediaError when it has none."""
    if again is None:
        return {}
    from skyloom.data.video_io import read_metadata

    stored = read_metadata(again)
    if "prompt" not in stored:
        raise MediaError(f"{again} does not say how it was made")
    if (task := stored.get("task", "generate")) != "generate":
        raise MediaError(f"{again} was not made from words alone: make it again with `skyloom {task}`")
    told = {name: stored.get("scalars", {}).get(name) for name in SCALARS}
    repeated = {name: stored.get(name) for name in REPEATED} | told
    given = {name: value for name, value in repeated.items() if value is not None}
    return {**given, "checkpoint_sha256": stored.get("checkpoint_sha256")}
