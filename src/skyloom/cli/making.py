"""From an order on the command line to a file.

Every command that makes a film asks for it here: load under a spinner, weave under a bar, write while later frames are
made, say where.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from skyloom.cli import options
from skyloom.errors import InvalidArgument
from skyloom.provenance.manifest import STAMPED, Provenance

if TYPE_CHECKING:
    import numpy as np

    from skyloom.diffusion.sampler import OnStep
    from skyloom.pipelines.film import Film
    from skyloom.pipelines.pipeline import Pipeline
    from skyloom.video import Video

SHORT_SIDE = 256
LARGEST_INPUT = 1024


@dataclass(frozen=True)
class Paper:
    """Where and how a film is written. name: for a file that was not named; ending: that file's."""

    name: str
    output: Path | None
    scale: int | None
    quality: float
    ending: str = ".mp4"
    provenance: Provenance = STAMPED

    @staticmethod
    def of(name: str, shared: options.Shared, made_from: Iterable[Path] = ()) -> Paper:
        """Take what the shared options say. made_from: the files that the film is made from, the edited one first."""
        told, files = shared.provenance, tuple(made_from)
        source = "compositeWithTrainedAlgorithmicMedia" if files else told.source
        provenance = replace(told, ingredients=files, source=source)
        return Paper(name, shared.output, shared.scale, shared.quality, provenance=provenance)


def wait_quietly() -> None:
    """Let idle threads sleep instead of spin; must come before torch is imported.

    On a machine with other work, spinning makes two threads far slower than one; on an idle one it gains a little.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def check_paper(paper: Paper) -> None:
    """Refuse at once what needs no checkpoint to be seen. Raises InvalidArgument, MediaError."""
    from skyloom.data.video_io import check_output, check_quality

    if paper.scale is not None and not 1 <= paper.scale <= 16:
        raise InvalidArgument("scale", paper.scale, "be between 1 and 16", min(max(paper.scale, 1), 16))
    check_quality(paper.quality)
    if paper.output is not None:
        check_output(paper.output)


def read_input(path: Path) -> Video:
    """Read a picture or video of any size; what is larger than anything made here is made smaller as it is read."""
    from skyloom.data.fitting import at_most
    from skyloom.data.video_io import read_video

    return read_video(path, per_frame=lambda frame: at_most(frame, LARGEST_INPUT))


def told_by(video: Video, prompt: str | None) -> str | None:
    """Return the prompt, or the one with which Skyloom made the video."""
    stored = video.metadata.get("prompt")
    return stored if prompt is None and isinstance(stored, str) and stored else prompt


def make_film(
    paper: Paper, checkpoint: str | None, task: Callable[[Pipeline, OnStep, Console], Film]
) -> Path:  # fmt: skip
    """Load a checkpoint, ask `task` for a film, and write it."""
    wait_quietly()
    check_paper(paper)
    console = Console(stderr=True, soft_wrap=True)
    began = time.perf_counter()
    with notes(console), progress_bar(console) as progress:
        loading = progress.add_task("loading", total=None)
        from skyloom.pipelines.loading import load

        pipeline = load(checkpoint)
        progress.remove_task(loading)
        weaving = progress.add_task("weaving", total=None)

        def on_step(done: int, total: int, denoised: Any) -> None:
            progress.update(weaving, completed=done, total=total)

        film = task(pipeline, on_step, console)
        show_told(film, console)
        output, factor = write_film(film, paper)
    say(output, film, factor, time.perf_counter() - began)
    return output


def write_film(film: Film, paper: Paper) -> tuple[Path, int]:
    """Write a film while it is made; return where, and how often it was enlarged."""
    from skyloom.data.video_io import write_chunks

    output = paper.output or Path("out") / f"{options.slug(paper.name)}-{film.metadata['seed']}{paper.ending}"
    factor = paper.scale or max(1, round(SHORT_SIDE / min(film.size.height, film.size.width)))
    metadata = {**film.metadata, "scale": factor}
    settings = {"quality": paper.quality, "metadata": metadata, "provenance": paper.provenance}
    return write_chunks(enlarged(film, factor), film.fps, output, **settings), factor


def enlarged(film: Film, factor: int) -> Iterator[np.ndarray]:
    """Yield a film's frames, enlarged."""
    from skyloom.data.fitting import upscale
    from skyloom.video import Video

    for frames in film.chunks:
        yield upscale(Video(frames, film.fps), factor).frames


def telling_first(film: Film, console: Console) -> Film:
    """Return a film that says how long its first frame took."""
    began = time.perf_counter()

    def chunks() -> Iterator[np.ndarray]:
        first = next(film.chunks)
        console.print(Text(f"first frame after {time.perf_counter() - began:.2f} s"), highlight=False)
        yield first
        yield from film.chunks

    return replace(film, chunks=chunks())


def show_told(film: Film, console: Console) -> None:
    """Show what an expanded prompt says."""
    if film.metadata.get("expand"):
        console.print(Text(f"told: {film.metadata['told'][0][0]}", style="dim"), highlight=False)


@contextmanager
def notes(console: Console) -> Generator[None]:
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


def progress_bar(console: Console) -> Progress:
    """Return a bar of steps with the time that is left."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, transient=True)


def say(output: Path, film: Film, factor: int, seconds: float) -> None:
    """Say what was written, and its seed."""
    size = film.size
    length = f"{size.num_frames} frames, {size.num_frames / film.fps:.1f} s" if size.num_frames > 1 else "picture"
    shown = f", enlarged {factor} times to {size.width * factor} x {size.height * factor}" if factor > 1 else ""
    text = f"{output}: {length} of {size.width} x {size.height}{shown}, seed {film.metadata['seed']}"
    Console(soft_wrap=True).print(Text(f"{text}, made in {seconds:.1f} s"), highlight=False)
