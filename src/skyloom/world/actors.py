"""Named things of the world, their sprites, their names in two languages.

An actor's index is its place in `ACTORS`; indices, records and atlas rows all share that order. The pictures come from
Fluent Emoji (MIT, licence in assets/); scripts/build_actors.py makes them.
"""

from __future__ import annotations

import difflib
import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from skyloom.errors import InvalidArgument

ASSETS = Path(__file__).parent / "assets"
ATLAS_STYLES = ("render3d", "cartoon")
CORE_ACTORS = 64
"""The first actors: whole, well known and distinct at 24 pixels, the vocabulary of a small model."""
SPRITE_SIZE = 96


@dataclass(frozen=True)
class Actor:
    """One named thing: its words, its size in metres and how its picture stands.

    The sprite fills the box of SPRITE_SIZE pixels in its longer side, its feet on the last row, centred sideways.
    """

    name: str  # lower-case English, one or two words, unique
    synonyms: tuple[str, ...]
    zh: str
    zh_synonyms: tuple[str, ...]
    category: str  # animal person vehicle food plant sport instrument tool building weather space object body
    codepoint: str | None  # of the emoji; None for the plain bodies, which are white and take a tint
    faces: str  # "left", "right" or "front", in both styles
    aspect: float  # width over height of the picture without its margins
    height: float  # metres
    medium: str  # where it is at home: "ground", "air" or "water"
    article: str  # "a" or "an"

    @property
    def sprite_scale(self) -> float:
        """Metres spanned by the whole sprite box, whose longer side the picture fills."""
        return self.height * max(self.aspect, 1.0)


def article_for(words: str) -> str:
    """The indefinite article before an English noun phrase, by its sound: "an owl", "a unicorn", "an hourglass"."""
    first = words.lower()
    if first.startswith(("uni", "ufo", "one-", "eu")):
        return "a"
    return "an" if first.startswith(("a", "e", "i", "o", "u", "hour", "suv")) else "a"


def read_actors(path: Path) -> tuple[Actor, ...]:
    """The records of an actors.json, lists turned into tuples."""
    return tuple(Actor(**_frozen(record)) for record in json.loads(path.read_text(encoding="utf-8")))


def _frozen(record: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in record.items()}


ACTORS: tuple[Actor, ...] = read_actors(ASSETS / "actors.json")


@functools.cache
def word_table() -> dict[str, int]:
    """Every name and synonym, English and Chinese, in lower case, to its actor's index."""
    return {
        word.lower(): index
        for index, actor in enumerate(ACTORS)
        for word in (actor.name, *actor.synonyms, actor.zh, *actor.zh_synonyms)
    }


def actor_index(word: str) -> int:
    """The index of the actor called `word`: a name or synonym, English or Chinese, in any case.

    Raises InvalidArgument, with the word that looks most like it, when no actor has that name.
    """
    table = word_table()
    key = " ".join(word.lower().split())
    if key not in table:
        nearest = difflib.get_close_matches(key, table, n=1, cutoff=0.4)
        raise InvalidArgument("actor", word, "be the name of an actor", nearest[0] if nearest else None)
    return table[key]


@functools.cache
def load_atlas(style: str, device: torch.device | str) -> Tensor:
    """All sprites in one style, (n, 4, SPRITE_SIZE, SPRITE_SIZE) float in [0, 1], alpha premultiplied.

    style: one of ATLAS_STYLES. The tensor is cached and shared: treat it as read-only. The pixels were bled under
    their transparent neighbours before scaling, so bilinear samples of the premultiplied sprites have no dark fringe.
    """
    if style not in ATLAS_STYLES:
        nearest = difflib.get_close_matches(str(style), ATLAS_STYLES, n=1, cutoff=0.0)[0]
        raise InvalidArgument("style", style, f"be one of {', '.join(ATLAS_STYLES)}", nearest)
    with np.load(ASSETS / "actors.npz", allow_pickle=False) as atlas:
        pixels = torch.from_numpy(atlas[style]).to(device)
    straight = pixels.permute(0, 3, 1, 2).float().div_(255)
    straight[:, :3].mul_(straight[:, 3:])
    return straight.contiguous()
