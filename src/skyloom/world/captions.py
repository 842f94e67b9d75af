"""Captions of scenes, in two languages.

`caption` is a pure function: the variant picks the phrasing, nothing else does. What is left unsaid is usual: clear
weather, a still camera, a 3D render, normal speed, no event, one shot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from skyloom.errors import one_of
from skyloom.world import chinese, english
from skyloom.world.facts import Facts
from skyloom.world.grammar import Chooser
from skyloom.world.voice import Voice

LANGUAGES: dict[str, tuple[type[Voice], Mapping[str, Callable[..., str]]]] = {
    "en": (english.EnglishVoice, english.DETAILS),
    "zh": (chinese.ChineseVoice, chinese.DETAILS),
}
DETAIL_NAMES = tuple(english.DETAILS)
SPLITS = ("train", "heldout")

MIX = (
    ("en", "plain", 45), ("en", "terse", 15), ("en", "descriptive", 20),
    ("zh", "plain", 10), ("zh", "terse", 4), ("zh", "descriptive", 6),
)  # fmt: skip
"""Language, detail and percentage of training captions."""


def caption(facts: Facts, language: str, detail: str, variant: int, synonyms: str = "train") -> str:
    """Return one caption of a scene.

    language: "en" or "zh". detail: "terse", "plain" (one sentence) or "descriptive" (all, the usual too). variant: any
    whole number; equal numbers give equal phrasing. synonyms: "train", or "heldout" for words that training never uses.
    """
    voice, details = LANGUAGES[one_of("language", language, LANGUAGES)]
    tell = details[one_of("detail", detail, DETAIL_NAMES)]
    one_of("synonyms", synonyms, SPLITS)
    return tell(voice(facts, Chooser(variant, f"{language}/{detail}"), synonyms))


def captions_for(
    facts: Facts, seed: int, index: int, count: int, mix: Sequence[tuple[str, str, int]] = MIX
) -> list[str]:
    """Return `count` training captions of scene `index`, drawn from `mix`; the same arguments give the same words."""
    total = sum(weight for _, _, weight in mix)
    chooser = Chooser(seed, f"captions of {index}")
    result = []
    for _ in range(count):
        place = chooser.number(total)
        for language, detail, weight in mix:  # noqa: B007
            place -= weight
            if place < 0:
                break
        result.append(caption(facts, language, detail, chooser.number(1 << 62)))
    return result
