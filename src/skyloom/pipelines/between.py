"""Frames between frames: a higher rate.

A latent cell holds several frames, some real and some not, so real ones cannot be pinned as cells. Instead the network
starts from what motion alone would show (`data.motion`), noised, and after each round what it made is tied to the real
frames: what it misses of them is added to it, and between them in proportion. It counts where motion does not explain
both neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Unpack

import numpy as np
import torch
from torch import Tensor

from skyloom.data.motion import in_between
from skyloom.errors import InvalidArgument
from skyloom.pipelines import tasks
from skyloom.pipelines.engine import Engine, Job, Settings, clip_cells, film_of, prepare, room_of
from skyloom.pipelines.film import Film, check_pixels, frames_of
from skyloom.pipelines.windows import Window, on_window, plan, window_seed
from skyloom.video import Video

ROUNDS = (0.3,)
"""Noise levels from which the network starts, round after round."""
MOST = 8
DOUBTFUL = 0.25
"""How far apart squares of both neighbours are, of pixels in [-1, 1], when motion no longer explains them."""


def interpolate(
    engine: Engine, video: Video, prompt: str | None = None, *, factor: int = 2, **settings: Unpack[Settings]
) -> Film:
    """Show `factor` frames for each one of a video, at `factor` times its rate; its own frames are kept.

    The rate before is the video's own, or `fps` where that is given. The last frame has none after it to lead to.
    """
    if not 2 <= factor <= MOST:
        raise InvalidArgument("factor", factor, f"be a whole number from 2 to {MOST}", min(max(factor, 2), MOST))
    rate = settings.get("fps") or video.fps
    job = prepare(engine, prompt, {**settings, "fps": rate * factor})
    own = replace(job.room, fps=rate).fitted(video)
    count = (len(own.frames) - 1) * factor + 1
    if count < 2:
        raise InvalidArgument("video", "1 frame", "have at least 2", 2)
    return film_of(engine, job, count, _filled(engine, job, own, factor, count), "interpolate", factor=factor)


def blended(frames: Tensor, factor: int, times: Tensor) -> Tensor:
    """Return frames (1, c, n, h, w) blended straight at `times` (k,), which count 1 / factor of a frame each."""
    place = times.clamp(max=(frames.shape[2] - 1) * factor)
    before = torch.div(place, factor, rounding_mode="floor")
    share = ((place - before * factor) / factor).view(1, 1, -1, 1, 1)
    after = (before + 1).clamp(max=frames.shape[2] - 1)
    return (1 - share) * frames[:, :, before] + share * frames[:, :, after]


def guessed(frames: Tensor, factor: int, first: int, count: int) -> tuple[Tensor, Tensor]:
    """Return `count` frames from time `first` on, those between real ones (1, c, n, h, w) by `data.motion`.

    With them, (1, 1, count, h, w), how much the network is asked: 0 where motion explains both neighbours.
    """
    made = blended(frames, factor, torch.arange(first, first + count))
    doubt = torch.zeros_like(made[:, :1])
    last = (frames.shape[2] - 1) * factor
    for share in range(1, factor):
        times = torch.arange(first, min(first + count, last))
        times = times[times % factor == share]
        if len(times):
            before, after = (frames[0, :, times // factor + k].transpose(0, 1) for k in (0, 1))
            found, apart = in_between(before, after, share / factor)
            made[0, :, times - first], doubt[0, :, times - first] = found.transpose(0, 1), apart.transpose(0, 1)
    return made, 1 - torch.exp(-((doubt / DOUBTFUL) ** 2))


def tied(made: Tensor, real: Tensor, factor: int, first: int) -> Tensor:
    """Add to frames (1, c, k, h, w) from time `first` on what they miss of the real ones (1, c, n, h, w).

    Between two real frames both are missed in proportion; before the first and after the last one within, that alone.
    """
    times = torch.arange(first, first + made.shape[2])
    within = times[(times % factor == 0) & (times <= (real.shape[2] - 1) * factor)]
    if not len(within):
        return made
    missed = real[:, :, within // factor] - made[:, :, within - first]
    inner = (times - within[0]).clamp(0, int(within[-1] - within[0]))
    return made + blended(missed, factor, inner)


def _filled(engine: Engine, job: Job, own: Video, factor: int, count: int) -> Iterator[np.ndarray]:
    """Yield frames window after window; neighbours share one frame, which the earlier one made."""
    real, stride = own.pixels(), job.room.strides.temporal
    windows = plan(1 + -(-(count - 1) // stride), clip_cells(engine), 1)
    for window in windows:
        made = _window(engine, job, window, len(windows), real, factor)
        first, last = stride * window.first, min(stride * (window.end - 1) + 1, count)
        frames = frames_of(made)
        held = np.arange(first, last)
        frames[held[held % factor == 0] - first] = own.frames[held[held % factor == 0] // factor]
        yield frames[(stride * (window.memory - 1) + 1 if window.memory else 0) : last - first]


def _window(engine: Engine, job: Job, window: Window, count: int, real: Tensor, factor: int) -> Tensor:
    """Make the frames (1, 3, k, h, w) of one window."""
    stride, room = job.room.strides.temporal, room_of(job, window.end - window.first)
    first = stride * window.first
    length = stride * (window.end - 1) + 1 - first
    start, asked = guessed(real, factor, first, length)
    guess = start
    canvas = tasks.text_to_video(room, job.told)
    for number, strength in enumerate(ROUNDS):
        noised = replace(canvas, start=room.encode(guess), strength=strength)
        seed = window_seed(job.seed, window.number * len(ROUNDS) + number)
        told = on_window(job.on_step, window.number * len(ROUNDS) + number, count * len(ROUNDS))
        made = check_pixels(engine.decode(engine.sample([noised], [seed], job.request, told)))
        guess = start + asked * (tied(made, real, factor, first) - start)
    return guess
