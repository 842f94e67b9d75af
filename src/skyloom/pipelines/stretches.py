"""Stretches of a prompt that speak of one thing each, strange words and known phrases among them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from skyloom.pipelines.known_phrases import language_of
from skyloom.pipelines.retelling import PREPOSITIONS, Surroundings
from skyloom.world.matching import Match, glue

FRAMING = ("begin", "lens", "look")
"""Kinds of words that frame what is shown: "we see", "the camera", "in the style of"."""

BEGINNINGS = PREPOSITIONS - {"of", "up", "down", "out", "off", "to"} | {"as", "while", "when", "after", "在"}
"""Words that a place or a weather begins with."""


DOUBTFUL = ("motion", "weather", "place", "speed")
"""Kinds whose single Chinese characters stand in longer words of other meanings."""


def loose(match: Match) -> bool:
    """Tell whether a known phrase leaves open of what kind it is where it stands."""
    short = match.end - match.start == 1
    return match.meaning.kind == "color" or (short and match.meaning.kind in DOUBTFUL)


def agrees(match: Match, kind: str) -> bool:
    """Tell whether a known phrase still says what it says, once its words are read as a kind."""
    open_still = match.meaning.kind == "direction" or (loose(match) and match.meaning.kind != "color")
    return not open_still or match.meaning.kind == kind


@dataclass(frozen=True)
class Word:
    """One unit of a prompt: where it stands, what it may speak of, and the known phrase it belongs to."""

    start: int
    end: int
    text: str  # lower case
    chances: Tensor  # (k) probabilities of the reader's meanings
    kind: str
    match: Match | None

    @property
    def strange(self) -> bool:
        """Whether neither a known phrase nor glue."""
        return self.match is None and self.text not in glue(language_of(self.text))


def own_matches(chunk: list[Word]) -> list[Match]:
    """Return the known phrases of a stretch that say what it speaks of."""
    return [word.match for word in chunk if word.match and word.match.meaning.kind == chunk[0].kind]


def strange_text(chunk: list[Word]) -> str:
    """Return the words of a stretch that are not known, without glue at its edges."""
    strange = [k for k, word in enumerate(chunk) if word.strange]
    said = [word.text for word in chunk[strange[0] : strange[-1] + 1] if not word.match]
    return ("" if language_of(said[0]) == "zh" else " ").join(said)


def unlike_training(chunk: list[Word]) -> bool:
    """Tell whether a stretch holds a strange word, or frames what is shown as no known phrase does."""
    framing = chunk[0].kind in FRAMING and not any(word.match for word in chunk)
    return framing or any(word.strange for word in chunk)


def stretches(prompt: str, words: list[Word]) -> Iterator[slice]:
    """Cut into stretches of one kind, within one language and between marks of punctuation."""
    start = 0
    for k in range(1, len(words) + 1):
        joined = k < len(words) and words[k].kind == words[k - 1].kind and not breaks_before(prompt, words, k)
        if not joined or language_of(words[k].text) != language_of(words[k - 1].text):
            yield slice(start, k)
            start = k


def halves(words: list[Word], chunk: slice) -> list[slice]:
    """Return the ways to cut a stretch about place and weather in two: before a word that begins either, in pairs."""
    if words[chunk.start].kind not in ("place", "weather"):
        return []
    cuts = [
        k
        for k in range(chunk.start + 1, chunk.stop - 1)
        if words[k].text in BEGINNINGS and words[k - 1].text not in BEGINNINGS
    ]
    return [part for k in cuts for part in (slice(chunk.start, k), slice(k, chunk.stop))]


def breaks_before(prompt: str, words: list[Word], k: int) -> bool:
    """Tell whether more than a space stands before word k."""
    return k == 0 or bool(prompt[words[k - 1].end : words[k].start].strip())


def surroundings(prompt: str, words: list[Word], chunk: slice) -> Surroundings:
    """Return the words on both sides of a stretch, none where a mark of punctuation stands between."""
    before = words[chunk.start - 1].text if chunk.start and not breaks_before(prompt, words, chunk.start) else ""
    after = words[chunk.stop].text if chunk.stop < len(words) and not breaks_before(prompt, words, chunk.stop) else ""
    return Surroundings(before, after, breaks_before(prompt, words, chunk.start))


def said_in(prompt: str, words: list[Word]) -> str:
    """Return a stretch as the prompt has it."""
    return prompt[words[0].start : words[-1].end]
