"""Errors of a disc's speed and place against the law.

As PhyWorld counts them: over the frames from the fourth to the last but one in which the discs are whole in view.

    speed (uniform, parabola)  |mean over time of the speed along x that is read - the speed it started with|
    speed (collision)          |mean speed read - mean true speed| after the impact, mean of both discs
    place                      mean over frames of |x read - x true|, and of y
    each frame's speed         mean over frames of |speed read - true speed| along x
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from skyloom.data.phyworld import FRAME_SECONDS, KNOWN_FRAMES, NUM_FRAMES, WORLD, Motion, frame_times

JUMP = 0.1
"""A change of speed from frame to frame that tells of an impact."""
MEASURES = ("speed", "place_x", "place_y", "frame_speed", "lost")


@dataclass(frozen=True)
class Truth:
    """One clip's true places (f, k, 2), which frames count (f,), and its discs' first speeds (k,)."""

    places: Tensor
    counted: Tensor
    speed: Tensor


def truths(motion: Motion) -> list[Truth]:
    """Return what is true of each clip."""
    places = motion.positions(frame_times())
    counted = in_view(motion, places)
    return [Truth(*row) for row in zip(places, counted, motion.velocity[..., 0], strict=True)]


def in_view(motion: Motion, places: Tensor) -> Tensor:
    """Return the frames that count, (b, f) bool: of two discs only the outer edges are asked for, as published."""
    edge = motion.radius[:, None, :]
    x, y = places[..., 0], places[..., 1]
    if motion.radius.shape[1] == 2:
        whole = (x[..., 0] >= edge[..., 0]) & (x[..., 1] + edge[..., 1] <= WORLD)
    else:
        whole = ((x >= edge) & (x + edge <= WORLD) & (y >= edge) & (y + edge <= WORLD))[..., 0]
    number = torch.arange(NUM_FRAMES)
    return whole & (number >= KNOWN_FRAMES) & (number < NUM_FRAMES - 1)


def with_lost(places: Tensor) -> Tensor:
    """Put discs that were not seen where the published parser does: at the right edge, of two the red one left.

    places: (f, k, 2) with NaN; their y is the last one seen, or the middle.
    """
    places = places.clone()
    for disc in range(places.shape[1]):
        edge = 0.0 if disc == 0 and places.shape[1] == 2 else WORLD
        last = WORLD / 2
        for frame in places[:, disc]:
            if frame.isnan().any():
                frame[0], frame[1] = edge, last
            last = float(frame[1])
    return places


def errors(seen: Tensor, truth: Truth) -> dict[str, float] | None:
    """Return the MEASURES of one clip, places (f, k, 2) read off all its frames; None if too few frames count."""
    if truth.counted.sum() < 2:
        return None
    lost = seen[truth.counted].isnan().any(-1).any(-1).double().mean()
    seen, true = with_lost(seen[truth.counted]), truth.places[truth.counted]
    speeds, true_speeds = (torch.diff(p[..., 0], dim=0) / FRAME_SECONDS for p in (seen, true))
    off = (seen - true).abs().mean((0, 1))
    whole = _one_speed(speeds, truth) if len(truth.speed) == 1 else _two_speeds(speeds, true_speeds)
    frame_speed = (speeds - true_speeds).abs().mean()
    values = torch.stack([torch.as_tensor(whole), off[0], off[1], frame_speed, lost])
    return dict(zip(MEASURES, values.tolist(), strict=True))


def _one_speed(speeds: Tensor, truth: Truth) -> Tensor:
    return (speeds.mean() - truth.speed[0]).abs()


def _two_speeds(speeds: Tensor, true_speeds: Tensor) -> Tensor:
    """Return the error after the impact, whose own frame is left out; before it where no such frame counts."""
    jumps = (torch.diff(true_speeds, dim=0).abs() > JUMP).any(1).nonzero()
    at = int(jumps[0, 0]) + 1 if len(jumps) else len(speeds)
    part = slice(at + 1, None) if at + 1 < len(speeds) else slice(0, at)
    return (speeds[part].mean(0) - true_speeds[part].mean(0)).abs().mean()
