"""Phases of a picture at the mark's frequencies, and the key's.

The mark repeats in squares of half the short side. A frequency is a pair of whole numbers of periods a square (down,
across), 4 to 20 in all. Shapes: pictures (h, w) luma, frequencies (n, 2), phases and amplitudes (n,) complex. All
coordinates are taken from the picture's middle.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from PIL import Image

from skyloom.provenance.code import SYMBOLS

SHORTEST, LONGEST = 4, 20
"""Fewest and most periods in a square."""
SYNC_SHARE = 0.5
SHIFTS = 16
"""A symbol is a shift of its part of the pattern by sixteenths of a square: 16 x 16 of them."""
ANALYSED_SIDE = 256
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
BLUR = 0.05
FLOOR = 6.0
DEFAULT_KEY = b"skyloom mark 1"


@dataclass(frozen=True)
class Pattern:
    """What a key chooses: frequencies, a unit phasor for each, and its part (0: synchronise; 1 to 6: a symbol)."""

    frequencies: np.ndarray
    phasors: np.ndarray
    part: np.ndarray

    def __len__(self) -> int:
        return len(self.part)

    def carrying(self, symbols: tuple[int, ...]) -> np.ndarray:
        """Return the phasors with each symbol's part shifted by what the symbol says."""
        shifts = np.array([(0, 0), *(divmod(symbol, SHIFTS) for symbol in symbols)])[self.part] / SHIFTS
        return self.phasors * np.exp(-2j * np.pi * (self.frequencies * shifts).sum(1))


@cache
def pattern(key: bytes = DEFAULT_KEY) -> Pattern:
    """Return the pattern of a key."""
    down, across = np.meshgrid(np.arange(-LONGEST, LONGEST + 1), np.arange(LONGEST + 1), indexing="ij")
    radius = np.hypot(down, across)
    chosen = (radius >= SHORTEST) & (radius <= LONGEST) & ((across > 0) | (down > 0))
    frequencies = np.stack([down[chosen], across[chosen]], -1)
    seed = int.from_bytes(hashlib.blake2b(b"pattern" + key, digest_size=16).digest(), "little")
    random = np.random.Generator(np.random.PCG64(seed))
    phasors = np.exp(2j * np.pi * random.random(len(frequencies)))
    shares = [SYNC_SHARE] + [(1 - SYNC_SHARE) / SYMBOLS] * SYMBOLS
    edges = np.round(np.cumsum([0, *shares]) * len(frequencies)).astype(int)
    part = np.repeat(np.arange(SYMBOLS + 1), np.diff(edges))
    return Pattern(frequencies, phasors, random.permutation(part))


def shrunk(frame: np.ndarray) -> np.ndarray:
    """Return a frame (h, w, 3) or picture (h, w) with its short side brought down to 256, if it is longer."""
    height, width = frame.shape[:2]
    factor = ANALYSED_SIDE / min(height, width)
    if factor >= 1:
        return frame
    size = (round(width * factor), round(height * factor))
    return np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BOX))


def mean_luma(frames: np.ndarray) -> np.ndarray:
    """Return the mean over frames (f, h, w, 3) as luma (h, w) float32."""
    return np.mean(frames, axis=0, dtype=np.float32) @ LUMA


def evened(luma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (detail by its local strength, the local strength), so that no edge outweighs the rest."""
    height, width = luma.shape
    radius = BLUR * min(height, width)
    rows, columns = _blur(height, radius), _blur(width, radius).T
    detail = luma - rows @ luma @ columns
    strength = np.sqrt(rows @ (detail * detail) @ columns + FLOOR**2)
    return detail / strength, strength


@lru_cache(16)
def _blur(length: int, radius: float) -> np.ndarray:
    """Return the matrix of a Gaussian blur that stops at the border."""
    place = np.arange(length)
    weights = np.exp(-((place[:, None] - place) ** 2) / (2 * radius**2))
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)


@lru_cache(600)
def waves(length: int, square: float, both_signs: bool) -> np.ndarray:
    """Return exp(-2 pi i k x / square) for all k (rows) and places x (columns); kept, for clips of the same size."""
    periods = np.arange(-LONGEST if both_signs else 0, LONGEST + 1)
    place = np.arange(length) - (length - 1) / 2
    return np.exp((-2j * np.pi / square) * periods[:, None] * place).astype(np.complex64)


def spectrum(picture: np.ndarray, square: float) -> np.ndarray:
    """Return amplitudes (41, 21) for all (down, across), for squares of `square` pixels."""
    rows, columns = waves(picture.shape[0], square, True), waves(picture.shape[1], square, False)
    return (rows @ picture) @ columns.T


def at(frequencies: np.ndarray, amplitudes: np.ndarray) -> np.ndarray:
    """Pick the mark's frequencies out of `spectrum`'s answer."""
    return amplitudes[frequencies[:, 0] + LONGEST, frequencies[:, 1]]


def drawn(frequencies: np.ndarray, amplitudes: np.ndarray, height: int, width: int, square: float) -> np.ndarray:
    """Return the picture (height, width) that is the sum of all frequencies with these amplitudes."""
    table = np.zeros((2 * LONGEST + 1, LONGEST + 1), np.complex64)
    table[frequencies[:, 0] + LONGEST, frequencies[:, 1]] = amplitudes
    rows, columns = waves(height, square, True).conj(), waves(width, square, False).conj()
    return ((rows.T @ table) @ columns).real
