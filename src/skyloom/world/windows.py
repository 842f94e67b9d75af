"""Small windows into frames.

What touches only part of a frame is drawn in a window around it; windows come in a few sizes, so that those of one size
are drawn at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

SHARES = (0.25, 0.375, 0.5, 0.75)
"""Window sizes as shares of the frame's height; what needs more gets the whole frame."""


@dataclass(frozen=True)
class Window:
    """One rectangle in each of n chosen frames, all of one size. Pixels."""

    rows: Tensor  # (n,) int64, the frames
    picked: Tensor  # (n,) int64, which of the things asked for is drawn in each
    left: Tensor  # (n,) int64
    top: Tensor  # (n,) int64
    height: int
    width: int

    def columns(self) -> Tensor:
        """Pixel centres (n, w) from the frame's left edge."""
        return self.left[:, None] + torch.arange(self.width, device=self.left.device) + 0.5

    def lines(self) -> Tensor:
        """Pixel centres (n, h) from the frame's top edge, downward."""
        return self.top[:, None] + torch.arange(self.height, device=self.top.device) + 0.5

    def indices(self, frames: Tensor) -> Tensor:
        """Positions of the window's values in the flattened frames (N, c, H, W): (n, c, h, w)."""
        channels, height, width = frames.shape[1:]
        plane = (self.rows * channels)[:, None] + torch.arange(channels, device=frames.device)
        line = plane[:, :, None] * height + self.top[:, None, None] + torch.arange(self.height, device=frames.device)
        return (line * width + self.left[:, None, None])[..., None] + torch.arange(self.width, device=frames.device)

    def lay_over(self, frames: Tensor, picture: Tensor) -> None:
        """Put premultiplied pictures (n, 4, h, w) over the frames, in place."""
        index = self.indices(frames)
        flat = frames.view(-1)
        flat[index] = torch.addcmul(picture[:, :3], flat[index], 1 - picture[:, 3:])

    def multiply(self, frames: Tensor, factor: Tensor) -> None:
        """Multiply the frames by (n, 1, h, w), in place."""
        index = self.indices(frames)
        flat = frames.view(-1)
        flat[index] = flat[index] * factor


def windows_around(
    frames: Tensor, rows: Tensor, x: Tensor, y: Tensor, reach_x: Tensor, reach_y: Tensor, ratio: float = 1.0
) -> Iterator[Window]:
    """Windows that hold all pixels within reach of (x, y), grouped by size.

    rows: (n,) int64 into the frames (N, c, H, W), without repeats; x, y, reach_x, reach_y: (n,) pixels;
    ratio: height over width of the windows.
    """
    height, width = frames.shape[-2:]
    sizes = [(round(ratio * share * height), min(width, round(share * height))) for share in SHARES]
    left = torch.ones_like(rows, dtype=torch.bool)
    for tall, wide in [*sizes, (height, width)]:
        fits = left if (tall, wide) == (height, width) else left & (2 * reach_y <= tall) & (2 * reach_x <= wide)
        picked = torch.nonzero(fits)[:, 0]
        left = left & ~fits
        if len(picked):
            corner_x = (x[picked] - wide / 2).round().clamp(0, width - wide).long()
            corner_y = (y[picked] - tall / 2).round().clamp(0, height - tall).long()
            yield Window(rows[picked], picked, corner_x, corner_y, tall, wide)
