"""`skyloom generate` and `skyloom image`.

skyloom generate "a fox runs on the beach" --seed 7 -o fox.mp4

import skyloom
video = skyloom.load().generate("a fox runs on the beach", seed=7)
skyloom.write_video(video, "fox.mp4")
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from skyloom.cli import options
from skyloom.errors import InvalidArgument, MediaError

if TYPE_CHECKING:
    from skyloom.pipelines.pipeline import Pipeline
    from skyloom.video import Video

SHORT_SIDE = 256
REPEATED = (
    "prompt", "seed", "num_frames", "height", "width", "num_inference_steps", "guidance_scale", "negative_prompt",
    "style", "expand", "checkpoint",
)  # fmt: skip
"""What `--from` takes from a file; a flag given beside it wins."""


def generate(
    prompt: options.Prompt = None,
    seconds: Annotated[float | None, typer.Option(help="length; the nearest number of frames is taken")] = None,
    frames: Annotated[int | None, typer.Option(help="length in frames: 1 + a multiple of 4")] = None,
    size: options.Size = None,
    fps: Annotated[float | None, typer.Option(help="frames a second; left out: as trained")] = None,
    seed: options.Seed = None,
    steps: options.Steps = None,
    guidance: options.Guidance = None,
    negative_prompt: options.NegativePrompt = None,
    style: options.Style = None,
    expand: options.Expand = None,
    checkpoint: options.Checkpoint = None,
    output: options.Output = None,
    scale: options.Scale = None,
    quality: options.Quality = 80.0,
    from_: options.From = None,
) -> None:
    """Make a video from a prompt.

    The ending of `--output` chooses the format: mp4, webm, gif, webp, or a folder (or frame_%04d.png) of PNG frames.
    All settings and the seed are stored inside the file; `--from FILE` makes it again.

    Examples: `skyloom generate "a fox runs on the beach" --seed 7 -o fox.mp4` -- `skyloom generate --from fox.mp4`
    """
    height, width = options.parse_size(size)
    asked = {
        "prompt": prompt, "seconds": seconds, "num_frames": frames, "height": height, "width": width, "fps": fps,
        "seed": seed, "num_inference_steps": steps, "guidance_scale": guidance, "negative_prompt": negative_prompt,
        "style": style, "expand": expand, "checkpoint": checkpoint,
    }  # fmt: skip
    make(Order(asked, output, ".mp4", scale, quality, from_))


def image(
    prompt: options.Prompt = None,
    size: options.Size = None,
    seed: options.Seed = None,
    steps: options.Steps = None,
    guidance: options.Guidance = None,
    negative_prompt: options.NegativePrompt = None,
    style: options.Style = None,
    expand: options.Expand = None,
    checkpoint: options.Checkpoint = None,
    output: options.Output = None,
    scale: options.Scale = None,
    from_: options.From = None,
) -> None:
    """Make a picture from a prompt.

    Example: `skyloom image "a red ball on the beach" --seed 3 -o ball.png`
    """
    height, width = options.parse_size(size)
    asked = {
        "prompt": prompt, "num_frames": 1, "height": height, "width": width, "seed": seed,
        "num_inference_steps": steps, "guidance_scale": guidance, "negative_prompt": negative_prompt, "style": style,
        "expand": expand, "checkpoint": checkpoint,
    }  # fmt: skip
    make(Order(asked, output, ".png", scale, 80.0, from_))


@dataclass(frozen=True)
class Order:
    """One video as asked for on the command line; `asked` holds None for what was left out."""

    asked: dict[str, Any]
    output: Path | None
    ending: str
    scale: int | None
    quality: float
    again: Path | None


def wait_quietly() -> None:
    """Let idle threads sleep instead of spin; must come before torch is imported.

    On a machine with other work, spinning makes two threads far slower than one; on an idle one it gains a little.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def make(order: Order) -> Path:
    """Check what can be checked at once, load, generate, write, and say where."""
    wait_quietly()
    from skyloom.data.video_io import check_output, check_quality, upscale, write_video

    console = Console(stderr=True, soft_wrap=True)
    settings = {**_settings_of(order.again), **{k: v for k, v in order.asked.items() if v is not None}}
    _one_length(settings, order.asked)
    check_request(settings, order.scale)
    check_quality(order.quality)
    if order.output is not None:
        check_output(order.output)
    began = time.perf_counter()
    with _notes(console), _progress(console) as progress:
        video = _generated(settings, progress, console, order.again)
        seed = video.metadata["seed"]
        output = order.output or Path("out") / f"{options.slug(str(settings['prompt']))}-{seed}{order.ending}"
        factor = order.scale or max(1, round(SHORT_SIDE / min(video.size.height, video.size.width)))
        progress.add_task("writing", total=None)
        write_video(upscale(video, factor), output, quality=order.quality, metadata={**video.metadata, "scale": factor})
    _say(output, video, factor, time.perf_counter() - began)
    return output


