"""The invisible mark: laid on frames, and found again.

Half of the mark's frequencies synchronise, the others carry six symbols of an error-correcting code. The same pattern
lies on all frames, so that a codec writes it once. How much of each frequency is laid on depends on the picture, which
may already agree (informed embedding, after Costa 1983). To find it, the picture's phases are compared with the key's
at every scale tried, at every shift by one FFT, upright and mirrored.

Why it raises no false alarm: in a picture that knows nothing of the key the differences of phase are independent and
uniform, and a cosine of such an angle has the moment generating function I0(a) <= exp(a^2 / 4). So for n frequencies
P(sum of cosines > z sqrt(n)) <= exp(-z^2), and for all tries together at most TRIES exp(-z^2), whatever the picture.
THRESHOLD makes that 1e-6. The default key is public: the mark tells where a file came from, it proves nothing.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from skyloom.errors import InvalidArgument
from skyloom.provenance import code
from skyloom.provenance.phases import (
    DEFAULT_KEY,
    SHIFTS,
    Pattern,
    at,
    drawn,
    evened,
    mean_luma,
    pattern,
    shrunk,
    spectrum,
)

STRENGTH = 2.4
"""Root mean square of the mark, in levels of 255: 40.5 dB."""
SPAN = 24
ROUNDS = 3
GRID = 64
SCALES = np.exp(np.arange(-70, 71) * 0.0085)
TRIES = 2 * len(SCALES) * GRID**2
THRESHOLD = math.sqrt(math.log(TRIES / 1e-6))
READ_THRESHOLD = math.sqrt(math.log(code.LIMIT / 1e-4))
"""The same for the payload: any of 251^4 codewords fits by chance with probability 1e-4."""
PROGRAM = 0x53
HASH_BITS = 24


@dataclass(frozen=True)
class Found:
    """What is known of a mark. score: z; found when above `threshold`. payload: None where it cannot be read.

    scale: size of the pattern's squares against half the short side. mirrored: left is right.
    """

    found: bool
    score: float
    threshold: float = THRESHOLD
    payload: int | None = None
    scale: float = 1.0
    mirrored: bool = False


def payload_of(checkpoint_sha256: str | None, seed: int | None) -> int:
    """Return the 31 bits that a mark carries: the program's number, and a hash of checkpoint and seed."""
    digest = hashlib.blake2b(f"{checkpoint_sha256}/{seed}".encode(), digest_size=HASH_BITS // 8).digest()
    return PROGRAM << HASH_BITS | int.from_bytes(digest, "big")


def is_ours(payload: int) -> bool:
    """Tell whether a payload begins with the program's number."""
    return payload >> HASH_BITS == PROGRAM


def embed(frames: np.ndarray, payload: int, key: bytes = DEFAULT_KEY, strength: float = STRENGTH) -> np.ndarray:
    """Return frames (f, h, w, 3) uint8 with the mark; `strength` is its root mean square in levels of 255."""
    return np.concatenate(list(marked([frames], payload, key, strength)))


def marked(
    chunks: Iterable[np.ndarray], payload: int, key: bytes = DEFAULT_KEY, strength: float = STRENGTH
) -> Iterator[np.ndarray]:
    """Yield the frames of all chunks with the mark, span by span.

    A span is about 24 frames; its mark suits its own mean and grows out of the last span's over half a span.
    """
    if strength <= 0:
        raise InvalidArgument("strength", strength, "be above 0", STRENGTH)
    chosen = pattern(key)
    phasors = chosen.carrying(code.encode(payload))
    before = None
    for frames in _spans(chunks):
        layer = _layer(mean_luma(frames), chosen, phasors, strength)
        shares = np.minimum(1, np.arange(1, len(frames) + 1) / (SPAN // 2))
        layers = [layer if before is None or share == 1 else before + share * (layer - before) for share in shares]
        yield np.stack([_added(frame, each) for frame, each in zip(frames, layers, strict=True)])
        before = layer


def _added(frame: np.ndarray, layer: np.ndarray) -> np.ndarray:
    return np.clip(frame + np.rint(layer).astype(np.int16)[..., None], 0, 255).astype(np.uint8)


def _spans(chunks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Join and cut chunks into spans of 24 frames, the last of 12 to 35; fewer only where there are fewer."""
    held = None
    for chunk in chunks:
        held = chunk if held is None else np.concatenate([held, chunk])
        while len(held) >= SPAN + SPAN // 2:
            yield held[:SPAN]
            held = held[SPAN:]
    if held is not None and len(held):
        yield held


def _layer(luma: np.ndarray, chosen: Pattern, phasors: np.ndarray, strength: float) -> np.ndarray:
    """Return the mark (h, w) for a clip of this mean luma."""
    picture = shrunk(luma)
    square, area = min(picture.shape) / 2, picture.size / 2
    _, local = evened(picture)
    busy = np.clip(local / np.sqrt(np.mean(local**2)), 0.5, 1.8)
    busy /= np.sqrt(np.mean(busy**2))
    gain = float(np.mean(busy / local)) * area
    energy = 2 * strength**2
    amplitudes = np.zeros(len(chosen), np.complex64)
    for _ in range(ROUNDS):
        shown, _ = evened(picture + busy * drawn(chosen.frequencies, amplitudes, *picture.shape, square))
        own = at(chosen.frequencies, spectrum(shown, square)) / gain - amplitudes
        amplitudes = _nudges(own * phasors.conj(), energy) * phasors
    whole = np.asarray(Image.fromarray(busy.astype(np.float32)).resize(luma.shape[::-1], Image.Resampling.BILINEAR))
    layer = whole * drawn(chosen.frequencies, amplitudes, *luma.shape, min(luma.shape) / 2)
    return layer * (strength / max(float(np.sqrt(np.mean(layer**2))), 0.5 * strength))


def _nudges(own: np.ndarray, energy: float) -> np.ndarray:
    """Return what to add to a picture's amplitudes (turned so that the wanted phase is 0) for a sum of squares.

    The least that brings each into the cone real >= margin + |imaginary|; the dearest are left out.
    """
    margin = np.sqrt(energy / len(own))
    across = np.abs(own.imag)
    gap = margin + across - own.real
    step = np.where(across >= gap / 2, gap / 2 * (1 - 1j), margin - own.real - 1j * across)
    nudge = np.where(gap <= 0, 0, step.real + 1j * np.sign(own.imag) * step.imag)
    cost = np.abs(nudge) ** 2
    order = np.argsort(cost)
    nudge[order[np.cumsum(cost[order]) > energy]] = 0
    return nudge


def detect(frames: np.ndarray, key: bytes = DEFAULT_KEY) -> Found:
    """Look for the mark in frames (f, h, w, 3) uint8, at scales from 0.55 to 1.8 of its own, shifted, mirrored."""
    chosen = pattern(key)
    picture, _ = evened(shrunk(mean_luma(frames)))
    best, aligned = Found(False, -np.inf), np.zeros(len(chosen), complex)
    for found, phases in _tries(picture, chosen):
        if found.score > best.score:
            best, aligned = found, phases
    if best.score <= THRESHOLD:
        return best
    number, score = code.decode(_symbol_scores(aligned, chosen))
    readable = score / math.sqrt(np.count_nonzero(chosen.part)) > READ_THRESHOLD
    return Found(True, best.score, THRESHOLD, number if readable else None, best.scale, best.mirrored)


def _tries(picture: np.ndarray, chosen: Pattern) -> Iterator[tuple[Found, np.ndarray]]:
    """Yield the best shift for every scale, upright and mirrored, with the picture's phases brought into place."""
    sync = chosen.part == 0
    down, across = chosen.frequencies[sync].T % GRID
    for scale in SCALES:
        amplitudes = spectrum(picture, min(picture.shape) / 2 * scale)
        for mirrored, seen in ((False, amplitudes), (True, amplitudes[::-1].conj())):
            picked = at(chosen.frequencies, seen)
            turned = picked / np.maximum(np.abs(picked), 1e-12) * chosen.phasors.conj()
            table = np.zeros((GRID, GRID), np.complex64)
            table[down, across] = turned[sync]
            fits = np.fft.fft2(table).real
            shift = np.array(divmod(int(np.argmax(fits)), GRID)) / GRID
            score = float(fits.max()) / math.sqrt(np.count_nonzero(sync))
            yield (
                Found(score > THRESHOLD, score, scale=float(scale), mirrored=mirrored),
                turned * np.exp(-2j * np.pi * (chosen.frequencies @ shift)),
            )


def _symbol_scores(aligned: np.ndarray, chosen: Pattern) -> np.ndarray:
    """Return (6, 256) sums of cosines: how well each symbol fits the phases of its part."""
    scores = []
    for part in range(1, code.SYMBOLS + 1):
        own = chosen.part == part
        table = np.zeros((SHIFTS, SHIFTS), complex)
        down, across = chosen.frequencies[own].T % SHIFTS
        np.add.at(table, (down, across), aligned[own])
        scores.append((np.fft.ifft2(table).real * SHIFTS**2).ravel())
    return np.array(scores)
