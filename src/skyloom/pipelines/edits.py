"""Videos changed: restyled, told to change, painted over, widened, brought to life.

A video longer than the clips of training is changed window after window, each of which goes on from what the one
before made. What lies outside of a mask is the user's own, pixel for pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Unpack

import numpy as np
import torch
from torch import Tensor

from skyloom.errors import InvalidArgument, one_of
from skyloom.models.locator import located
from skyloom.pipelines import find, tasks
from skyloom.pipelines.canvas import Canvas
from skyloom.pipelines.engine import Engine, Job, Settings, clip_cells, encoder_of, film_of, prepare
from skyloom.pipelines.film import Film, frames_of
from skyloom.pipelines.masks import around, boxes_of, check_mask, margin_mask, pasted
from skyloom.pipelines.naming import names_of
from skyloom.pipelines.windows import Window, memory_of, plan, weave
from skyloom.video import Video

STRENGTHS = {"subtle": 0.3, "mild": 0.5, "strong": 0.7}
THRESHOLD = 0.5
Change = Callable[[tasks.Room, Video, Window], Canvas]
"""A room as long as a window, the window's part of the video, and the window, to its canvas."""


def strength_of(strength: float | str) -> float:
    """Return a strength by word or number. Raises InvalidArgument."""
    if isinstance(strength, str):
        return STRENGTHS[one_of("strength", strength, STRENGTHS)]
    if not 0 < strength <= 1:
        raise InvalidArgument("strength", strength, "be above 0 and at most 1", min(max(strength, 0.1), 1.0))
    return strength


def restyle(
    engine: Engine, video: Video, prompt: str, *, strength: float | str = "mild", **settings: Unpack[Settings]
) -> Film:
    """Make a video anew from its own shapes: subtle (0.3), mild (0.5), strong (0.7) or a number, 1 forgets it."""
    share = strength_of(strength)
    job = prepare(engine, prompt, settings)
    chunks = _changed(engine, job, video, lambda room, part, _: tasks.restyle(room, job.told, part, share))
    return _film(engine, job, video, chunks, "restyle", strength=share)


def instruct(engine: Engine, video: Video, instruction: str, **settings: Unpack[Settings]) -> Film:
    """Change a video by a word of command: "make it snow". guidance_scale pulls at it, source_guidance_scale back."""
    job = prepare(engine, instruction, {**settings, "reword": False})  # commands are no scenes
    chunks = _changed(engine, job, video, lambda room, part, _: tasks.instruct(room, job.told, part))
    return _film(engine, job, video, chunks, "instruct")


def inpaint(
    engine: Engine,
    video: Video,
    mask: Callable[[tasks.Room, Video, int], Tensor],
    prompt: str | None = None,
    **settings: Unpack[Settings],
) -> Film:
    """Make anew what lies under a mask. mask: (room, video, frames) to (frames, h, w), see `masks`."""
    job = prepare(engine, prompt, settings)
    return _painted(engine, job, video, check_mask(mask(job.room, video, _frames(job, video))), "inpaint")


def outpaint(engine: Engine, video: Video, prompt: str | None = None, **settings: Unpack[Settings]) -> Film:
    """Show a video whole within a frame of another shape (height, width), and make what lies around it."""
    job = prepare(engine, prompt, {**settings, "fit": "pad"})
    mask = margin_mask(job.room, video, _frames(job, video))
    if not bool(mask.any()):
        raise InvalidArgument("size", f"{mask.shape[2]}x{mask.shape[1]}", "be of another shape than the video")
    return _painted(engine, job, video, mask, "outpaint", one_thing=False)


def replace_thing(
    engine: Engine,
    video: Video,
    old: str,
    new: str,
    prompt: str | None = None,
    *,
    threshold: float = THRESHOLD,
    **settings: Unpack[Settings],
) -> Film:
    """Find a thing, and make another in its place. prompt: what the video shows, in words that hold `old`.

    An actor of the world is found by its name, if the checkpoint has a locator. Any other thing is where the network's
    answers to both words differ by `threshold` of the most (`find`).
    """
    if not 0 < threshold <= 1:
        raise InvalidArgument("threshold", threshold, "be above 0 and at most 1", THRESHOLD)
    before = prompt or f"a {old}"
    if old not in before:
        raise InvalidArgument("prompt", before, f"hold the word that is replaced, {old!r}")
    job = prepare(engine, before.replace(old, new), settings)
    was = prepare(engine, before, {**settings, "seed": job.seed})
    mask = _located(engine, job, old, video)
    mask = _found(engine, job, was, video, threshold) if mask is None else mask
    return _painted(engine, job, video, mask, "replace", replaced=[old, new])


