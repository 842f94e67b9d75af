"""Known phrases found in a text.

Every phrase that training captions say, in each of its forms, with what it means: longest match first, whole words in
English. What two tables share ("stay still" of an actor and of the camera) is told apart by what stands before it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

from skyloom.world import phrases_en, phrases_zh
from skyloom.world.actors import ACTORS
from skyloom.world.chinese import classifier
from skyloom.world.grammar import Phrases, plural, present_participle, third_person
from skyloom.world.nouns import nouns
from skyloom.world.vocabulary import COLORS

UNIT = re.compile(r"[a-z0-9]+(?:['’-][a-z0-9]+)*|[\u3400-\u9fff]")
"""One word of English, one character of Chinese; texts are compared in lower case."""
PLACEHOLDER = re.compile(r"\{\w+\}")
TABLES: dict[str, ModuleType] = {"en": phrases_en, "zh": phrases_zh}
MEANINGS = {
    "WHERE": "place", "PLACE": "place", "WEATHER": "weather", "DIRECTION": "direction", "SPEED": "speed",
    "SPEED_BEFORE": "speed", "SPEED_AFTER": "speed", "SIDE": "side", "STYLE": "style", "EVENT": "event",
}  # fmt: skip
"""Tables whose phrases stand as they are, and the kind of meaning they have."""
FRAMES = (
    "FRAMES", "TERSE_FRAMES", "STYLE_FRAMES", "CAMERA_FRAMES", "SCENE_SENTENCES", "LOOK_SENTENCES", "ONE_EVENT",
    "TWO_EVENTS", "CUT", "SAME_PLACE_CUT",
)  # fmt: skip
CAMERA_WORD = re.compile(r"(camera|镜头)\W*(is |are |then )?$")


@dataclass(frozen=True)
class Meaning:
    """What a phrase says: a kind ("motion", "place", ...) and the world's name for it."""

    kind: str
    name: str


@dataclass(frozen=True)
class Match:
    """A known phrase at text[start:end]."""

    start: int
    end: int
    meaning: Meaning


def verb_forms(phrase: str) -> tuple[str, ...]:
    """Return a verb phrase in its three forms: "fall down", "falls down", "falling down"; up to its object, if any."""
    verb, space, after = phrase.partition("{o}")[0].strip().partition(" ")
    return tuple(form + space + after for form in (verb, third_person(verb), present_participle(verb)))


def _forms(language: str, phrase: str) -> tuple[str, ...]:
    if language == "en":
        return verb_forms(phrase)
    return tuple(part for part in PLACEHOLDER.split(phrase) if part)[:1]


def _pieces(value: object) -> Iterator[str]:
    """Every fixed stretch of a table of frames or details."""
    if isinstance(value, str):
        yield from (piece.strip(" ,;:.，；：。、/／") for piece in PLACEHOLDER.split(value))
    elif isinstance(value, Phrases):
        yield from _pieces(value.train)
    elif isinstance(value, dict):
        yield from _pieces(tuple(value.values()))
    elif isinstance(value, tuple):
        for item in value:
            yield from _pieces(item)


def _nouns(language: str, count: int | None) -> Iterator[tuple[str, Meaning]]:
    for row, actor in zip(nouns(language)[:count], ACTORS, strict=False):
        for noun in row.train:
            yield noun, Meaning("actor", actor.name)
            if language == "en":
                yield plural(noun), Meaning("actor", actor.name)
            else:
                yield classifier(noun, actor.category), Meaning("frame", "")


