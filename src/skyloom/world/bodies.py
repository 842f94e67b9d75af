"""Sizes, masses and roundness of a scene's actors."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from skyloom.world.actors import ACTORS
from skyloom.world.scene import NO_ACTOR, Scenes

ROUND = {
    "ball", "ring", "wheel", "soccer ball", "basketball", "volleyball", "baseball", "softball", "billiard ball",
    "rugby ball", "yarn ball", "crystal ball", "tangerine", "peach", "tomato", "watermelon", "apple", "coconut",
    "cookie", "donut", "pizza", "moon", "globe",
}  # fmt: skip
"""Things that roll when they are moved."""


@functools.cache
def _table(device: torch.device) -> Tensor:
    """(n, 4): height in metres, width over height, 1 for what rolls, 1 for plain bodies."""
    rows = [(actor.height, actor.aspect, actor.name in ROUND, actor.category == "body") for actor in ACTORS]
    return torch.tensor(rows, dtype=torch.float32, device=device)


def body_sizes(scenes: Scenes) -> tuple[Tensor, Tensor]:
    """Return height and width in metres at growth 1: two (b, k) tensors, 0 for empty slots."""
    table = _table(scenes.actor.device)[scenes.actor.clamp(min=0)]
    height = table[..., 0] * scenes.scale * (scenes.actor != NO_ACTOR)
    return height, height * table[..., 1]


def is_round(scenes: Scenes) -> Tensor:
    """Return (b, k) bool: which actors roll rather than slide."""
    return (_table(scenes.actor.device)[scenes.actor.clamp(min=0), 2] > 0) & (scenes.actor != NO_ACTOR)


def takes_color(actor: Tensor) -> Tensor:
    """Return bool like `actor` (indices): the plain bodies, which a colour tints."""
    return (_table(actor.device)[actor.clamp(min=0), 3] > 0) & (actor != NO_ACTOR)


def body_mass(height: Tensor, width: Tensor) -> Tensor:
    """Return masses of flat bodies of one density: height times width, in kilograms at 1 kg a square metre."""
    return height * width
