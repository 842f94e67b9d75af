"""Videos continued, led up to, joined, looped.

The user's own frames stand in the answer as they are, fitted to its size and rate; only what is new was made. What is
pinned at the joins is not shown: it is what the network and the decoder go on from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np
import torch
from torch import Tensor

from skyloom.errors import InvalidArgument
from skyloom.pipelines import tasks
from skyloom.pipelines.canvas import Canvas
from skyloom.pipelines.engine import Engine, Job, Settings, clip_cells, film_of, groups_for, prepare, room_of
from skyloom.pipelines.film import Film, check_pixels, frames_of
from skyloom.pipelines.seams import arriving, carrying_on, turned
from skyloom.pipelines.windows import Window, memory_of, plan, sampled, weave
from skyloom.video import Video

TURNING = 2
"""Latent frames in which one video turns into another: half a second to a second."""
THEN = re.compile(r",?\s*\b(?:and )?then\b\s*|[,，]?\s*然后\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Lengths:
    """In latent frames. window: of the clips of training; before, after: what each side lends; new: what is made."""

    window: int
    before: int
    new: int
    after: int

    @property
    def cells(self) -> int:
        """All of them."""
        return self.before + self.new + self.after


def _tail_cells(frames: int, job: Job, most: int) -> int:
    """Return how many cells the end of a video of some frames can lend: one for a single frame."""
    return min(most, 1 + (frames - 1) // job.room.strides.temporal)


def _head_cells(frames: int, job: Job, most: int) -> int:
    """Return how many groups the beginning of a video can lend, which go without its first frame."""
    stride = job.room.strides.temporal
    if frames <= stride:
        raise InvalidArgument("video", f"{frames} frames at {job.room.fps:g} fps", f"have at least {stride + 1}")
    return min(most, (frames - 1) // stride)


def extend(
    engine: Engine, video: Video, prompt: str | None = None, *, seconds: float = 2.0, **settings: Unpack[Settings]
) -> Film:
    """Go on after a video for `seconds`, to the nearest group of frames; its own frames come first."""
    job = prepare(engine, prompt, settings)
    own, window, new = job.room.fitted(video), clip_cells(engine), groups_for(job, seconds)
    before = _tail_cells(len(own.frames), job, memory_of(window))
    count = len(own.frames) + new * job.room.strides.temporal

    def chunks() -> Iterator[np.ndarray]:
        yield own.frames
        yield from map(frames_of, _going_on(engine, job, own, Lengths(window, before, new, 0)))

    return film_of(engine, job, count, chunks(), "extend")


def _going_on(engine: Engine, job: Job, own: Video, lengths: Lengths) -> Iterator[Tensor]:
    """Yield pixels (1, 3, k, h, w) of what goes on after a video."""
    ending = tasks.ending(job.room, own, lengths.before)

    def fill(window: Window) -> Canvas:
        canvas = tasks.text_to_video(room_of(job, window.end - window.first), job.told)
        return tasks.pinned(canvas, {0: ending[:, :, window.first :]}) if window.first < lengths.before else canvas

    made = weave(engine, fill, plan(lengths.cells, lengths.window, memory_of(lengths.window)), job, job.anchor)
    yield from carrying_on(
        _without(made, 1 + job.room.strides.temporal * (lengths.before - 1)), own.pixels()[:, :, -1:]
    )


def connect(
    engine: Engine,
    first: Video,
    second: Video,
    prompt: str | None = None,
    *,
    seconds: float | None = None,
    **settings: Unpack[Settings],
) -> Film:
    """Lead from one video to another: the answer is the first, a bridge of nearly `seconds`, and the second.

    The first goes on while the second is led up to; in the middle one turns into the other. A prompt with "then" in it
    says before it what the first goes on with, after it what leads up to the second. None takes about one window.
    """
    told = halves(prompt)
    job = prepare(engine, told[0], settings)
    other = prepare(engine, told[1], {**settings, "seed": job.seed})
    before, after = job.room.fitted(first), job.room.fitted(second)
    new = _bridge_groups(engine, job, after, seconds)

    def chunks() -> Iterator[np.ndarray]:
        yield before.frames
        yield frames_of(_bridge(engine, (job, other), (before, after), new))
        yield after.frames

    count = len(before.frames) + job.room.strides.temporal * new - 1 + len(after.frames)
    return film_of(engine, replace(job, prompt=prompt or ""), count, chunks(), "connect")


def halves(prompt: str | None) -> tuple[str | None, str | None]:
    """Return what a prompt says before its first "then" and after it; all of it twice where there is none."""
    before, after = THEN.split(prompt, maxsplit=1) if prompt and THEN.search(prompt) else (prompt, prompt)
    return (before, after) if before and after and before.strip() and after.strip() else (prompt, prompt)


def loop(
    engine: Engine,
    video: Video,
    prompt: str | None = None,
    *,
    seconds: float | None = None,
    **settings: Unpack[Settings],
) -> Film:
    """Lead from a video's end back to its own beginning: after the answer's last frame comes its first."""
    job = prepare(engine, prompt, settings)
    own = job.room.fitted(video)
    new = _bridge_groups(engine, job, own, seconds)

    def chunks() -> Iterator[np.ndarray]:
        yield own.frames
        yield frames_of(_bridge(engine, (job, job), (own, own), new))

    return film_of(engine, job, len(own.frames) + job.room.strides.temporal * new - 1, chunks(), "loop")


def _bridge_groups(engine: Engine, job: Job, after: Video, seconds: float | None) -> int:
    """Return how many groups a bridge to `after` has. Raises InvalidArgument where that is too short to land on."""
    _head_cells(len(after.frames), job, 1)
    return max(2, clip_cells(engine) - 1) if seconds is None else groups_for(job, seconds)


def _bridge(engine: Engine, jobs: tuple[Job, Job], videos: tuple[Video, Video], new: int) -> Tensor:
    """Return pixels (1, 3, k, h, w) of `new` groups but one frame, from the end of one video to the start of another.

    One goes on, the other is led up to; each side's job tells its words.
    """
    job, (before, after), window = jobs[0], videos, clip_cells(engine)
    tail, head = _tail_cells(len(before.frames), job, memory_of(window)), _head_cells(len(after.frames), job, 1)
    shared = max(1, min(TURNING, new // 2))
    ahead = Lengths(window, tail, (new + shared + 1) // 2, 0)
    back = Lengths(max(window, head + 2), 0, (new + shared) // 2, head)
    going = torch.cat(list(_going_on(engine, job, before, ahead)), dim=2)
    return turned(going, _leading_up(engine, jobs[1], after, back), job.room.strides.temporal * new - 1)


def _without(chunks: Iterator[Tensor], count: int) -> Iterator[Tensor]:
    """Leave out the first `count` frames."""
    for pixels in chunks:
        if pixels.shape[2] > count:
            yield pixels[:, :, count:]
        count = max(0, count - pixels.shape[2])


def extend_back(
    engine: Engine, video: Video, prompt: str | None = None, *, seconds: float = 2.0, **settings: Unpack[Settings]
) -> Film:
    """Lead up to a video for `seconds`; its own frames come last. Another seed gives another beginning."""
    job = prepare(engine, prompt, settings)
    own, window, new = job.room.fitted(video), clip_cells(engine), groups_for(job, seconds)
    after = _head_cells(len(own.frames), job, max(1, min(memory_of(window), window - 2)))
    count = len(own.frames) + new * job.room.strides.temporal
    lengths = Lengths(max(window, after + 2), 0, new, after)

    def chunks() -> Iterator[np.ndarray]:
        yield frames_of(_leading_up(engine, job, own, lengths))
        yield own.frames

    return film_of(engine, job, count, chunks(), "extend_back")


def _leading_up(engine: Engine, job: Job, own: Video, lengths: Lengths) -> Tensor:
    """Return pixels (1, 3, k, h, w) of what leads up to a video. Windows run from the end to the beginning.

    A window's first cell is one frame; where an earlier window is set before it, that window's last group ends with
    this frame and takes its place. So does the last group of all for the video's own first frame.
    """
    stride = job.room.strides.temporal
    wanted = 1 + lengths.new
    made = tasks.beginning(job.room, own, lengths.after)
    count = -(-(wanted - (lengths.window - lengths.after)) // (lengths.window - lengths.after - 1)) + 1
    for number in range(max(count, 1)):
        size = lengths.window
        canvas = tasks.text_to_video(room_of(job, size), job.told)
        first = size - lengths.after
        canvas = tasks.pinned(canvas, {first: made[:, :, 0 if number == 0 else 1 :][:, :, : lengths.after]})
        latents = sampled(engine, canvas, job, number, max(count, 1))
        made = torch.cat([latents[:, :, :first], made[:, :, 0 if number == 0 else 1 :]], dim=2)
    spare = made.shape[2] - lengths.after - wanted
    pixels = check_pixels(engine.decode(made))[:, :, stride * spare :]
    new, stand_in = pixels.split([stride * lengths.new, pixels.shape[2] - stride * lengths.new], dim=2)
    landing = arriving(own.pixels()[:, :, :1], new, stand_in[:, :, :1])
    return new + landing.given_to(new)
