"""Which words the world knows.

`unknown_words` is for a warning: it names what a prompt says that neither the training grammar nor a list of ordinary
function words holds. English is compared word by word after light stemming, Chinese by greedy longest match.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator

from skyloom.world import instructions, phrases_en, phrases_zh
from skyloom.world.actors import ACTORS
from skyloom.world.chinese import classifier
from skyloom.world.grammar import VOWELS, Phrases, plural, present_participle, third_person
from skyloom.world.nouns import nouns
from skyloom.world.vocabulary import COLORS

_WORD = re.compile(r"[a-z0-9]+(?:['’-][a-z0-9]+)*")
_HAN = re.compile(r"[\u3400-\u9fff]+")
_PLACEHOLDER = re.compile(r"\{\w+\}")
_TABLES = {"en": phrases_en, "zh": phrases_zh}
_INSTRUCTIONS = {
    "en": (instructions.ENGLISH, instructions.ENGLISH_WEATHER),
    "zh": (instructions.CHINESE, instructions.CHINESE_WEATHER),
}
_NOT_SAID = ("FUNCTION_WORDS", "CLASSIFIERS_BY_ENDING", "STYLES_WITHOUT_ARTICLE")


def stem(word: str) -> str:
    """Return a word without its ending: walking, walks and walked give "walk"; both sides of a match are stemmed."""
    word = re.sub(r"['’]s?$", "", word)
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if len(word) > len(ending) + 2 and word.endswith(ending):
            word = word.removesuffix(ending)
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in VOWELS:
        word = word[:-1]
    return word.removesuffix("e") if len(word) > 3 else word


def _texts(value: object) -> Iterator[str]:
    """Every string that training may say, from a table's value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Phrases):
        yield from value.train
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from _texts(item)


def _table_texts(language: str) -> list[str]:
    tables = [table for name, table in vars(_TABLES[language]).items() if name.isupper() and name not in _NOT_SAID]
    return [text for table in (*tables, *_INSTRUCTIONS[language]) for text in _texts(table)]


def _names(language: str, actor_count: int | None) -> list[str]:
    return [noun for row in nouns(language)[:actor_count] for noun in row.train]


def _english(actor_count: int | None) -> Iterator[str]:
    names = _names("en", actor_count)
    verbs = [
        phrase.partition(" ")[0]
        for table in (phrases_en.MOTION, phrases_en.CAMERA)
        for phrases in table.values()
        for phrase in phrases.train
    ]
    forms = [form(verb) for verb in verbs for form in (third_person, present_participle)]
    glue = ["a an and another the it is are one of them first then that while", *COLORS]
    latin = [*_table_texts("zh"), *_names("zh", actor_count)]  # 3D, T恤
    for text in [*_table_texts("en"), *latin, *names, *(plural(name) for name in names), *forms, *glue]:
        yield from _WORD.findall(_PLACEHOLDER.sub(" ", text).lower())


def _chinese(actor_count: int | None) -> Iterator[str]:
    names = _names("zh", actor_count)
    for text in [*_table_texts("zh"), *names]:
        yield from _HAN.findall(_PLACEHOLDER.sub(" ", text))
    for row, actor in zip(nouns("zh")[:actor_count], ACTORS, strict=False):
        yield from (classifier(noun, actor.category) for noun in row.train)
    yield from phrases_zh.COLOR.values()
    yield from (place.removeprefix("在") for phrases in phrases_zh.WHERE.values() for place in phrases.train)
    yield from ("正", "正在", "另", "的", "和", "它", "其中一个", "镜头")


@functools.lru_cache(maxsize=16)
def words_of(language: str, actor_count: int | None = None) -> frozenset[str]:
    """Return every word that training captions may say; Chinese: every piece of a phrase.

    actor_count: the first actors only, None for all.
    """
    return frozenset(_english(actor_count) if language == "en" else _chinese(actor_count))


@functools.lru_cache(maxsize=16)
def _stems(actor_count: int | None) -> frozenset[str]:
    return frozenset(stem(word) for word in words_of("en", actor_count) | phrases_en.FUNCTION_WORDS)


def _unmatched(run: str, known: frozenset[str]) -> Iterator[str]:
    """Give the stretches of a Chinese run that greedy longest match leaves over."""
    longest = max(map(len, known))
    place, left_over = 0, ""
    while place < len(run):
        size = next((n for n in range(min(longest, len(run) - place), 0, -1) if run[place : place + n] in known), 0)
        if size and left_over:
            yield left_over
            left_over = ""
        left_over += "" if size else run[place]
        place += size or 1
    if left_over:
        yield left_over


def _unique(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))


def unknown_words(prompt: str, actor_count: int | None = None) -> list[str]:
    """Return the words of a prompt that the world does not know, in order, each once.

    actor_count: how many of the first actors a checkpoint has seen; names of later ones count as unknown.
    """
    text = prompt.lower()
    known, known_zh = _stems(actor_count), words_of("zh", actor_count) | phrases_zh.FUNCTION_WORDS
    found: list[tuple[int, str]] = []
    for match in _WORD.finditer(text):
        if stem(match[0]) not in known and not all(stem(part) in known for part in re.split("['’-]", match[0])):
            found.append((match.start(), match[0]))
    for match in _HAN.finditer(text):
        found += [(match.start(), piece) for piece in _unmatched(match[0], known_zh)]
    return _unique(word for _, word in sorted(found, key=lambda pair: pair[0]))
