"""Places as layered panoramas behind the actors.

assets/places.npz holds four premultiplied layers per place (sky, far, mid, ground), DENSITY pixels a metre, wrapping
sideways every PANORAMA_WIDTH metres; scripts/build_places.py draws them.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from skyloom.world.camera import EYE, VIEW_HEIGHT
from skyloom.world.vocabulary import PLACES

ASSETS = Path(__file__).parent / "assets"
PANORAMA_TOP, PANORAMA_HEIGHT, PANORAMA_WIDTH = 4.2, 6.0, 18.0
DENSITY = 32.0
PARALLAX = (0.05, 0.25, 0.55, 1.0)
"""Share of the camera's sideways shift that each layer follows, far to near."""
GROUND_FADE = 0.8
"""Metres below the horizon within which the ground's parallax grows from that of the layer behind to 1."""

LIGHT = {"underwater": (0.78, 0.97, 1.0), "neon street": (0.88, 0.76, 1.0), "stage": (1.0, 0.95, 0.86),
         "jungle": (0.93, 1.0, 0.9), "space": (0.94, 0.95, 1.04)}  # fmt: skip
"""What a place's own light does to the colours of an actor; white elsewhere."""
SHADOWS = {"underwater": 0.25, "sea": 0.22, "neon street": 0.3, "space": 0.5}
"""Darkness of contact shadows where it is not DEFAULT_SHADOW."""
DEFAULT_SHADOW = 0.4
MIRRORS = {"neon street": 0.34}
"""How strongly the ground mirrors actors."""
WATERLINES = {"sea": 0.7}
"""How much of an actor the water hides below its surface."""


@dataclass(frozen=True)
class View:
    """Pixels of a frame in metres on the plane z = 0, before shift and zoom: x right (w,), y up (h,)."""

    height: int
    width: int
    device: torch.device

    @property
    def pixels_per_metre(self) -> float:
        """At zoom 1."""
        return self.height / VIEW_HEIGHT

    @property
    def x(self) -> Tensor:
        """Columns, pixel centres (w,)."""
        columns = torch.arange(self.width, device=self.device, dtype=torch.float32)
        return (columns + 0.5 - self.width / 2) / self.pixels_per_metre

    @property
    def y(self) -> Tensor:
        """Rows, pixel centres (h,)."""
        rows = torch.arange(self.height, device=self.device, dtype=torch.float32)
        return EYE - (rows + 0.5 - self.height / 2) / self.pixels_per_metre


def place_values(table: dict[str, float], default: float, device: torch.device) -> Tensor:
    """One number per place: (places,)."""
    return torch.tensor([table.get(name, default) for name in PLACES], device=device)


def place_light(device: torch.device) -> Tensor:
    """The light of every place: (places, 3)."""
    return torch.tensor([LIGHT.get(name, (1.0, 1.0, 1.0)) for name in PLACES], device=device)


@functools.cache
def panoramas(level: int, device: torch.device) -> Tensor:
    """All layers, each place under the other: (layers, 4, places * rows, columns + 1), halved `level` times.

    The last column repeats the first, so that a sample may cross the seam.
    """
    with np.load(ASSETS / "places.npz", allow_pickle=False) as stored:
        pixels = torch.from_numpy(stored["layers"])
    places, layers, rows, columns, _ = pixels.shape
    flat = pixels.permute(0, 1, 4, 2, 3).reshape(-1, 4, rows, columns).float() / 255
    flat = F.avg_pool2d(flat, 2**level) if level else flat
    rows, columns = flat.shape[-2:]
    tall = flat.view(places, layers, 4, rows, columns).permute(1, 2, 0, 3, 4).reshape(layers, 4, -1, columns)
    return torch.cat([tall, tall[..., :1]], -1).contiguous().to(device)


def level_for(pixels_per_metre: float) -> int:
    """The halving whose density is nearest to the frame's."""
    return min(3, max(0, round(math.log2(DENSITY / pixels_per_metre))))


def sample_layer(layer: int, place: Tensor, x: Tensor, y: Tensor, level: int) -> Tensor:
    """Read a layer at panorama metres.

    place: (n,); x: (n, h, w) any value, wraps; y: (n, h), clamped to the panorama. Returns (n, 4, h, w).
    """
    sheet = panoramas(level, x.device)[layer]
    density, rows = DENSITY / 2**level, sheet.shape[1] // len(PLACES)
    column = torch.remainder(x, PANORAMA_WIDTH) * density
    row = ((PANORAMA_TOP - y) * density).clamp(0.5, rows - 0.5) + (place * rows)[:, None]
    columns_all, rows_all = sheet.shape[2], sheet.shape[1]
    grid_x = (column.clamp(min=0.5) * (2 / columns_all)).sub_(1)
    grid_y = (row * (2 / rows_all) - 1)[..., None].expand_as(grid_x)
    grid = torch.stack([grid_x, grid_y], -1).flatten(0, 1)[None]
    pixels = F.grid_sample(sheet[None], grid, mode="bilinear", padding_mode="border", align_corners=False)
    return pixels[0].unflatten(1, y.shape).transpose(0, 1)


def layer_coordinates(layer: int, view: View, camera: Tensor, variation: Tensor) -> tuple[Tensor, Tensor]:
    """Where a layer is read for each pixel: panorama x (n, h, w) and y (n, h).

    camera: (n, 3); variation: (n, 8): numbers 0 to 3 shift the layers, number 4 mirrors them.
    """
    zoom = camera[:, 2, None]
    y = (view.y - EYE) / zoom + EYE + camera[:, 1, None]
    x = view.x / zoom
    factor = torch.full_like(y, PARALLAX[layer])
    if layer == len(PARALLAX) - 1:
        behind = PARALLAX[layer - 1]
        factor = behind + (1 - behind) * ((EYE - y) / GROUND_FADE).clamp(0, 1)
    mirror = torch.where(variation[:, 4] < 0.5, -1.0, 1.0)[:, None, None]
    shift = variation[:, layer, None, None] * PANORAMA_WIDTH
    return (x[:, None] + camera[:, :1, None] * factor[..., None]) * mirror + shift, y


def tint_of(variation: Tensor) -> Tensor:
    """A place's own colour cast: brightness and hue within 6 %: (n, 3, 1, 1)."""
    bright = 1 + 0.12 * (variation[:, 5] - 0.5)
    turn = 2 * math.pi * variation[:, 6]
    phases = torch.tensor([0.0, 2.0944, 4.1888], device=variation.device)
    return (bright[:, None] * (1 + 0.05 * torch.cos(turn[:, None] + phases)))[..., None, None]
