"""States of discs laid out as a canvas: what is known first, then paces.

A cell holds three frames, so the three known ones are exactly the first cell. It holds the last known state and the
pace to it from the two before; every later cell holds, for each frame, the mean pace since the last known frame. Under
the law of inertia these paces are all alike, and a fall or an impact bends them a little. The layout is a change of
coordinates: it knows no law, and nothing is lost.

    states (b, f, k, 3) -> latents (b, 9 k, cells, 1, 1), about unit variance
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor

from skyloom.errors import InvalidArgument

CELL = 3
ROOT, ROOT_SPREAD, PLACE_SPREAD, PACE_SPREAD = 0.7, 0.4, 0.5, 0.5


def cells_of(num_frames: int) -> int:
    """Return how many cells hold so many frames."""
    return -(-num_frames // CELL)


def held(states: Tensor, whole: Tensor, seconds: float) -> Tensor:
    """Let things that are not whole in view go on as they went when they last were.

    states: (b, f, k, 3), whole: (b, f, k) bool; the first cell is kept. Returns states without NaN.
    """
    states = states.clone()
    since = (torch.arange(states.shape[1], dtype=states.dtype) - (CELL - 1)) * seconds
    pace = (states[:, CELL - 1, :, 1:] - states[:, CELL - 2, :, 1:]) / seconds
    root = states[:, CELL - 1, :, :1]
    for frame in range(CELL, states.shape[1]):
        seen = whole[:, frame, :, None]
        gone = states[:, CELL - 1, :, 1:] + pace * since[frame]
        states[:, frame] = torch.where(seen, states[:, frame], torch.cat([root, gone], -1))
        pace = (states[:, frame, :, 1:] - states[:, CELL - 1, :, 1:]) / since[frame]
        root = states[:, frame, :, :1]
    return states


def to_latents(states: Tensor, seconds: float) -> Tensor:
    """Lay out states, `seconds` apart. Raises InvalidArgument unless their frames fill whole cells."""
    if states.shape[1] % CELL or states.shape[1] < CELL:
        raise InvalidArgument("states", states.shape[1], f"have a multiple of {CELL} frames", CELL)
    last = states[:, CELL - 1 : CELL]
    away = states - last
    since = _since(states, seconds)
    paces = torch.cat([away[..., :1] / ROOT_SPREAD, away[..., 1:] / since / PACE_SPREAD], -1)
    known = torch.cat([(last[..., :1] - ROOT) / ROOT_SPREAD, last[..., 1:] / PLACE_SPREAD], -1)
    paces[:, CELL - 1 : CELL] = known
    return rearrange(paces, "b (f three) k d -> b (three k d) f 1 1", three=CELL).float()


def to_states(latents: Tensor, seconds: float, discs: int) -> Tensor:
    """Undo `to_latents`: (b, f, k, 3) float64."""
    paces = rearrange(latents.double(), "b (three k d) f 1 1 -> b (f three) k d", three=CELL, k=discs)
    known = paces[:, CELL - 1 : CELL]
    last = torch.cat([known[..., :1] * ROOT_SPREAD + ROOT, known[..., 1:] * PLACE_SPREAD], -1)
    away = torch.cat([paces[..., :1] * ROOT_SPREAD, paces[..., 1:] * PACE_SPREAD * _since(paces, seconds)], -1)
    away[:, CELL - 1] = 0
    return last + away


def _since(states: Tensor, seconds: float) -> Tensor:
    """Return the time from the last known frame to each, (f, 1, 1); 1 for itself."""
    frames = torch.arange(states.shape[1], dtype=states.dtype) - (CELL - 1)
    return torch.where(frames == 0, 1.0, frames * seconds)[:, None, None]
