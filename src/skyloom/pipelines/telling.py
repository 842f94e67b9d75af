"""Words, with or without pictures, as films of any length.

What is longer than the clips of training is made window after window (`windows`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Unpack

import numpy as np
from torch import Tensor

from skyloom.errors import InvalidArgument
from skyloom.pipelines import tasks
from skyloom.pipelines.canvas import Canvas
from skyloom.pipelines.engine import Engine, Job, Settings, clip_cells, film_of, prepare, room_of
from skyloom.pipelines.film import Film, frames_of
from skyloom.pipelines.paths import drawn
from skyloom.pipelines.retiming import as_trained, retimed
from skyloom.pipelines.seams import carrying_on
from skyloom.pipelines.view import View, view_of
from skyloom.pipelines.windows import Window, memory_of, plan, weave
from skyloom.video import Video


def windows_of(engine: Engine, job: Job) -> list[Window]:
    """Return the windows of a whole job."""
    window = clip_cells(engine)
    return plan(job.room.latents.latent_frames, window, memory_of(window))


def generate(
    engine: Engine,
    prompt: str,
    *,
    num_frames: int | None = None,
    seconds: float | None = None,
    **settings: Unpack[Settings],
) -> Film:
    """Make a film from words, `num_frames` or nearly `seconds` long; None is as trained."""
    job = prepare(engine, prompt, settings, num_frames=num_frames, seconds=seconds)
    own, count = as_trained(engine, job), job.room.size.num_frames
    view = None if own.paths else view_of(own.room)
    pixels = _told(engine, own) if view is None else _seen(engine, own, view)
    shown = pixels if own is job else retimed(pixels, own.room.fps, job.room.fps, count)
    return film_of(engine, job, count, map(frames_of, shown), "generate")


def _told(engine: Engine, job: Job) -> Iterator[Tensor]:
    """Yield pixels (1, 3, k, h, w) of what the words say."""
    windows = windows_of(engine, job)
    first = tasks.text_to_video(room_of(job, windows[0].end), job.told)
    boxes = engine.plan(first, job.seed) if job.paths and job.request.plan else None

    def fill(window: Window) -> Canvas:
        canvas = tasks.text_to_video(room_of(job, window.end - window.first), job.told)
        stride = job.room.strides.temporal
        return drawn(canvas, job.paths, boxes, job.room.fps, stride * window.first, stride) if job.paths else canvas

    return weave(engine, fill, windows, job, job.anchor)


def _seen(engine: Engine, job: Job, view: View) -> Iterator[Tensor]:
    """Yield pixels (1, 3, k, h, w) of what a view that moves shows of a larger picture."""
    wide, shown = replace(job, room=view.painted), 0
    still = replace(job, room=replace(job.room, scalars=wide.room.scalars))
    windows = windows_of(engine, wide)
    first = tasks.text_to_video(room_of(still, windows[0].end), job.told)
    boxes = engine.plan(first, job.seed) if job.request.plan else None

    def fill(window: Window) -> Canvas:
        canvas = tasks.text_to_video(room_of(wide, window.end - window.first), job.told)
        return replace(canvas, boxes=view.boxes(boxes)) if boxes is not None and not window.first else canvas

    for pixels in weave(engine, fill, windows, wide, job.anchor):
        yield view.seen(pixels, shown)
        shown += pixels.shape[2]


def animate(
    engine: Engine,
    pictures: Video | Mapping[float, Video],
    prompt: str | None = None,
    *,
    num_frames: int | None = None,
    seconds: float | None = None,
    **settings: Unpack[Settings],
) -> Film:
    """Set a picture in motion, or lead from picture to picture. pictures: by the second at which they are shown.

    A picture at second 0 is the first frame, as it is. A later one is held for the group of frames around its time,
    as the autoencoder knows it. Of a video its first frame is taken.
    """
    job = prepare(engine, prompt, settings, num_frames=num_frames, seconds=seconds)
    shown = {0.0: pictures} if isinstance(pictures, Video) else dict(pictures)
    cells = {cell_at(job, second): picture for second, picture in shown.items()}
    if not shown or len(cells) < len(shown):
        group = job.room.strides.temporal / job.room.fps
        raise InvalidArgument("pictures", sorted(shown), f"be at least one, and {group:g} s apart")
    pins = {cell: still(job, picture, cell > 0) for cell, picture in cells.items()}

    def fill(window: Window) -> Canvas:
        canvas = tasks.text_to_video(room_of(job, window.end - window.first), job.told)
        inside = {cell - window.first: pin for cell, pin in pins.items() if window.first <= cell < window.end}
        return tasks.pinned(canvas, inside) if inside else canvas

    anchor = job.anchor if len(cells) == 1 else 0.0
    pixels = weave(engine, fill, windows_of(engine, job), job, anchor)
    chunks = _from_first(pixels, job.room.fitted(_first(cells[0])).pixels()) if 0 in cells else map(frames_of, pixels)
    times = {f"{second:g}": True for second in sorted(shown)}
    return film_of(engine, job, job.room.size.num_frames, chunks, "animate", pictures=list(times))


def cell_at(job: Job, second: float) -> int:
    """Return the latent frame that shows a second. Raises InvalidArgument outside of the video."""
    last = (job.room.size.num_frames - 1) / job.room.fps
    if not 0 <= second <= last + 1e-6:
        raise InvalidArgument("second of a picture", second, f"be between 0 and {last:g}", min(max(second, 0.0), last))
    return -(-round(second * job.room.fps) // job.room.strides.temporal)


def _first(picture: Video) -> Video:
    return replace(picture, frames=picture.frames[:1])


def still(job: Job, picture: Video, group: bool) -> Tensor:
    """Return the latents (1, c, 1, h, w) of a picture, as one frame or as a group of frames that hold it."""
    pixels = job.room.fitted(_first(picture)).pixels()
    held = pixels.expand(-1, -1, 1 + job.room.strides.temporal, -1, -1) if group else pixels
    return job.room.encode(held)[:, :, -1:]


def _from_first(chunks: Iterator[Tensor], own: Tensor) -> Iterator[np.ndarray]:
    """Show the own picture first, and let the others go on from it."""
    first = next(chunks)
    yield frames_of(own)
    if first.shape[2] > 1:
        yield from map(frames_of, carrying_on(_again(first[:, :, 1:], chunks), own))


def _again(first: Tensor, chunks: Iterator[Tensor]) -> Iterator[Tensor]:
    yield first
    yield from chunks
