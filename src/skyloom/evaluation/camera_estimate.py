"""Camera motion read off the pixels.

Between neighbouring frames the picture is taken to move by d(p) = (x, y) + zoom * (p - centre), which is fitted to the
brightness by Gauss-Newton steps on warped frames (Lucas and Kanade 1981), coarse to fine. Pixels that do not go along
weigh less (Geman and McClure's weights), so that the many pixels of the place outvote the actor's few. Near and far
layers of a place move unlike each other: the estimate is of what most pixels do, and is to be compared with the same
estimate on a real render.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

LEVELS, ROUNDS = (4, 2, 1), 6
SPREAD = 0.08
"""Error of a pixel, of the range 2, at which it weighs a quarter."""
RIDGE = 1e-4
"""Pull toward rest of what no pixel tells about."""
AXES = ("pan", "tilt", "zoom")


def camera_path(pixels: Tensor) -> Tensor:
    """Return the path since the first frame, (b, f, 3): pan in widths, tilt in heights, zoom in doublings.

    pixels: (b, 3, f, h, w) in [-1, 1]. Right, up and in are positive, as in `skyloom.config.SCALARS`.
    """
    grey = rearrange(pixels.clamp(-1, 1).mean(1), "b f h w -> b f 1 h w")
    before, after = (rearrange(part, "b f c h w -> (b f) c h w") for part in (grey[:, :-1], grey[:, 1:]))
    moves = _moves(before, after).unflatten(0, (len(pixels), -1))
    signs = moves.new_tensor([-0.5, 0.5, 1.0])
    steps = torch.stack([moves[..., 0], moves[..., 1], torch.log2(1 + moves[..., 2].clamp(min=-0.5))], -1) * signs
    return F.pad(steps.cumsum(1), (0, 0, 1, 0))


def camera_rates(pixels: Tensor, fps: float) -> Tensor:
    """Return the mean rates (b, 3): pan in widths a second, tilt in heights a second, zoom in doublings a second."""
    return camera_path(pixels)[:, -1] * fps / (pixels.shape[2] - 1)


def _moves(before: Tensor, after: Tensor) -> Tensor:
    """Fit (n, 3) to frames (n, 1, h, w): motion right and down in half frames, and growth about the centre."""
    moves = before.new_zeros(len(before), 3)
    for level in LEVELS:
        if min(before.shape[-2:]) // level < 8:
            continue
        first, second = (F.avg_pool2d(frames, level) for frames in (before, after))
        for _ in range(ROUNDS):
            moves = moves + _update(first, second, moves)
    return moves


def _update(before: Tensor, after: Tensor, moves: Tensor) -> Tensor:
    """One Gauss-Newton step: what to add to the moves."""
    height, width = before.shape[-2:]
    x = (torch.arange(width) * 2 + 1) / width - 1
    y = (torch.arange(height) * 2 + 1) / height - 1
    grid_y, grid_x = torch.meshgrid(y, x, indexing="ij")
    grown = 1 + moves[:, 2, None, None]
    there = torch.stack([grid_x * grown + moves[:, 0, None, None], grid_y * grown + moves[:, 1, None, None]], -1)
    warped = F.grid_sample(after, there, align_corners=False, padding_mode="border")[:, 0]
    inside = (there.abs() < 1).all(-1).float()
    slope_y, slope_x = torch.gradient(warped, dim=(1, 2))
    slope_x, slope_y = slope_x * width / 2, slope_y * height / 2
    error = before[:, 0] - warped
    weight = inside * (1 / (1 + (error / SPREAD).square())).square()
    columns = torch.stack([slope_x, slope_y, slope_x * grid_x + slope_y * grid_y], -1).flatten(1, 2)
    weighed = columns * weight.flatten(1)[..., None]
    normal = weighed.transpose(1, 2) @ columns
    scale = normal.diagonal(dim1=1, dim2=2).mean(1)[:, None, None].clamp(min=1e-6)
    right = (weighed * error.flatten(1)[..., None]).sum(1)
    return torch.linalg.solve(normal + RIDGE * scale * torch.eye(3), right).clamp(-0.25, 0.25)
