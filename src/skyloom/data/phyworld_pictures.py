"""Pictures of discs on white ground.

The published renderer gives a pixel the disc's colour in the share clip((r^2 - d^2) / (0.03 r^2), 0, 1), at 256 x 256
with pixel k at k / 255 of the world, row 0 at the top. Smaller pictures are averages of squares of its pixels. Only the
square around a disc is computed.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from skyloom.data.phyworld import WORLD
from skyloom.errors import InvalidArgument

FULL = 256
EDGE = 0.03


def pixel_places(size: int, samples: int = 1) -> Tensor:
    """Return where the pixels of a picture of `size` are, each in `samples` parts, in the world: float64."""
    count = size * samples
    return ((torch.arange(count, dtype=torch.float64) + 0.5) * FULL / count - 0.5) / (FULL - 1) * WORLD


def coverage(centres: Tensor, radius: Tensor, size: int, samples: int | None = None) -> Tensor:
    """Return how much of each pixel a disc covers, (n, size, size) float32 in [0, 1].

    centres: (n, 2) and radius: (n,) in the world's units. samples: points a side that a pixel averages over; None takes
    all of the published 256 x 256. Raises InvalidArgument for a size that does not divide 256.
    """
    if size < 1 or FULL % size:
        raise InvalidArgument("size", size, "be a power of 2 up to 256", 64)
    samples = FULL // size if samples is None else samples
    column, row = centres[:, 0], WORLD - centres[:, 1]
    pixel = FULL / size * WORLD / (FULL - 1)
    side = int(2 * float(radius.max()) / pixel) + 3
    first_column, first_row = (((place / pixel) - side / 2).floor().long() for place in (column, row))
    across = _squared_offsets(first_column, side, samples, size, column)
    down = _squared_offsets(first_row, side, samples, size, row)
    edge = EDGE * radius.float().square()[:, None]
    shares = ((1 / EDGE - down / edge)[:, :, None] - (across / edge)[:, None, :]).clamp_(0, 1)
    return _placed(F.avg_pool2d(shares, samples), first_row, first_column, size)


def _squared_offsets(first: Tensor, side: int, samples: int, size: int, centre: Tensor) -> Tensor:
    """Return the squared distance along one axis of the points from pixel `first` on: (n, side * samples) float32."""
    points = pixel_places(size, samples)
    spacing = points[1] - points[0]
    number = first[:, None] * samples + torch.arange(side * samples)
    return (points[0] + number * spacing - centre[:, None]).square().float()


def _placed(squares: Tensor, rows: Tensor, columns: Tensor, size: int) -> Tensor:
    """Put squares (n, side, side) with their first corner at (row, column) into pictures; what is outside is cut."""
    side = squares.shape[1]
    rows, columns = (place.clamp(-side, size) + side for place in (rows, columns))
    wide = size + 2 * side
    picture = squares.new_zeros(len(squares), wide, wide)
    offset = torch.arange(side)
    batch = torch.arange(len(squares))[:, None, None]
    picture[batch, (rows[:, None] + offset)[:, :, None], (columns[:, None] + offset)[:, None, :]] = squares
    return picture[:, side : side + size, side : side + size]


def render_discs(positions: Tensor, radius: Tensor, size: int = 64, samples: int | None = None) -> Tensor:
    """Return clips (b, 3, f, size, size) in [-1, 1]: the first disc is red, the second blue.

    positions: (b, f, k, 2); radius: (b, k) or (b, f, k); see `coverage` for samples.
    """
    clips, frames, discs = positions.shape[:3]
    spread = (radius if radius.ndim == 3 else radius[:, None].expand(-1, frames, -1)).reshape(-1)
    covered = coverage(positions.reshape(-1, 2), spread, size, samples).view(clips, frames, discs, size, size)
    red = covered[:, :, 0]
    blue = covered[:, :, 1] if discs == 2 else torch.zeros_like(red)
    planes = torch.stack([1 - blue, (1 - blue - red).clamp(min=0), 1 - red], 1)
    return planes * 2 - 1
