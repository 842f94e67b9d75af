"""Choice and agreement, the machinery of phrasing.

A phrasing is a function of numbers alone: a Chooser walks a splitmix64 sequence (Steele et al. 2014) from a key, so the
same key always gives the same words. Tables of words are in phrases_en.py and phrases_zh.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from skyloom.seeds import derive_seed

T = TypeVar("T")
_MASK = (1 << 64) - 1


@dataclass(frozen=True)
class Phrases:
    """Ways to say one thing: those used in training and those that only tests ever use."""

    train: tuple[str, ...]
    heldout: tuple[str, ...] = field(default=())

    def of(self, synonyms: str) -> tuple[str, ...]:
        """Return the list for "train" or "heldout"; train where nothing is held out."""
        return self.heldout if synonyms == "heldout" and self.heldout else self.train


class Chooser:
    """A stream of choices that depends on its key only."""

    def __init__(self, variant: int, purpose: str) -> None:
        self.state = derive_seed(variant, purpose)

    def number(self, limit: int) -> int:
        """Return the next whole number in [0, limit)."""
        self.state = (self.state + 0x9E3779B97F4A7C15) & _MASK
        bits = ((self.state ^ (self.state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & _MASK
        return (bits ^ (bits >> 31)) % limit

    def pick(self, options: Sequence[T]) -> T:
        """Return one of the options."""
        return options[self.number(len(options))]

    def chance(self, percent: int) -> bool:
        """Return True that often."""
        return self.number(100) < percent


VOWELS = "aeiou"
IRREGULAR_ING = {"be": "being", "lie": "lying"}
IRREGULAR_S = {"be": "is", "have": "has", "go": "goes", "do": "does"}
IRREGULAR_PLURALS = {
    "man": "men", "woman": "women", "child": "children", "person": "people", "mouse": "mice", "goose": "geese",
    "ox": "oxen", "sheep": "sheep", "deer": "deer", "fish": "fish", "wolf": "wolves", "knife": "knives",
    "leaf": "leaves", "calf": "calves", "elf": "elves", "scarf": "scarves", "loaf": "loaves", "tooth": "teeth",
    "foot": "feet", "potato": "potatoes", "tomato": "tomatoes", "mango": "mangoes", "volcano": "volcanoes",
    "tornado": "tornadoes", "hero": "heroes", "bison": "bison", "moose": "moose", "squid": "squid",
    "scissors": "scissors", "glasses": "glasses", "aircraft": "aircraft", "shorts": "shorts", "jeans": "jeans",
    "half": "halves", "cactus": "cacti", "octopus": "octopuses", "dwarf": "dwarves",
}  # fmt: skip


def third_person(verb: str) -> str:
    """Return the form after "it": walk, walks; pass, passes; carry, carries."""
    if verb in IRREGULAR_S:
        return IRREGULAR_S[verb]
    if verb[-1] == "y" and verb[-2] not in VOWELS:
        return verb[:-1] + "ies"
    return verb + ("es" if verb.endswith(("s", "sh", "ch", "x", "z")) else "s")


_DOUBLING = "run hop spin swim skip pan jog get cut skid slip hug tap stop drop step slam flip propel"
DOUBLING = frozenset(_DOUBLING.split())


def present_participle(verb: str) -> str:
    """Return the -ing form: walking, running, chasing."""
    if verb in IRREGULAR_ING:
        return IRREGULAR_ING[verb]
    if verb in DOUBLING:
        return verb + verb[-1] + "ing"
    if verb.endswith("e") and not verb.endswith("ee"):
        return verb[:-1] + "ing"
    return verb + "ing"


def plural(noun: str) -> str:
    """Return the plural of a noun or noun phrase: its last word changes (a "slice of pizza": its first)."""
    head, link, rest = noun.partition(" of ")
    if link:
        return plural(head) + link + rest
    start, space, last = noun.rpartition(" ")
    if last in IRREGULAR_PLURALS:
        last = IRREGULAR_PLURALS[last]
    elif last.endswith("man") and last not in ("human", "shaman"):
        last = last[:-2] + "en"
    elif last[-1:] == "y" and last[-2:-1] not in tuple(VOWELS):
        last = last[:-1] + "ies"
    else:
        last += "es" if last.endswith(("s", "sh", "ch", "x", "z")) else "s"
    return start + space + last


def join_and(parts: Sequence[str]) -> str:
    """Join as English lists do: "a", "a and b", "a, b and c"."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def capitalised(text: str) -> str:
    """Return the text with its first letter large."""
    return text[:1].upper() + text[1:]