def _settings_of(again: Path | None) -> dict[str, Any]:
    """Return the settings inside a file. Raises MediaError when it has none."""
    if again is None:
        return {}
    from skyloom.data.video_io import read_metadata

    stored = read_metadata(again)
    if "prompt" not in stored:
        raise MediaError(f"{again} does not say how it was made")
    told = {"fps": stored["scalars"]["fps"]} if stored.get("scalars", {}).get("fps") else {}
    repeated = {name: stored[name] for name in REPEATED if stored.get(name) is not None}
    return {**repeated, **told, "checkpoint_sha256": stored.get("checkpoint_sha256")}


def _one_length(settings: dict[str, Any], asked: dict[str, Any]) -> None:
    """Let a length on the command line replace the file's."""
    if asked.get("seconds") is not None and asked.get("num_frames") is None:
        settings.pop("num_frames", None)


def check_request(settings: dict[str, Any], scale: int | None) -> None:
    """Refuse at once what needs no checkpoint to be seen. Raises InvalidArgument."""
    if "prompt" not in settings:
        raise InvalidArgument("prompt", None, "be given, or --from a file that holds one")
    if scale is not None and not 1 <= scale <= 16:
        raise InvalidArgument("scale", scale, "be between 1 and 16", min(max(scale, 1), 16))


def _generated(settings: dict[str, Any], progress: Progress, console: Console, again: Path | None) -> Video:
    """Load the checkpoint and run it under a progress bar."""
    loading = progress.add_task("loading", total=None)
    from skyloom.pipelines.pipeline import load

    wanted = dict(settings)
    before = wanted.pop("checkpoint_sha256", None)
    pipeline = load(wanted.pop("checkpoint", None))
    progress.remove_task(loading)
    if before and before != pipeline.sha256:
        console.print(f"[yellow]note:[/] {again} was made by other weights; the video will differ", highlight=False)
    _show_prompt(pipeline, wanted, console)
    task = progress.add_task("weaving", total=None)

    def on_step(done: int, total: int, denoised: Any) -> None:
        progress.update(task, completed=done, total=total)

    return pipeline.generate(wanted.pop("prompt"), on_step=on_step, **wanted)


def _show_prompt(pipeline: Pipeline, wanted: dict[str, Any], console: Console) -> None:
    """Show what an expanded prompt says."""
    if wanted.get("expand"):
        from skyloom.pipelines.prompts import clean, with_style

        told = pipeline.expanded(with_style(clean(wanted["prompt"]), wanted.get("style")))
        console.print(Text(f"told: {told}", style="dim"), highlight=False)


@contextmanager
def _notes(console: Console) -> Generator[None]:
    """Show warnings about the prompt as notes."""

    def show(
        message: Warning | str, category: type[Warning], filename: str, lineno: int,
        file: TextIO | None = None, line: str | None = None,
    ) -> None:  # fmt: skip
        console.print(Text.assemble(("note: ", "yellow"), str(message)), highlight=False)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show  # ty: ignore[invalid-assignment]
        yield


def _progress(console: Console) -> Progress:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, transient=True)


def _say(output: Path, video: Video, factor: int, seconds: float) -> None:
    """Say what was written, and how to make it again."""
    size = video.size
    length = f"{size.num_frames} frames, {video.seconds:.1f} s" if size.num_frames > 1 else "picture"
    shown = f", enlarged {factor} times to {size.width * factor} x {size.height * factor}" if factor > 1 else ""
    seed = video.metadata["seed"]
    text = f"{output}: {length} of {size.width} x {size.height}{shown}, seed {seed}, made in {seconds:.1f} s"
    Console(soft_wrap=True).print(Text(text), highlight=False)
