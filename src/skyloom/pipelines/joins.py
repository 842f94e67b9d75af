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
from skyloom.pipelines.engine import Engine, Job, Settings, announced, prepare
from skyloom.pipelines.film import Film, check_pixels, frames_of
from skyloom.pipelines.windows import Window, memory_of, plan, sampled, weave
from skyloom.video import Video

LONGEST = 3600.0


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


def clip_cells(engine: Engine) -> int:
    """Return the latent frames of the clips of training."""
    return 1 + (engine.preset.clip.num_frames - 1) // engine.autoencoder.config.temporal_stride


def groups_for(job: Job, seconds: float) -> int:
    """Return how many groups of frames last nearly `seconds`. Raises InvalidArgument."""
    if not 0 < seconds <= LONGEST:
        wanted = f"be above 0 and at most {LONGEST:g}"
        raise InvalidArgument("seconds", seconds, wanted, min(max(seconds, 1.0), LONGEST))
    return max(1, round(seconds * job.room.fps / job.room.strides.temporal))


def _tail_cells(frames: int, job: Job, most: int) -> int:
    """Return how many cells the end of a video of some frames can lend: one for a single frame."""
    return min(most, 1 + (frames - 1) // job.room.strides.temporal)


def _head_cells(frames: int, job: Job, most: int) -> int:
    """Return how many groups the beginning of a video can lend, which go without its first frame."""
    stride = job.room.strides.temporal
    if frames <= stride:
        raise InvalidArgument("video", f"{frames} frames at {job.room.fps:g} fps", f"have at least {stride + 1}")
    return min(most, (frames - 1) // stride)


def _room_of(job: Job, cells: int) -> tasks.Room:
    """Return the room of a canvas of some latent frames."""
    return job.lasting(1 + job.room.strides.temporal * (cells - 1)).room


def _film(engine: Engine, job: Job, count: int, chunks: Iterator[np.ndarray], task: str) -> Film:
    """Return a film of `count` frames that says how it was made."""
    told = job.lasting(count)
    canvas = tasks.text_to_video(_room_of(job, 1), job.told, **job.room.scalars)
    film = Film(told.room.size, job.room.fps, {}, chunks)
    return announced(engine, told, canvas, film, task=task)


def extend(
    engine: Engine, video: Video, prompt: str | None = None, *, seconds: float = 2.0, **settings: Unpack[Settings]
) -> Film:
    """Go on after a video for `seconds`, to the nearest group of frames; its own frames come first."""
    job = prepare(engine, prompt, settings)
    own, window, new = job.room.fitted(video), clip_cells(engine), groups_for(job, seconds)
    before = _tail_cells(len(own.frames), job, memory_of(window))
    count = len(own.frames) + new * job.room.strides.temporal
    return _film(engine, job, count, _bridge(engine, job, own, None, Lengths(window, before, new, 0)), "extend")


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
    return _film(engine, job, count, chunks, "connect")


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
    return _film(engine, job, count, _bridge(engine, job, own, own, lengths), "loop")


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
        canvas = tasks.text_to_video(_room_of(job, window.end - window.first), job.told)
        parts: dict[int, Tensor] = {}
        if window.first < lengths.before:
            parts[0] = ending[:, :, window.first :]
        place = lengths.before + lengths.new
        if after is not None and window.end > place:
            parts[max(place - window.first, 0)] = start[:, :, max(window.first - place, 0) : window.end - place]
        return tasks.pinned(canvas, parts) if parts else canvas

    shown = 1 + stride * (lengths.before - 1)
    left = lengths.new * stride - (after is not None)
    for pixels in weave(engine, fill, plan(lengths.cells, lengths.window, memory_of(lengths.window)), job):
        frames = frames_of(pixels)
        kept = frames[shown:][:left]
        shown, left = max(shown - len(frames), 0), left - len(kept)
        if len(kept):
            yield kept


def extend_back(
    engine: Engine, video: Video, prompt: str | None = None, *, seconds: float = 2.0, **settings: Unpack[Settings]
) -> Film:
    """Lead up to a video for `seconds`; its own frames come last. Another seed gives another beginning."""
    job = prepare(engine, prompt, settings)
    own, window, new = job.room.fitted(video), clip_cells(engine), groups_for(job, seconds)
    after = _head_cells(len(own.frames), job, max(1, min(memory_of(window), window - 2)))
    count = len(own.frames) + new * job.room.strides.temporal
    lengths = Lengths(max(window, after + 2), 0, new, after)
    return _film(engine, job, count, _leading_up(engine, job, own, lengths), "extend_back")


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
        canvas = tasks.text_to_video(_room_of(job, size), job.told)
        first = size - lengths.after
        canvas = tasks.pinned(canvas, {first: made[:, :, 0 if number == 0 else 1 :][:, :, : lengths.after]})
        latents = sampled(engine, canvas, job, number, max(count, 1))
        made = torch.cat([latents[:, :, :first], made[:, :, 0 if number == 0 else 1 :]], dim=2)
    spare = made.shape[2] - lengths.after - wanted
    frames = frames_of(check_pixels(engine.decode(made)))
    yield frames[stride * spare : stride * (spare + lengths.new)]
    yield own.frames
