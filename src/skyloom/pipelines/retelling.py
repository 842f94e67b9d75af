"""How a stretch of a prompt is said again in words of training: its form stays, its words change."""

from __future__ import annotations

from dataclasses import dataclass

from skyloom.world import phrases_en, phrases_zh
from skyloom.world.actors import ACTORS
from skyloom.world.grammar import plural
from skyloom.world.matching import Meaning, verb_forms
from skyloom.world.nouns import nouns

_BEFORE_PLACES = """
in on at under by among amid between beneath below beside near before behind over above along across around inside
within atop against off out through with from next where during upon down up to toward towards onto into
"""
PREPOSITIONS = frozenset(_BEFORE_PLACES.split())
MANY = frozenset(("two", "three", "four", "five", "six", "many", "some", "several", "few"))
BARE = frozenset(["to", "can", "will", "let", "may", "should", "must", "would", "could", "and", "they"])
"""Words after which a verb stands in its base form."""


@dataclass(frozen=True)
class Surroundings:
    """The words on both sides of a stretch, in lower case, and whether a comma or the text's edge is before it."""

    before: str
    after: str
    breaks: bool


def verb(phrase: str, said: list[str], near: Surroundings) -> str:
    """Give a verb phrase the form of the words it replaces: "falling", "falls" or "fall"."""
    base, third, participle = verb_forms(phrase)
    if said[0].endswith("ing") or near.before in ("is", "are", "was", "were"):
        return participle
    if near.before in BARE and not said[0].endswith("s"):
        return base
    return third


def _place(name: str, said: list[str], near: Surroundings) -> str:
    where, place = phrases_en.WHERE[name].train[0], phrases_en.PLACE[name].train[0]
    if said[0] in PREPOSITIONS:
        return where
    if near.before in PREPOSITIONS or said[0] in ("a", "an", "the"):
        return place
    return place.removeprefix("a ").removeprefix("an ").removeprefix("the ") if near.breaks else where


def english(meaning: Meaning, said: list[str], near: Surroundings) -> str:
    """Return training's words for a meaning, in the form of the English words that were said."""
    kind, name = meaning.kind, meaning.name
    if kind == "actor":
        return plural(name) if near.before in MANY else name
    if kind == "place":
        return _place(name, said, near)
    if kind == "motion":
        return verb(phrases_en.MOTION[name].train[0], said, near)
    if kind == "camera":
        return verb(phrases_en.CAMERA[name].train[0], said, near)
    if kind == "direction":
        return phrases_en.DIRECTION[name].train[1]
    if kind == "speed":
        return phrases_en.SPEED_BEFORE[name].train[0]
    if kind == "weather":
        return phrases_en.CLEAR[0] if name == "clear" else phrases_en.WEATHER[name].train[0]
    return {"side": phrases_en.SIDE, "style": phrases_en.STYLE}[kind][name].train[0]


def _chinese_noun(name: str) -> str:
    index = next(k for k, actor in enumerate(ACTORS) if actor.name == name)
    return nouns("zh")[index].train[0]


def chinese(meaning: Meaning, said: str) -> str:
    """Return training's Chinese words for a meaning."""
    kind, name = meaning.kind, meaning.name
    if kind == "actor":
        return _chinese_noun(name)
    if kind == "place":
        where = phrases_zh.WHERE[name].train[0]
        place = phrases_zh.PLACE[name].train[0]
        located = said[-1] in "上里中下间旁边前后内"
        return where if said.startswith("在") else where.removeprefix("在") if located else place
    if kind == "weather" and name == "clear":
        return phrases_zh.CLEAR[0]
    tables = {
        "motion": phrases_zh.MOTION, "camera": phrases_zh.CAMERA, "direction": phrases_zh.DIRECTION,
        "speed": phrases_zh.SPEED, "weather": phrases_zh.WEATHER, "side": phrases_zh.SIDE, "style": phrases_zh.STYLE,
    }  # fmt: skip
    return tables[kind][name].train[0].partition("{o}")[0]