def _said(language: str, count: int | None) -> Iterator[tuple[str, Meaning]]:
    """Every phrase with its meaning; what comes later gives way to what comes first."""
    tables = vars(TABLES[language])
    for name, phrases in tables["MOTION"].items():
        for phrase in phrases.train:
            yield from ((form, Meaning("motion", name)) for form in _forms(language, phrase))
    for table, kind in MEANINGS.items():
        for name, phrases in tables.get(table, {}).items():
            for phrase in phrases.train:
                yield from ((piece, Meaning(kind, name)) for piece in _pieces(phrase))
                if kind == "place":
                    yield re.sub(r"^(an? |the |在)", "", phrase), Meaning(kind, name)
    yield from ((tag, Meaning("weather", name)) for name, tag in tables["WEATHER_TAG"].items())
    yield from _nouns(language, count)
    for name, phrases in tables["CAMERA"].items():
        for phrase in phrases.train:
            yield from ((form, Meaning("camera", name)) for form in _forms(language, phrase))
    yield from ((piece, Meaning("manner", "")) for t in ("MANNER", "PLACE_DETAIL") for piece in _pieces(tables[t]))
    yield from ((piece, Meaning("weather", "clear")) for piece in tables["CLEAR"])
    yield from ((piece, Meaning("frame", "")) for table in FRAMES for piece in _pieces(tables[table]))
    colors = COLORS if language == "en" else phrases_zh.COLOR.values()
    yield from ((color, Meaning("color", "")) for color in colors)


@functools.lru_cache(maxsize=8)
def known_phrases(count: int | None = None) -> dict[str, tuple[Meaning, ...]]:
    """Return every phrase of training in lower case, both languages, and its meanings, most usual first.

    count: how many of the first actors are known, None for all.
    """
    table: dict[str, dict[Meaning, None]] = {}
    for language in TABLES:
        for phrase, meaning in _said(language, count):
            if phrase:
                table.setdefault(phrase.lower(), {})[meaning] = None
    return {phrase: tuple(meanings) for phrase, meanings in table.items()}


@functools.lru_cache(maxsize=8)
def _by_first(count: int | None) -> dict[str, tuple[str, ...]]:
    """Phrases by their first unit, longest first."""
    table: dict[str, list[str]] = {}
    for phrase in known_phrases(count):
        first = UNIT.search(phrase)
        if first:
            table.setdefault(first[0], []).append(phrase)
    return {first: tuple(sorted(found, key=len, reverse=True)) for first, found in table.items()}


def _choose(meanings: tuple[Meaning, ...], before: str) -> Meaning:
    """Tell the camera's "stay still" from an actor's."""
    camera = next((meaning for meaning in meanings if meaning.kind == "camera"), None)
    if camera and CAMERA_WORD.search(before):
        return camera
    return next((meaning for meaning in meanings if meaning.kind != "camera"), meanings[0])


def _whole(text: str, start: int, end: int) -> bool:
    """Tell whether text[start:end] ends where a word does; Chinese has no such places."""
    return not (text[end - 1].isascii() and re.match(r"['’-]?[a-z0-9]", text[end : end + 2]))


def find(text: str, count: int | None = None) -> list[Match]:
    """Return the known phrases of a text in order, longest first where they begin at one place, none overlapping."""
    lower, matches, end = text.lower(), [], 0
    phrases, by_first = known_phrases(count), _by_first(count)
    for unit in UNIT.finditer(lower):
        if unit.start() < end:
            continue
        for phrase in by_first.get(unit[0], ()):
            stop = unit.start() + len(phrase)
            if lower.startswith(phrase, unit.start()) and _whole(lower, unit.start(), stop):
                matches.append(Match(unit.start(), stop, _choose(phrases[phrase], lower[: unit.start()])))
                end = stop
                break
    return matches


@functools.lru_cache(maxsize=4)
def glue(language: str) -> frozenset[str]:
    """Return words that hold a sentence together and have no picture of their own."""
    if language == "en":
        return phrases_en.FUNCTION_WORDS | frozenset(COLORS)
    return frozenset("".join(phrases_zh.FUNCTION_WORDS)) | frozenset("正另的和它其中一个镜头")


def strange_words(text: str, count: int | None = None) -> list[tuple[int, int]]:
    """Return where a text has words that are neither glue nor part of a known phrase."""
    matches, lower = find(text, count), text.lower()
    taken = {place for match in matches for place in range(match.start, match.end)}
    return [
        unit.span()
        for unit in UNIT.finditer(lower)
        if unit.start() not in taken and unit[0] not in glue("zh" if unit[0] >= "\u3400" else "en")
    ]
