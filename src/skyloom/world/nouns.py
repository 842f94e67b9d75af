"""What each actor may be called.

Training uses an actor's name and its synonyms[0::2]; synonyms[1::2] are held out for tests of free wording. A synonym
that also names another actor is never used, so that every noun means one thing.
"""

from __future__ import annotations

import functools
from collections import Counter

from skyloom.world.actors import ACTORS, article_for
from skyloom.world.grammar import Phrases

_AVOIDED = "popcorn, corn, luggage, french bread, cheese, red bricks, walking dead, fire, sakura, cartoon bomb"
AVOIDED = frozenset(_AVOIDED.split(", "))
"""Synonyms that take no article, or that name a style: never used."""


def _usable(word: str) -> bool:
    return word not in AVOIDED and not word.startswith("一")  # 一盒爆米花 brings a number along


def _split(names: list[str], synonyms: list[tuple[str, ...]]) -> tuple[Phrases, ...]:
    uses = Counter(word.lower() for row in synonyms for word in set(row)) + Counter(name.lower() for name in names)
    result = []
    for name, row in zip(names, synonyms, strict=True):
        own = [uses[word.lower()] == 1 and _usable(word) for word in row]
        train = [word for word, alone in zip(row[0::2], own[0::2], strict=True) if alone]
        heldout = [word for word, alone in zip(row[1::2], own[1::2], strict=True) if alone]
        # The name itself is half of what is said, whatever the number of synonyms.
        result.append(Phrases((name,) * max(1, len(train)) + tuple(train), tuple(heldout)))
    return tuple(result)


@functools.lru_cache(maxsize=2)
def nouns(language: str) -> tuple[Phrases, ...]:
    """Return the nouns of every actor, in the order of ACTORS, for "en" or "zh"."""
    table = ACTORS
    if language == "zh":
        return _split([actor.zh for actor in table], [actor.zh_synonyms for actor in table])
    return _split([actor.name for actor in table], [actor.synonyms for actor in table])


def with_article(index: int, noun: str, color: str | None) -> str:
    """Return the English noun after its indefinite article: "a fox", "an orange ball"."""
    actor = ACTORS[index]
    said = f"{color} {noun}" if color else noun
    return f"{actor.article if said == actor.name else article_for(said)} {said}"
