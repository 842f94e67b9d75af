"""Rotary positions over frames, height, width.

Rotary embeddings (Su et al. 2021) with the head's pairs shared out among three axes. Height and width are counted from
the picture's centre, so that a larger or wider canvas adds positions at its edges and keeps the middle where it was.
"""

from __future__ import annotations

import torch
from torch import Tensor

from skyloom.shapes import LatentSize

FRAME_PERIOD = 400.0
SPACE_PERIOD = 200.0


def token_positions(grid: LatentSize, first_frame: int = 0, device: torch.device | None = None) -> Tensor:
    """Return (l, 3) float positions (frame, row from the middle, column from the middle), frames slowest."""
    frames = torch.arange(first_frame, first_frame + grid.latent_frames, device=device, dtype=torch.float32)
    rows = torch.arange(grid.latent_height, device=device, dtype=torch.float32) - (grid.latent_height - 1) / 2
    columns = torch.arange(grid.latent_width, device=device, dtype=torch.float32) - (grid.latent_width - 1) / 2
    return torch.stack(torch.meshgrid(frames, rows, columns, indexing="ij"), dim=-1).reshape(-1, 3)


def rotation(positions: Tensor, head_dim: int) -> tuple[Tensor, Tensor]:
    """Return cos and sin (l, head_dim / 2) for positions (l, 3).

    A quarter of the pairs turns with the frame, the rest is halved between rows and columns.
    """
    pairs = head_dim // 2
    frame_pairs = pairs // 4
    row_pairs = (pairs - frame_pairs) // 2
    shares = (frame_pairs, row_pairs, pairs - frame_pairs - row_pairs)
    periods = (FRAME_PERIOD, SPACE_PERIOD, SPACE_PERIOD)
    angles = []
    for axis, (share, period) in enumerate(zip(shares, periods, strict=True)):
        frequencies = period ** -(torch.arange(share, device=positions.device, dtype=torch.float32) / share)
        angles.append(positions[:, axis : axis + 1] * frequencies)
    angle = torch.cat(angles, dim=-1)
    return angle.cos(), angle.sin()


def line_rotation(length: int, head_dim: int, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
    """Return cos and sin for tokens in a row (text): every pair turns with the position."""
    pairs = head_dim // 2
    frequencies = 1000.0 ** -(torch.arange(pairs, device=device, dtype=torch.float32) / pairs)
    angle = torch.arange(length, device=device, dtype=torch.float32)[:, None] * frequencies
    return angle.cos(), angle.sin()
