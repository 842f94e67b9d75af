"""Events that leave a mark for good."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from skyloom.world.actors import ACTORS
from skyloom.world.scene import Scenes
from skyloom.world.vocabulary import EVENTS, MOTIONS

RAMP_SECONDS = 0.25
"""How long a mark takes to appear."""
WEIGHTS = {"bitten": 1.0, "broken": 1.0, "painted": 1.0, "footprints": 1.0, "blown out": 0.15}
"""How often each event is drawn, relative to one another: the last has one actor only."""
_BREAKABLE = ("building", "object", "vehicle")
_PRINTING = ("walk", "run", "hop")


def _fits(event: str, actor: int, motion: str) -> bool:
    """Whether an event can happen to an actor in a motion ("none" always can)."""
    record = ACTORS[actor]
    return {
        "none": True,
        "bitten": record.category == "food",
        "broken": record.category in _BREAKABLE,
        "painted": True,
        "footprints": motion in _PRINTING,
        "blown out": record.name == "candle",
    }[event]


@functools.cache
def eligible_events(device: torch.device) -> Tensor:
    """Return (actors, motions, events) bool: which events can happen to which actor in which motion."""
    rows = [[[_fits(event, actor, motion) for event in EVENTS] for motion in MOTIONS] for actor in range(len(ACTORS))]
    return torch.tensor(rows, device=device)


def marks(scenes: Scenes, times: Tensor) -> Tensor:
    """Return (b, f, len(EVENTS) - 1) in [0, 1]: how far each event has happened by `times` (f,) seconds."""
    done = ((times[None, :, None] - scenes.event_time[:, None, :]) / RAMP_SECONDS).clamp(0, 1)  # (b, f, 2)
    kinds = torch.arange(1, len(EVENTS), device=times.device)
    is_kind = (scenes.event[:, :, None] == kinds)[:, None]  # (b, 1, 2, e)
    return (done[..., None] * is_kind).amax(dim=2)
