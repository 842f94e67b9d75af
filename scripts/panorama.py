"""Brushes for panoramas that wrap sideways.

A layer is a float array (H, W, 4) of premultiplied sRGB and alpha in [0, 1]. It spans x from 0 to WIDTH and y from
BOTTOM to TOP, in metres, and is drawn at twice the stored density.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

TOP, BOTTOM, WIDTH = 4.2, -1.8, 18.0
DENSITY = 64  # drawn pixels per metre
ROWS, COLUMNS = round((TOP - BOTTOM) * DENSITY), round(WIDTH * DENSITY)
Y = (TOP - (np.arange(ROWS) + 0.5) / DENSITY)[:, None]
X = ((np.arange(COLUMNS) + 0.5) / DENSITY)[None]


def rgb(color: str) -> np.ndarray:
    """`#rrggbb` as three floats."""
    return np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def empty() -> np.ndarray:
    """A layer with nothing on it."""
    return np.zeros((ROWS, COLUMNS, 4))


def gradient(*stops: tuple[float, str]) -> np.ndarray:
    """Colours that run smoothly between heights, given from the top down: (H, W, 3)."""
    heights = [height for height, _ in stops][::-1]
    colors = np.stack([rgb(color) for _, color in stops])[::-1]
    column = np.stack([np.interp(Y[:, 0], heights, colors[:, c]) for c in range(3)], -1)
    return np.broadcast_to(column[:, None], (ROWS, COLUMNS, 3))


def paint(layer: np.ndarray, mask: np.ndarray | float, color: str | np.ndarray) -> None:
    """Lay a colour over the layer where `mask` (in [0, 1]) says."""
    over = np.broadcast_to(np.asarray(mask, dtype=float), (ROWS, COLUMNS))[..., None]
    paint_rgb = rgb(color) if isinstance(color, str) else color
    layer[..., :3] = layer[..., :3] * (1 - over) + paint_rgb * over
    layer[..., 3:] = layer[..., 3:] * (1 - over) + over


def ramp(values: np.ndarray, soft: float = 0.03) -> np.ndarray:
    """0 below zero, 1 above, with an edge `soft` metres wide."""
    return np.clip(values / soft + 0.5, 0, 1)


def below(profile: np.ndarray | float, soft: float = 0.03) -> np.ndarray:
    """The area under a height profile (1, W)."""
    return ramp(profile - Y, soft)


def waves(seed: int, base: float, amplitude: float, frequencies: tuple[int, ...]) -> np.ndarray:
    """A smooth profile that wraps: a sum of sines with whole numbers of turns around the panorama."""
    rng = np.random.default_rng(seed)
    turns = sum(np.sin(2 * np.pi * (f * X / WIDTH + rng.random())) / np.sqrt(i + 1) for i, f in enumerate(frequencies))
    return base + amplitude * turns / np.sqrt(len(frequencies))


def away(x: float) -> np.ndarray:
    """Signed distance to `x` around the panorama (1, W)."""
    return (X - x + WIDTH / 2) % WIDTH - WIDTH / 2


def box(x: float, y: float, width: float, height: float, soft: float = 0.04) -> np.ndarray:
    """A soft box that stands on (x, y)."""
    return ramp(width / 2 - np.abs(away(x)), soft) * ramp(height / 2 - np.abs(Y - y - height / 2), soft)


def ellipse(x: float, y: float, width: float, height: float, soft: float = 0.15) -> np.ndarray:
    """A soft ellipse around (x, y); `soft` is a share of its radius."""
    radius = np.hypot(away(x) / (width / 2), (Y - y) / (height / 2))
    return np.clip((1 - radius) / soft + 0.5, 0, 1)


def glow(x: float, y: float, radius_x: float, radius_y: float) -> np.ndarray:
    """A bell of light around (x, y)."""
    return np.exp(-((away(x) / radius_x) ** 2) - ((Y - y) / radius_y) ** 2)


def blur(layer: np.ndarray, metres: float) -> np.ndarray:
    """Gaussian blur, wrapping sideways."""
    radius = metres * DENSITY
    margin = int(radius * 4) + 1
    wrapped = np.pad(layer, ((margin, margin), (0, 0), (0, 0)), mode="edge")
    wrapped = np.pad(wrapped, ((0, 0), (margin, margin), (0, 0)), mode="wrap")
    picture = Image.fromarray((wrapped * 255 + 0.5).astype(np.uint8), "RGBA").filter(ImageFilter.GaussianBlur(radius))
    return np.asarray(picture)[margin:-margin, margin:-margin].astype(float) / 255


class Props:
    """Emoji pictures as stamps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pictures: dict[str, Image.Image] = {}

    def picture(self, code: str) -> Image.Image:
        """The cropped picture of a code point, premultiplied."""
        if code not in self.pictures:
            whole = Image.open(self.folder / f"{code}.webp").convert("RGBA")
            self.pictures[code] = whole.crop(whole.getchannel("A").getbbox()).convert("RGBa")
        return self.pictures[code]

    def stamp(
        self, layer: np.ndarray, code: str, x: float, y: float, height: float, haze: str, amount: float,
        flip: bool = False,
    ) -> None:  # fmt: skip
        """Stand a picture on (x, y), its colours mixed with `haze` by `amount`."""
        picture = self.picture(code)
        rows = max(2, round(height * DENSITY))
        columns = max(2, round(rows * picture.width / picture.height))
        small = np.asarray(picture.resize((columns, rows), Image.Resampling.LANCZOS)).astype(float) / 255
        small = small[:, ::-1] if flip else small
        alpha = small[..., 3:]
        small = np.concatenate([small[..., :3] * (1 - amount) + rgb(haze) * alpha * amount, alpha], -1)
        top = round((TOP - y) * DENSITY) - rows
        first = max(0, -top)
        small = small[first : max(first, min(rows, ROWS - top))]
        across = (round(x * DENSITY) - columns // 2 + np.arange(columns)) % COLUMNS
        down = slice(top + first, top + first + len(small))
        layer[down, across] = layer[down, across] * (1 - small[..., 3:]) + small

    def row(
        self, layer: np.ndarray, codes: str, spacing: float, y: float, height: float, haze: str, amount: float,
        seed: int, jitter: float = 0.25,
    ) -> None:  # fmt: skip
        """Stand pictures along the panorama, one every `spacing` metres, with some disorder."""
        rng = np.random.default_rng(seed)
        names, count = codes.split(), round(WIDTH / spacing)
        for i in range(count):
            x = (i + jitter * (rng.random() * 2 - 1)) * WIDTH / count
            grown = height * (1 + 0.5 * jitter * (rng.random() * 2 - 1))
            self.stamp(layer, names[i % len(names)], x, y, grown, haze, amount, flip=bool(rng.random() < 0.5))
