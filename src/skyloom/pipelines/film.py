"""Frames on their way, made when asked for.

A film is a video whose frames come chunk after chunk, so that a minute needs no more memory than a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec

import numpy as np
from einops import rearrange
from torch import Tensor

from skyloom.errors import GenerationError
from skyloom.shapes import VideoSize
from skyloom.video import Video

Given = ParamSpec("Given")


@dataclass(frozen=True)
class Film:
    """chunks: frames (k, h, w, 3) uint8, which can be gone through once; together size.num_frames of them."""

    size: VideoSize
    fps: float
    metadata: dict[str, Any]
    chunks: Iterator[np.ndarray]

    def video(self) -> Video:
        """Make all frames and keep them."""
        return Video(np.concatenate(list(self.chunks)), self.fps, self.metadata)


def frames_of(pixels: Tensor) -> np.ndarray:
    """Turn pixels (1, 3, f, h, w) in [-1, 1] into frames (f, h, w, 3) uint8."""
    return Video.from_pixels(rearrange(pixels, "1 c f h w -> c f h w"), 1.0).frames


def check_pixels(pixels: Tensor) -> Tensor:
    """Return pixels (b, 3, f, h, w); raise GenerationError where one video is not finite or all of one colour."""
    if not pixels.isfinite().all():
        raise GenerationError("the network's answer is not finite; the checkpoint is damaged or the settings extreme")
    flat = (pixels.clamp(-1, 1) * 127.5).flatten(2)
    if ((flat.amax(2) - flat.amin(2)).amax(1) <= 2).any():
        raise GenerationError("the video is blank: all its pixels are the same")
    return pixels


class Whole(Generic[Given]):
    """A task as a method that waits for the last frame: `pipeline.animate(...)` is `animate(pipeline, ...).video()`."""

    def __init__(self, task: Callable[Concatenate[Any, Given], Film]) -> None:
        self.task = task
        self.__doc__ = task.__doc__

    def __get__(self, engine: Any, owner: type) -> Callable[Given, Video]:
        """Return the task with its engine given."""

        @wraps(self.task)
        def made(*args: Given.args, **settings: Given.kwargs) -> Video:
            return self.task(engine, *args, **settings).video()

        return made
