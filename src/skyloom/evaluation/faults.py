"""Faults planted on purpose, to test the judge.

Each fault spoils renders of scenes in a way that a good judge must notice: it is scored against the scenes as they were
meant. `noticed` says of one score whether the fault's own slot is wrong; a judge that is right about clean renders and
notices the faults is blind to none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from skyloom.config import ClipConfig
from skyloom.evaluation.oracle_clips import render_scenes
from skyloom.seeds import generator_for
from skyloom.world.facts import DIRECTED, Facts
from skyloom.world.scene import NO_ACTOR, Scenes
from skyloom.world.vocabulary import PLACES

Spoil = Callable[[Scenes, ClipConfig, int], Tensor]
"""Scenes, clip size and the number of known actors to spoiled pixels (b, 3, f, h, w)."""


@dataclass(frozen=True)
class Fault:
    """How to spoil a clip, which scenes it can be told on, which slot must then be wrong."""

    spoil: Spoil
    applies: Callable[[Facts], bool]
    slot: str

    def noticed(self, scores: dict[str, float]) -> bool:
        """Whether the fault's slot is wrong in this score."""
        return scores.get(self.slot, 1.0) < 1


def wrong_actor(scenes: Scenes, clip: ClipConfig, known: int) -> Tensor:
    """Put another actor in the place of the first."""
    actor = scenes.actor.clone()
    step = 1 + scenes.index % (known - 1)
    actor[:, 0] = (actor[:, 0] + step) % known
    actor[:, 0] = torch.where(actor[:, 0] == actor[:, 1], (actor[:, 0] + 1) % known, actor[:, 0])
    return render_scenes(replace(scenes, actor=actor), clip)


def mirrored(scenes: Scenes, clip: ClipConfig, known: int) -> Tensor:
    """Swap left and right of the picture."""
    return render_scenes(scenes, clip).flip(-1)


def shuffled(scenes: Scenes, clip: ClipConfig, known: int) -> Tensor:
    """Put the frames of each clip into a random order."""
    pixels = render_scenes(scenes, clip)
    orders = [torch.randperm(pixels.shape[2], generator=generator_for(0, "shuffled", int(i))) for i in scenes.index]
    return torch.stack([clip[:, order] for clip, order in zip(pixels, orders, strict=True)])


def missing_actor(scenes: Scenes, clip: ClipConfig, known: int) -> Tensor:
    """Leave the last of two actors out."""
    actor = scenes.actor.clone()
    actor[:, 1] = NO_ACTOR
    return render_scenes(replace(scenes, actor=actor), clip)


def wrong_place(scenes: Scenes, clip: ClipConfig, known: int) -> Tensor:
    """Move the scene to another place."""
    place = (scenes.place + 1 + scenes.index % (len(PLACES) - 1)) % len(PLACES)
    shots = torch.cat([place[:, None], scenes.shot_place[:, 1:]], 1)
    return render_scenes(replace(scenes, place=place, shot_place=shots), clip)


def _moves(facts: Facts) -> bool:
    """Whether a change of the frames' order can be seen for sure."""
    return all(
        actor.motion in ("walk", "run", "fly", "jump", "bounce", "roll", "grow", "shrink") for actor in facts.actors
    )


FAULTS = {
    "wrong actor": Fault(wrong_actor, lambda facts: facts.count == 1, "actor"),
    "mirrored direction": Fault(mirrored, lambda facts: all(a.motion in DIRECTED for a in facts.actors), "direction"),
    "shuffled time": Fault(shuffled, _moves, "order"),
    "wrong count": Fault(missing_actor, lambda facts: facts.count == 2, "count"),
    "wrong place": Fault(wrong_place, lambda facts: True, "place"),
}
