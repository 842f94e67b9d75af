"""Where the discs of a picture are, read two ways.

`published`: as PhyWorld's own parser does: pixels of the disc's colour beyond half, their mean index over the width.
The renderer divides by the width less one, so a speed reads 1/256 too low: that is the table's floor of .0099.
`unbiased`: the centre of mass of the soft mask, at the places where the renderer puts its pixels.
Both give positions in the world, x to the right and y up; a disc that can't be seen is NaN.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from skyloom.data.phyworld import WORLD
from skyloom.data.phyworld_pictures import FULL, pixel_places

FAINT = 0.1
"""What is less of a disc's colour than this counts as ground."""


def full_size(pixels: Tensor) -> Tensor:
    """Return clips (b, 3, f, h, w) at the 256 x 256 that the published parser is used at."""
    if pixels.shape[-1] == FULL:
        return pixels
    frames = rearrange(pixels, "b c f h w -> (b f) c h w")
    large = F.interpolate(frames, size=(FULL, FULL), mode="bilinear", align_corners=False)
    return rearrange(large, "(b f) c h w -> b c f h w", b=len(pixels))


def published(pixels: Tensor, discs: int) -> Tensor:
    """Return the positions (b, f, k, 2) that the published parser reads off clips (b, 3, f, h, w) in [-1, 1]."""
    red, green, blue = ((full_size(pixels) + 1) * 127.5).round().unbind(1)
    masks = [(red > 127) & (green < 127) & (blue < 127), (red < 127) & (green < 127) & (blue > 127)]
    mask = torch.stack(masks[:discs], 2).float()
    index = torch.arange(mask.shape[-1], dtype=torch.float64) / mask.shape[-1] * WORLD
    return _centre(mask, index, WORLD - index)


def unbiased(pixels: Tensor, discs: int) -> Tensor:
    """Return the positions (b, f, k, 2) of the soft masks' centres of mass."""
    red, _, blue = ((pixels.clamp(-1, 1) + 1) / 2).unbind(1)
    mask = torch.stack([red - blue, blue - red][:discs], 2)
    places = pixel_places(mask.shape[-1])
    return _centre(torch.where(mask < FAINT, 0.0, mask), places, WORLD - places)


def _centre(mask: Tensor, across: Tensor, down: Tensor) -> Tensor:
    """Return the mean place of a mask (b, f, k, h, w): (b, f, k, 2), NaN where it is empty."""
    columns, rows = mask.sum(-2).double(), mask.sum(-1).double()
    weight = columns.sum(-1)
    weight = torch.where(weight > 0, weight, torch.nan)
    x = (columns * across).sum(-1) / weight
    y = (rows * down).sum(-1) / weight
    return torch.stack([x, y], -1)