def cinemagraph(
    engine: Engine,
    picture: Video,
    mask: Callable[[tasks.Room, Video, int], Tensor],
    prompt: str | None = None,
    *,
    seconds: float = 2.0,
    **settings: Unpack[Settings],
) -> Film:
    """Bring to life what lies under a mask of a picture, and nothing else; of a video its first frame is taken."""
    job = prepare(engine, prompt, settings, seconds=seconds)
    count = job.room.size.num_frames
    held = Video(picture.frames[:1].repeat(count, axis=0), job.room.fps, picture.metadata)
    asked = check_mask(mask(job.room, held, count))
    asked[0] = 0.0
    return _painted(engine, job, held, asked, "cinemagraph", one_thing=False)


def _frames(job: Job, video: Video) -> int:
    """Return the frames of a fitted video, filled up to whole groups."""
    stride = job.room.strides.temporal
    return 1 + -(-(len(job.room.fitted(video).frames) - 1) // stride) * stride


def _film(engine: Engine, job: Job, video: Video, chunks: Iterator[np.ndarray], task: str, **more: Any) -> Film:
    """Return a film as long as the fitted video; what filled its last group up is not shown."""
    count = len(job.room.fitted(video).frames)
    return film_of(engine, job, count, _cut(chunks, count), task, **more)


def _cut(chunks: Iterator[np.ndarray], count: int) -> Iterator[np.ndarray]:
    for frames in chunks:
        yield frames[:count]
        count -= len(frames)


def _filled(job: Job, video: Video) -> Video:
    """Return the fitted video, its last frame held until its last group is whole."""
    own = job.room.fitted(video)
    places = np.arange(_frames(job, video)).clip(max=len(own.frames) - 1)
    return replace(own, frames=own.frames[places], fps=job.room.fps)


def _windows(engine: Engine, job: Job, frames: int) -> list[Window]:
    length = clip_cells(engine)
    return plan(1 + (frames - 1) // job.room.strides.temporal, length, memory_of(length))


def _part(job: Job, own: Video, window: Window) -> tuple[tasks.Room, Video]:
    """Return a window's room, and its part of the video."""
    stride = job.room.strides.temporal
    frames = own.frames[stride * window.first : stride * (window.end - 1) + 1]
    return job.lasting(len(frames)).room, replace(own, frames=frames)


def _changed(engine: Engine, job: Job, video: Video, change: Change) -> Iterator[np.ndarray]:
    """Change a video window after window."""
    own = _filled(job, video)

    def fill(window: Window) -> Canvas:
        return change(*_part(job, own, window), window)

    return map(frames_of, weave(engine, fill, _windows(engine, job, len(own.frames)), job))


def _painted(
    engine: Engine, job: Job, video: Video, mask: Tensor, task: str, *, one_thing: bool = True, **more: Any
) -> Film:
    """Make what lies under a mask (f, h, w), and set it into the user's own frames.

    one_thing: the mask is drawn around the first actor of the prompt, and the network is told so.
    """
    own = _filled(job, video)
    stride = job.room.strides.temporal

    def fill(window: Window) -> Canvas:
        room, part = _part(job, own, window)
        first = stride * window.first
        here = mask[first : first + len(part.frames)]
        return replace(tasks.inpaint(room, job.told, part, here), boxes=boxes_of(here) if one_thing else None)

    def chunks() -> Iterator[np.ndarray]:
        shown, pixels = 0, own.pixels()
        for made in weave(engine, fill, _windows(engine, job, len(own.frames)), job):
            span = slice(shown, shown + made.shape[2])
            yield frames_of(pasted(pixels[:, :, span], made, mask[span]))
            shown = span.stop

    return _film(engine, job, video, chunks(), task, **more)


def _located(engine: Engine, job: Job, name: str, video: Video) -> Tensor | None:
    """Return the mask (f, h, w) around an actor that is found by its name; None where that is no way to find it."""
    own, names = _filled(job, video), names_of(encoder_of(engine), [name], 1, engine.preset.world.actors)
    if engine.locator is None or names is None:
        return None
    parts, stride = [], job.room.strides.temporal
    for window in _windows(engine, job, len(own.frames)):
        room, part = _part(job, own, window)
        latents = room.encoded(part)
        boxes = located(engine.locator, latents, torch.ones(latents.shape[2], dtype=torch.bool), names)
        parts.append(boxes[:, :, max(0, 1 + stride * (window.memory - 1)) :])
    boxes = torch.cat(parts, dim=2)[0, 0]
    return None if bool(boxes.isnan().all()) else around(boxes, *own.frames.shape[1:3])


def _found(engine: Engine, job: Job, was: Job, video: Video, threshold: float) -> Tensor:
    """Return the mask (f, h, w) of the thing that tells two jobs' words apart."""
    own = _filled(job, video)
    parts = []
    for window in _windows(engine, job, len(own.frames)):
        room, part = _part(job, own, window)
        here, there = (tasks.text_to_video(room, words) for words in (was.told, job.told))
        difference = find.difference(engine, room.encoded(part), here, there, job.seed)
        parts.append(find.cells_of(difference, threshold)[:, :, window.memory :])
    return find.pixels_of(torch.cat(parts, dim=2), job.room.strides.temporal, job.room.strides.spatial)
