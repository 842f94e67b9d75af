"""Scenes that the tasks are tried on.

Held-out combinations only, in one shot, without events. A case has a number; case n of a kind is the same in any run
of the same plan.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from skyloom.config import ClipConfig, WorldConfig
from skyloom.evaluation.oracle_clips import numbered_scenes, render_scenes
from skyloom.seeds import derive_seed
from skyloom.world.captions import caption
from skyloom.world.facts import Facts, describe_all
from skyloom.world.scene import Scenes
from skyloom.world.vocabulary import CAMERAS, MOTIONS

MOVING = ("walk", "run", "hop", "bounce", "roll", "slide", "fly", "swim")
"""Motions that move the actor through the picture all the time."""
PACED = tuple(name for name in MOVING if name != "bounce")
"""Those of them that may be slow or fast."""
SPLIT = "heldout"
SEARCH = 64
CALM = {"weather": 0.0, "camera": 0.0, "style": 0.0}
"""Clear weather, a still camera and the usual style."""


@dataclass(frozen=True)
class Case:
    """One scene with its words and the seed of its noise."""

    number: int
    scene: int
    facts: Facts
    prompt: str
    seed: int


def world_of(world: WorldConfig, kind: str) -> WorldConfig:
    """Return a world that shows scenes of a kind.

    any: one actor. moving: one of MOVING too. paced: calm, one of PACED. calm: one actor, CALM. pair: two actors.
    """
    pair = 1.0 if kind == "pair" else 0.0
    plain = replace(world, two_actors=pair, three_actors=0.0, event=0.0, cut=0.0)
    if kind in ("moving", "paced"):
        chosen = MOVING if kind == "moving" else PACED
        plain = replace(plain, motions=tuple(name for name in world.motions or MOTIONS if name in chosen))
    return replace(plain, **CALM) if kind in ("calm", "paced") else plain


def _fits(facts: Facts, kind: str) -> bool:
    wanted = 2 if kind == "pair" else 1
    return facts.count == wanted and all(actor.speed == "normal" for actor in facts.actors)


@functools.lru_cache(maxsize=64)
def _block(world: WorldConfig, kind: str, seed: int, block: int) -> tuple[tuple[int, Facts], ...]:
    """Return the fitting scenes among SEARCH numbers."""
    first = seed * 1_000_000 + block * SEARCH
    facts = describe_all(
        numbered_scenes(world_of(world, kind), ClipConfig(), torch.arange(first, first + SEARCH), SPLIT)
    )
    return tuple((first + row, one) for row, one in enumerate(facts) if _fits(one, kind))


def choose(world: WorldConfig, kind: str, seed: int, numbers: Sequence[int], purpose: str) -> list[Case]:
    """Return the cases of a kind by number; purpose keeps the words and the noise of different rows apart."""
    found: list[tuple[int, Facts]] = []
    block = 0
    while len(found) <= max(numbers):
        found += _block(world, kind, seed, block)
        block += 1
    return [_case(number, *found[number], seed, purpose) for number in numbers]


def _case(number: int, scene: int, facts: Facts, seed: int, purpose: str) -> Case:
    return Case(number, scene, facts, words(facts, seed, scene), derive_seed(seed, purpose, scene) % 2**31)


def words(facts: Facts, seed: int, scene: int, detail: str = "plain") -> str:
    """Return an English caption."""
    return caption(facts, "en", detail, derive_seed(seed, "task words", scene))


def scenes_of(world: WorldConfig, kind: str, cases: Sequence[Case], clip: ClipConfig) -> Scenes:
    """Return the cases' scenes, laid out for the clip's shape."""
    return numbered_scenes(world_of(world, kind), clip, torch.tensor([case.scene for case in cases]), SPLIT)


def clips_of(world: WorldConfig, kind: str, cases: Sequence[Case], clip: ClipConfig) -> Tensor:
    """Render the cases: (b, 3, f, h, w) in [-1, 1]."""
    return render_scenes(scenes_of(world, kind, cases, clip), clip)


def with_camera(scenes: Scenes, names: Sequence[str]) -> Scenes:
    """Return the scenes with cameras by name, all at speed 1."""
    camera = torch.tensor([CAMERAS.index(name) for name in names])
    shots = camera[:, None].expand_as(scenes.shot_camera).contiguous()
    return replace(scenes, camera=camera, shot_camera=shots, camera_speed=torch.ones_like(scenes.camera_speed))
