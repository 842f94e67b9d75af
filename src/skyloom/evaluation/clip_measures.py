"""Motion and joins of clips, as numbers.

Everything takes pixels (b, 3, f, h, w) in [-1, 1] and gives shares of that range, one value for each clip. Motion is
measured on averages over CELL x CELL pixels, so that grain and ringing do not pass for motion.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

CELL = 4
MOVED = 0.05
"""Change of a cell, as a share of the range, that counts as motion."""
FROZEN_AREA = 0.01
"""A clip is frozen when a smaller share of its cells than this ever moves away from its first frame."""
STILL_STEP = 1 / 255
"""Median steps below this, one level of a file, count as this: clips at rest have no endless ratios."""


def coarse(pixels: Tensor) -> Tensor:
    """Average over CELL x CELL pixels."""
    return F.avg_pool3d(pixels.clamp(-1, 1), (1, CELL, CELL))


def steps(pixels: Tensor) -> Tensor:
    """Return the mean change from each frame to the next, (b, f - 1)."""
    return (pixels[:, :, 1:] - pixels[:, :, :-1]).abs().mean((1, 3, 4)) / 2


def motion(pixels: Tensor) -> Tensor:
    """Return how much a clip moves, (b,): the mean step of the averaged cells."""
    return steps(coarse(pixels)).mean(1)


def moved_area(pixels: Tensor) -> Tensor:
    """Return the share of cells that differ from the first frame by more than MOVED in any later frame, (b,)."""
    cells = coarse(pixels)
    away = (cells - cells[:, :, :1]).abs().amax((1, 2)) / 2
    return (away > MOVED).float().mean((1, 2))


def is_frozen(pixels: Tensor) -> Tensor:
    """Return (b,) bool: next to nothing ever moves."""
    return moved_area(pixels) < FROZEN_AREA


def seam_ratio(pixels: Tensor, seams: Sequence[int]) -> Tensor:
    """Return the largest step across a seam over the median step elsewhere, (b,). Seam s lies before frame s."""
    every = steps(pixels.clamp(-1, 1))
    across = torch.zeros(every.shape[1], dtype=torch.bool)
    across[[seam - 1 for seam in seams]] = True
    return every[:, across].amax(1) / every[:, ~across].median(1).values.clamp(min=STILL_STEP)


def largest_step_ratio(pixels: Tensor, first: int, last: int) -> Tensor:
    """Return the largest step into frames first to last over the median step of the whole clip, (b,)."""
    every = steps(pixels.clamp(-1, 1))
    return every[:, first - 1 : last].amax(1) / every.median(1).values.clamp(min=STILL_STEP)


def colour_shift(pixels: Tensor, seams: Sequence[int]) -> Tensor:
    """Return the largest change of any colour's mean over the picture across a seam, (b,)."""
    means = pixels.clamp(-1, 1).mean((3, 4)) / 2
    changes = [(means[:, :, seam] - means[:, :, seam - 1]).abs().amax(1) for seam in seams]
    return torch.stack(changes, 1).amax(1)


def sharpness(pixels: Tensor) -> Tensor:
    """Return the mean size of the Laplacian of the brightness, (b,)."""
    grey = pixels.clamp(-1, 1).mean(1) / 2
    middle = grey[..., 1:-1, 1:-1]
    around = grey[..., :-2, 1:-1] + grey[..., 2:, 1:-1] + grey[..., 1:-1, :-2] + grey[..., 1:-1, 2:]
    return (around - 4 * middle).abs().mean((1, 2, 3))


def distance(pixels: Tensor, other: Tensor) -> Tensor:
    """Return the mean absolute difference of two batches of clips, (b,)."""
    return (pixels.clamp(-1, 1) - other.clamp(-1, 1)).abs().mean((1, 2, 3, 4)) / 2


def rising(values: Sequence[float], slack: float = 0.0) -> float:
    """Return the share of neighbours in a list that rise by more than `slack`."""
    pairs = list(pairwise(values))
    return sum(later > earlier + slack for earlier, later in pairs) / len(pairs)
