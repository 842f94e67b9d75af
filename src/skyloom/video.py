"""A video in memory: frames plus rate.

The one public value type of the package: what a pipeline returns, what a file is read into and written from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from skyloom.errors import InvalidArgument
from skyloom.shapes import VideoSize


@dataclass(frozen=True)
class Video:
    """frames: (f, h, w, 3) uint8 sRGB; fps: frames per second; metadata: settings that made it, if known."""

    frames: np.ndarray
    fps: float
    metadata: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.frames.ndim != 4 or self.frames.shape[-1] != 3 or self.frames.dtype != np.uint8:
            got = f"{self.frames.dtype} {self.frames.shape}"
            raise InvalidArgument("frames", got, "be uint8 of shape (frames, height, width, 3)")
        if not 0 < self.fps <= 1000:
            raise InvalidArgument("fps", self.fps, "be above 0 and at most 1000")

    @property
    def size(self) -> VideoSize:
        """Frames, height, width."""
        return VideoSize(*self.frames.shape[:3])

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.frames) / self.fps

    def pixels(self) -> Tensor:
        """Return the frames as (1, 3, f, h, w) float32 in [-1, 1]."""
        return rearrange(torch.from_numpy(self.frames), "f h w c -> 1 c f h w").float() / 127.5 - 1

    @staticmethod
    def from_pixels(pixels: Tensor, fps: float, metadata: dict[str, Any] | None = None) -> Video:
        """Build from pixels (3, f, h, w) in [-1, 1]; values outside are clipped."""
        frames = ((pixels.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
        return Video(rearrange(frames, "c f h w -> f h w c").cpu().numpy(), fps, metadata or {})
