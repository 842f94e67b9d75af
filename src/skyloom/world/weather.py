"""Weather as light, sky and falling things.

Everything is a function of the scene's weather and variation, of place and time: no state. Falling things live in cells
of a drifting grid, one to a cell, so that every pixel looks at one of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from skyloom.world.camera import EYE
from skyloom.world.vocabulary import PLACES, WEATHERS

Color = tuple[float, float, float]


@dataclass(frozen=True)
class Air:
    """One weather's light: what happens to the sky and to the things below it."""

    light: Color = (1.0, 1.0, 1.0)  # multiplies layers and actors
    top: Color = (0.0, 0.0, 0.0)  # sky colours laid over the place's own
    horizon: Color = (0.0, 0.0, 0.0)
    sky: float = 0.0  # how much of them
    haze: Color = (0.9, 0.92, 0.93)  # mist over the layers, thickest at the horizon
    mist: float = 0.0


AIR = {
    "clear": Air(),
    "rain": Air((0.70, 0.76, 0.84), (0.34, 0.40, 0.48), (0.62, 0.67, 0.72), 0.85, (0.60, 0.66, 0.72), 0.30),
    "snow": Air((0.94, 0.97, 1.02), (0.66, 0.73, 0.82), (0.90, 0.93, 0.97), 0.75, (0.93, 0.95, 0.98), 0.42),
    "petals": Air((1.03, 0.97, 0.98), (0.66, 0.78, 0.98), (1.0, 0.86, 0.91), 0.55, (1.0, 0.88, 0.92), 0.22),
    "fog": Air((0.92, 0.94, 0.95), (0.80, 0.83, 0.85), (0.89, 0.90, 0.91), 0.9, (0.88, 0.90, 0.91), 0.85),
    "stars": Air((0.34, 0.36, 0.58), (0.02, 0.03, 0.16), (0.15, 0.16, 0.42), 0.95, (0.12, 0.13, 0.34), 0.25),
    "sunset": Air((1.04, 0.76, 0.60), (0.45, 0.29, 0.58), (1.0, 0.62, 0.28), 0.9, (1.0, 0.60, 0.34), 0.28),
    "night": Air((0.44, 0.52, 0.80), (0.06, 0.10, 0.32), (0.24, 0.34, 0.62), 0.92, (0.20, 0.28, 0.52), 0.25),
}
INDOORS = ("underwater", "kitchen", "stage", "space")
"""Places without a sky of their own to recolour: weather shows there by light and falling things alone."""
INDOOR_SKY = 0.3
ACTOR_LIGHT = 0.55
"""Share of the light's colour that reaches actors, which must stay readable at night."""


def air_table(field: str, device: torch.device) -> Tensor:
    """One field of AIR for all weathers: (weathers,) or (weathers, 3)."""
    return torch.tensor([getattr(AIR[name], field) for name in WEATHERS], device=device)


def light_of(weather: Tensor) -> Tensor:
    """What multiplies the layers: (n, 3)."""
    return air_table("light", weather.device)[weather]


def actor_light(weather: Tensor) -> Tensor:
    """What multiplies the actors: (n, 3)."""
    return 1 + ACTOR_LIGHT * (light_of(weather) - 1)


def hash_cells(column: Tensor, row: Tensor, salt: Tensor | int) -> Tensor:
    """Pseudo-random bits of grid cells, int64 below 2**32; a function of the three integers alone."""
    bits = (column * 374761393 + row * 668265263 + salt * 1442695041) & 0xFFFFFFFF
    bits = ((bits ^ (bits >> 13)) * 1274126177) & 0xFFFFFFFF
    bits = ((bits ^ (bits >> 16)) * 1911520717) & 0xFFFFFFFF
    return bits ^ (bits >> 15)


def lane(bits: Tensor, number: int) -> Tensor:
    """One of four numbers in [0, 1) held in hashed bits."""
    return ((bits >> (8 * number)) & 255).float() / 256


def salt_of(variation: Tensor) -> Tensor:
    """An integer of a scene's own: (n, 1, 1)."""
    return (variation[:, 7] * 65536).long()[:, None, None]


