"""Videos continued, led up to, joined, looped.

The user's own frames stand in the answer as they are, fitted to its size and rate; only what is new was made. What is
pinned at the joins is not shown: it is what the network and the decoder go on from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Unpack

import numpy as np
import torch
from torch import Tensor

from skyloom.errors import InvalidArgument
from skyloom.pipelines import tasks
from skyloom.pipelines.canvas import Canvas
from skyloom.pipelines.engine import Engine, Job, Settings, clip_cells, film_of, groups_for, prepare, room_of
from skyloom.pipelines.film import Film, check_pixels, frames_of
from skyloom.pipelines.seams import arriving, bridged, carrying_on, going_on
from skyloom.pipelines.windows import Window, memory_of, plan, sampled, weave
from skyloom.video import Video


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
    return film_of(engine, job, count, _bridge(engine, job, own, None, Lengths(window, before, new, 0)), "extend")


def connect(
    engine: Engine,
    first: Video,
    second: Video,
    prompt: str | None = None,
    *,
    seconds: float | None = None,
    **settings: Unpack[Settings],
) -> Film:
    """Lead from the end of one video to the beginning of another; None takes what fits into one window.

    The answer is the first video, the bridge and the second one.
    """
    job = prepare(engine, prompt, settings)
    before, after = job.room.fitted(first), job.room.fitted(second)
    lengths = _bridge_lengths(engine, job, before, after, seconds)
    bridge = lengths.new * job.room.strides.temporal - 1
    count = len(before.frames) + bridge + len(after.frames)
    chunks = _followed(_bridge(engine, job, before, after, lengths), after.frames)
    return film_of(engine, job, count, chunks, "connect")


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
    lengths = _bridge_lengths(engine, job, own, own, seconds)
    count = len(own.frames) + lengths.new * job.room.strides.temporal - 1
    return film_of(engine, job, count, _bridge(engine, job, own, own, lengths), "loop")


def _bridge_lengths(engine: Engine, job: Job, before: Video, after: Video, seconds: float | None) -> Lengths:
    """Share a window between both sides and what leads from one to the other."""
    window = clip_cells(engine)
    lent = max(1, window // 4)
    head = _head_cells(len(after.frames), job, lent)
    tail = _tail_cells(len(before.frames), job, max(lent, 2))
    new = max(2, window - head - tail) if seconds is None else groups_for(job, seconds)
    return Lengths(max(window, tail + head + 1), tail, new, head)


def _followed(chunks: Iterator[np.ndarray], frames: np.ndarray) -> Iterator[np.ndarray]:
    yield from chunks
    yield frames


def _bridge(engine: Engine, job: Job, before: Video, after: Video | None, lengths: Lengths) -> Iterator[np.ndarray]:
    """Yield a video's own frames, then what is made, up to the frame before `after`.

    The group that ends before the groups lent by `after` ends with its first frame, so its last frame is not shown.
    """
    yield before.frames
    stride = job.room.strides.temporal
    ending = tasks.ending(job.room, before, lengths.before)
    start = torch.empty(0) if after is None else tasks.beginning(job.room, after, lengths.after)

    def fill(window: Window) -> Canvas:
        canvas = tasks.text_to_video(room_of(job, window.end - window.first), job.told)
        parts: dict[int, Tensor] = {}
        if window.first < lengths.before:
            parts[0] = ending[:, :, window.first :]
        place = lengths.before + lengths.new
        if after is not None and window.end > place:
            parts[max(place - window.first, 0)] = start[:, :, max(window.first - place, 0) : window.end - place]
        return tasks.pinned(canvas, parts) if parts else canvas

    windows = plan(lengths.cells, lengths.window, memory_of(lengths.window))
    made = weave(engine, fill, windows, job, job.anchor if after is None else 0.0)
    new = _without(made, 1 + stride * (lengths.before - 1))
    last = before.pixels()[:, :, -1:]
    if after is None:
        yield from map(frames_of, carrying_on(new, last))
    else:
        pixels = torch.cat(list(new), dim=2)[:, :, : stride * lengths.new]
        landing = arriving(after.pixels()[:, :, :1], pixels[:, :, -1:])
        yield frames_of(bridged(pixels[:, :, :-1], going_on(last, pixels), landing))


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
    return film_of(engine, job, count, _leading_up(engine, job, own, lengths), "extend_back")


def _leading_up(engine: Engine, job: Job, own: Video, lengths: Lengths) -> Iterator[np.ndarray]:
    """Yield what is made, then the video's own frames. Windows run from the end to the beginning.

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
    landing = arriving(own.pixels()[:, :, :1], stand_in[:, :, :1])
    yield frames_of(new + landing.given_to(new))
    yield own.frames
