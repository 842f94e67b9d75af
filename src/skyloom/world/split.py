"""Combinations that training never sees.

A combination is (actor, motion, place). One in ten is held out for good, by a hash of the three names: the choice does
not depend on their order in the vocabulary, so it stays when names are added.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from skyloom.seeds import derive_seed, hashed_uniform
from skyloom.world.actors import ACTORS
from skyloom.world.vocabulary import MOTIONS, PLACES

HELD_OUT_SHARE = 0.1
SPLITS = ("train", "seen", "heldout")
"""Training scenes; new scenes of combinations that training may show; scenes whose actor 0 is held out."""


def _name_keys(kind: str, names: list[str]) -> Tensor:
    return torch.tensor([derive_seed(0, f"{kind}/{name}") for name in names])


@functools.cache
def heldout_table(device: torch.device) -> Tensor:
    """Return (actors, motions, places) bool: True where the combination is held out."""
    actors = _name_keys("actor", [actor.name for actor in ACTORS])
    motions, places = _name_keys("motion", list(MOTIONS)), _name_keys("place", list(PLACES))
    keys = actors[:, None, None] ^ motions[None, :, None] ^ places[None, None, :]
    table = hashed_uniform(0, "held-out", keys.flatten())[:, 0] < HELD_OUT_SHARE
    return table.reshape(keys.shape).to(device)


def is_heldout(actor: Tensor, motion: Tensor, place: Tensor) -> Tensor:
    """Return bool, broadcast over the arguments: which combinations are held out; never for NO_ACTOR.

    actor, motion, place: int64 indices into ACTORS, MOTIONS and PLACES.
    """
    return heldout_table(actor.device)[actor.clamp(min=0), motion, place] & (actor >= 0)
