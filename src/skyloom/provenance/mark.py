"""The visible mark: two small words that wander.

They stand in one corner region for a few seconds and then glide to the next, so that no crop of the picture and no
still patch takes them off a whole clip. White with a dark rim, partly transparent, a twentieth of the short side high.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

TEXT = "AI · Skyloom"
SMALLEST = 9
OPACITY = 0.55
STAY, GLIDE = 2.0, 1.0
PLACES = ((0.06, 0.06), (0.94, 0.94), (0.94, 0.06), (0.5, 0.5), (0.06, 0.94))
"""Where it goes, in turn: (down, across), shares of the room that the words leave."""


def shown(chunks: Iterable[np.ndarray], fps: float) -> Iterator[np.ndarray]:
    """Yield chunks of frames (k, h, w, 3) uint8 with the visible mark; a picture too small for it stays as it is."""
    index = 0
    for chunk in chunks:
        height, width = chunk.shape[1:3]
        ink, cover = words(max(SMALLEST, round(min(height, width) / 20)))
        if cover.shape[0] < height and cover.shape[1] < width:
            chunk = chunk.copy()
            for frame in chunk:
                down, across = position(index / fps)
                top, left = round(down * (height - cover.shape[0])), round(across * (width - cover.shape[1]))
                patch = frame[top : top + cover.shape[0], left : left + cover.shape[1]]
                patch[:] = np.rint(patch + (ink - patch) * cover)
                index += 1
        yield chunk


def position(seconds: float) -> tuple[float, float]:
    """Return (down, across) as shares of the free room at a time: it stays, then glides to the next place."""
    turn, rest = divmod(seconds, STAY + GLIDE)
    here, there = (np.array(PLACES[(int(turn) + step) % len(PLACES)]) for step in (0, 1))
    share = max(0.0, rest - STAY) / GLIDE
    down, across = here + (there - here) * share * share * (3 - 2 * share)
    return float(down), float(across)


@lru_cache(8)
def words(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ink and cover (h, w, 1) of the words at a font size: what colour to draw, and how much of it."""
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(TEXT, stroke_width=1)
    picture = Image.new("LA", (round(right - left) + 2, round(bottom - top) + 2), (0, 0))
    draw = ImageDraw.Draw(picture)
    draw.text((1 - left, 1 - top), TEXT, (255, 255), font, stroke_width=1, stroke_fill=(20, 255))
    drawn = np.asarray(picture, np.float32)
    return drawn[..., :1], drawn[..., 1:] / 255 * OPACITY
