"""Actors' pictures as turned, stretched quads.

A batch uses few of the sprites: those are gathered into one sheet, each at three sizes, so that one `grid_sample` reads
every quad of a batch at the size that suits it.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor

from skyloom.world.actors import ACTORS, ATLAS_STYLES, SPRITE_SIZE, load_atlas
from skyloom.world.windows import Window

LEVELS = 3
CELL = SPRITE_SIZE + 2
OFFSETS = (1, SPRITE_SIZE + 3, SPRITE_SIZE + SPRITE_SIZE // 2 + 5)
SHEET_WIDTH = SPRITE_SIZE + SPRITE_SIZE // 2 + SPRITE_SIZE // 4 + 6


@dataclass(frozen=True)
class Quads:
    """n pictures to draw, one for each frame of a flattened batch. Pixels; y down."""

    slot: Tensor  # (n,) int64, the actor's slot
    position: Tensor  # (n, 3) metres, of the feet
    cell: Tensor  # (n,) int64, row of the sprite sheet
    x: Tensor  # (n,) body centre
    y: Tensor  # (n,)
    width: Tensor  # (n,) of the sprite box
    height: Tensor  # (n,) of the sprite box
    angle: Tensor  # (n,) radians counter-clockwise
    flip: Tensor  # (n,) -1 mirrors the picture
    upright: Tensor  # (n,) -1 draws it upside down, as still water would
    opacity: Tensor  # (n,)
    tint: Tensor  # (n, 3)
    fill_x: Tensor  # (n,) share of the box that the picture fills sideways
    fill_y: Tensor  # (n,) and upward, from the last row

    def select(self, rows: Tensor) -> Quads:
        """The chosen quads."""
        return Quads(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


@functools.cache
def actor_table(device: torch.device) -> Tensor:
    """Aspect, and -1 for a picture that looks left, 1 otherwise: (actors, 2)."""
    return torch.tensor([(a.aspect, -1.0 if a.faces == "left" else 1.0) for a in ACTORS], device=device)


@functools.cache
def all_cells(device: torch.device) -> Tensor:
    """Every sprite of every style at three sizes side by side, clear borders between: (sprites, 4, CELL, SHEET_WIDTH).

    uint8, premultiplied; styles follow each other in the order of ATLAS_STYLES.
    """
    cells = []
    for style in ATLAS_STYLES:
        picture = load_atlas(style, device)
        sheet = torch.zeros(len(picture), 4, CELL, SHEET_WIDTH, dtype=torch.uint8, device=device)
        for level, offset in enumerate(OFFSETS):
            smaller = F.avg_pool2d(picture, 2**level) if level else picture
            side = smaller.shape[-1]
            sheet[:, :, 1 : 1 + side, offset : offset + side] = (smaller * 255 + 0.5).to(torch.uint8)
        cells.append(sheet)
    return torch.cat(cells)


def gather_sheet(sprite: Tensor) -> tuple[Tensor, Tensor]:
    """The sheet of the sprites in use, (1, 4, height, width) float, and each sprite's row in it.

    sprite: any shape, int64 into `all_cells`. Both sides are powers of two: see `normalised`.
    """
    used, cell = torch.unique(sprite, return_inverse=True)
    pixels = all_cells(sprite.device)[used].transpose(0, 1).flatten(1, 2)
    height, width = (1 << (side - 1).bit_length() for side in pixels.shape[1:])
    sheet = torch.zeros(1, 4, height, width, device=sprite.device)
    torch.div(pixels, 255, out=sheet[0, :, : pixels.shape[1], : pixels.shape[2]])
    return sheet, cell


def normalised(position: Tensor, side: int) -> Tensor:
    """Pixels of a side that is a power of two, as `grid_sample` wants them.

    Rounded to 1/256 pixel, every step is exact in float32: a sprite looks the same wherever in a sheet it lies.
    """
    return torch.round(position * 256).mul_(2 / 256 / side).sub_(1)


def local_coordinates(quads: Quads, window: Window) -> tuple[Tensor, Tensor]:
    """Where each pixel of a window lies in the sprite box, in shares of it: u right and v down, both (n, h, w)."""
    right = window.columns() - quads.x[:, None]
    up = (quads.y[:, None] - window.lines()) * quads.upright[:, None]
    cos, sin = torch.cos(quads.angle)[:, None], torch.sin(quads.angle)[:, None]
    across, along = quads.flip / quads.width, 1 / quads.height
    u = (right * cos * across[:, None])[:, None] + (up * sin * across[:, None] + 0.5)[..., None]
    center = 1 - quads.fill_y[:, None] / 2
    v = (right * sin * along[:, None])[:, None] + (center - up * cos * along[:, None])[..., None]
    return u, v


def reach_of(quads: Quads) -> Tensor:
    """How far a picture reaches from its centre, sideways or up: (n,) pixels, soft edge included."""
    half_width, half_height = quads.width * quads.fill_x / 2, quads.height * quads.fill_y / 2
    cos, sin = torch.cos(quads.angle).abs(), torch.sin(quads.angle).abs()
    return torch.maximum(half_width * cos + half_height * sin, half_width * sin + half_height * cos) + 2


def sample_quads(sheet: Tensor, quads: Quads, u: Tensor, v: Tensor) -> Tensor:
    """Read the sprites: (n, 4, h, w) premultiplied, tinted and faded.

    The size of picture is the one nearest to the quad's size on screen.
    """
    level = torch.log2(SPRITE_SIZE / quads.height.clamp(min=1)).round().clamp(0, LEVELS - 1)
    side = (SPRITE_SIZE * 0.5**level)[:, None, None]
    offset = torch.tensor(OFFSETS, device=u.device, dtype=u.dtype)[level.long()][:, None, None]
    column = torch.maximum(torch.minimum(u * side, side + 0.5), side.new_tensor(-0.5)) + offset
    row = torch.maximum(torch.minimum(v * side, side + 0.5), side.new_tensor(-0.5))
    row = row + (quads.cell * CELL + 1)[:, None, None]
    grid = torch.stack([normalised(column, sheet.shape[3]), normalised(row, sheet.shape[2])], -1)
    pixels = F.grid_sample(sheet, grid.flatten(0, 1)[None], mode="bilinear", padding_mode="zeros", align_corners=False)
    pixels = pixels[0].unflatten(1, u.shape[:2]).transpose(0, 1)
    gain = torch.cat([quads.tint, torch.ones_like(quads.tint[:, :1])], -1) * quads.opacity[:, None]
    return pixels * gain[..., None, None]