def paint_sky(sky: Tensor, weather: Tensor, place: Tensor, variation: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Recolour skies (n, 3, h, w) and hang sun, moon and stars in them.

    x: (n, h, w) and y: (n, h): panorama metres of the sky layer.
    """
    indoors = torch.tensor([name in INDOORS for name in PLACES], device=sky.device)[place]
    strength = air_table("sky", sky.device)[weather] * torch.where(indoors, INDOOR_SKY, 1.0)
    rise = ((y - EYE) / 2.2).clamp(0, 1)[:, None, :, None]
    top, horizon = (air_table(end, sky.device)[weather][..., None, None] for end in ("top", "horizon"))
    sky = torch.lerp(sky, torch.lerp(horizon, top, rise), strength[:, None, None, None])
    for name, draw in (("sunset", draw_sun), ("night", draw_moon), ("stars", draw_stars)):
        rows = torch.nonzero((weather == WEATHERS.index(name)) & ~indoors)[:, 0]
        if len(rows):
            sky = sky.index_copy(0, rows, draw(sky[rows], variation[rows], x[rows], y[rows]))
    return sky


def disc(x: Tensor, y: Tensor, center: Tensor, height: float, radius: float) -> tuple[Tensor, Tensor]:
    """A soft disc around (center, height) and its distance field, both (n, 1, h, w)."""
    distance = torch.hypot(x - center[:, None, None], (y - height)[..., None])[:, None]
    return ((radius - distance) / 0.08 + 0.5).clamp(0, 1), distance


def middle_of(x: Tensor, variation: Tensor) -> Tensor:
    """Where to hang a sky body: within the middle of what the first view shows (n,)."""
    return x[:, 0].mean(-1) + (variation[:, 7] - 0.5) * 1.8


def lit(sky: Tensor, cover: Tensor, color: Color) -> Tensor:
    """Lay a colour over a sky."""
    return torch.lerp(sky, sky.new_tensor(color)[:, None, None].expand_as(sky), cover)


def draw_sun(sky: Tensor, variation: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """A low sun with a wide glow."""
    cover, distance = disc(x, y, middle_of(x, variation), 1.75, 0.42)
    return lit(lit(sky, 0.8 * torch.exp(-((distance / 0.95) ** 2)), (1.0, 0.80, 0.42)), cover, (1.0, 0.95, 0.72))


def draw_moon(sky: Tensor, variation: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """A full moon with a faint halo and two seas."""
    center = middle_of(x, variation)
    cover, distance = disc(x, y, center, 2.78, 0.3)
    sky = lit(lit(sky, 0.5 * torch.exp(-((distance / 0.6) ** 2)), (0.62, 0.70, 0.92)), cover, (0.97, 0.96, 0.86))
    for dx, height, radius in ((-0.09, 2.84, 0.08), (0.1, 2.70, 0.06)):
        sky = lit(sky, 0.35 * disc(x, y, center + dx, height, radius)[0], (0.74, 0.74, 0.72))
    return sky


def draw_stars(sky: Tensor, variation: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Stars, one to a cell of half a metre, brighter high up."""
    size = 0.5
    column, row = torch.floor(x / size), torch.floor(y / size)[..., None]
    bits = hash_cells(column.long(), row.long(), salt_of(variation))
    dx = x / size - column - (0.25 + 0.5 * lane(bits, 0))
    dy = y[..., None] / size - row - (0.25 + 0.5 * lane(bits, 1))
    radius = 0.09 + 0.08 * lane(bits, 2)
    glow = torch.exp(-(dx**2 + dy**2) / radius**2) * ((y - EYE) / 0.6).clamp(0, 1)[..., None]
    return lit(sky, (0.95 * glow * (lane(bits, 3) < 0.8))[:, None], (1.0, 0.97, 0.86))


def mist(frame: Tensor, weather: Tensor, y: Tensor) -> Tensor:
    """Haze over a background (n, 3, h, w), thickest at the horizon. y: (n, h) metres."""
    amount = air_table("mist", frame.device)[weather][:, None]
    distance = (y - EYE) / torch.where(y > EYE, 1.6, 0.9)
    thickness = (amount * (0.35 + 0.65 * torch.exp(-(distance**2))))[:, None, :, None]
    return torch.lerp(frame, air_table("haze", frame.device)[weather][..., None, None].expand_as(frame), thickness)


@dataclass(frozen=True)
class Fall:
    """One sheet of falling things: metres and metres a second."""

    cell: tuple[float, float]  # sideways, upward
    speed: tuple[float, float]  # to the right, downward
    radius: tuple[float, float]  # half axes before turning
    color: Color
    strength: float
    sway: float = 0.0
    turning: float = 0.0  # radians a second


FALLS = {
    "rain": (
        Fall((0.62, 1.5), (-1.6, 9.0), (0.030, 0.40), (0.80, 0.88, 0.97), 0.52),
        Fall((0.46, 1.1), (-1.1, 6.3), (0.026, 0.26), (0.74, 0.83, 0.94), 0.36),
    ),
    "snow": (
        Fall((0.8, 0.8), (0.18, 0.75), (0.085, 0.085), (1.0, 1.0, 1.0), 0.98, 0.10),
        Fall((0.58, 0.58), (0.12, 0.5), (0.055, 0.055), (0.97, 0.99, 1.0), 0.85, 0.06),
    ),
    "petals": (
        Fall((1.0, 1.0), (0.42, 0.6), (0.14, 0.075), (1.0, 0.55, 0.72), 0.97, 0.12, 2.4),
        Fall((0.75, 0.75), (0.3, 0.42), (0.09, 0.05), (1.0, 0.70, 0.82), 0.9, 0.08, 1.8),
    ),
}


def falling(fall: Fall, x: Tensor, y: Tensor, seconds: Tensor, variation: Tensor, sheet: int) -> Tensor:
    """How much of each pixel one sheet covers: (n, h, w).

    x: (n, w), y: (n, h): metres; seconds: (n,).
    """
    lean = fall.speed[0] / fall.speed[1]
    across, down = fall.cell
    drifted_y = (y + fall.speed[1] * seconds[:, None])[..., None]
    drifted_x = x[:, None] + lean * y[..., None] + variation[:, :1, None] * 7.0
    row, column = torch.floor(drifted_y / down), torch.floor(drifted_x / across)
    bits = hash_cells(column.long(), row.long().expand_as(drifted_x), salt_of(variation) + sheet)
    reach_x = min(0.5, (max(fall.radius) * bool(fall.turning) + fall.radius[0] + fall.sway) / across)
    reach_y = min(0.5, max(fall.radius[1], fall.radius[0] * bool(fall.turning)) / down)
    swing = fall.sway * torch.sin(1.7 * seconds[:, None, None] + 6.28 * lane(bits, 2))
    dx = drifted_x - (column + reach_x + (1 - 2 * reach_x) * lane(bits, 0)) * across - swing
    dy = drifted_y - (row + reach_y + (1 - 2 * reach_y) * lane(bits, 1)) * down
    if fall.turning:
        turn = fall.turning * seconds[:, None, None] + 6.28 * lane(bits, 3)
        cos, sin = torch.cos(turn), torch.sin(turn)
        dx, dy = cos * dx + sin * dy, cos * dy - sin * dx
    distance = (dx / fall.radius[0]) ** 2 + (dy / fall.radius[1]) ** 2
    return fall.strength * torch.exp(-(distance**2) * 0.7) * (lane(bits, 3) < 0.85)


def add_falls(frames: Tensor, weather: Tensor, x: Tensor, y: Tensor, seconds: Tensor, variation: Tensor) -> None:
    """Draw rain, snow and petals over frames (n, 3, h, w), in place. x: (n, w), y: (n, h) metres."""
    for name, sheets in FALLS.items():
        rows = torch.nonzero(weather == WEATHERS.index(name))[:, 0]
        if not len(rows):
            continue
        part = frames[rows]
        for number, fall in enumerate(sheets):
            cover = falling(fall, x[rows], y[rows], seconds[rows], variation[rows], number)
            part = lit(part, cover[:, None], fall.color)
        frames[rows] = part
