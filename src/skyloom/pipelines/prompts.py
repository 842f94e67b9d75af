"""Prompts checked, and told in full.

An expansion speaks the way training captions do. It only adds, takes nothing away that was asked for, and is shown to
whoever asked.
"""

from __future__ import annotations

import re

from skyloom.errors import InvalidArgument, one_of
from skyloom.world import phrases_en, phrases_zh
from skyloom.world.vocabulary import STYLES

MAX_CHARACTERS = 2000
CHINESE = re.compile(r"[\u3400-\u9fff]")

WEATHER_WORDS = r"weather|sky|snow|rain|fog|mist|petal|star|sun|night|storm|天气|雨|雪|雾|花瓣|星|夜|日落|夕阳"
STYLE_WORDS = r"style|drawing|film|movie|art\b|clay|cartoon|3d|风格|画|电影|动画|卡通"
CAMERA_WORDS = r"camera|view|pan(s|ning)?\b|tilt|zoom|dolly|镜头|视角"

UNSAID = (
    ("WEATHER", WEATHER_WORDS, "in clear weather", "天气晴好"),
    ("STYLE", STYLE_WORDS, "the style is 3d render", "画面是三维动画风格"),
    ("CAMERA", CAMERA_WORDS, "the camera stays still", "镜头不动"),
)
"""What goes without saying: its table of phrases, other words that speak of it, and the words for the usual."""


class PromptWarning(UserWarning):
    """Words that the checkpoint has not been trained on, or does not read."""


def clean(prompt: str, argument: str = "prompt") -> str:
    """Return the prompt with single spaces. Raises InvalidArgument for an empty or an endless one."""
    words = " ".join(prompt.split())
    if not words:
        raise InvalidArgument(argument, prompt, "hold at least one word")
    if len(words) > MAX_CHARACTERS:
        raise InvalidArgument(argument, f"{len(words)} characters", f"be at most {MAX_CHARACTERS} characters long")
    return words


def with_style(prompt: str, style: str | None) -> str:
    """Add a picture style by name, in the prompt's language. Raises InvalidArgument with the nearest name."""
    if style is None:
        return prompt
    one_of("style", style, STYLES)
    if CHINESE.search(prompt):
        return f"{prompt.rstrip('。')}，{phrases_zh.STYLE[style].train[0]}风格"
    return f"{prompt.rstrip('.')}, {phrases_en.STYLE[style].train[0]}"


def expand(prompt: str) -> str:
    """Add what training captions say and a short prompt leaves unsaid: clear weather, the usual style, a still camera.

    Every word of the prompt stays, in its order; what the prompt speaks of itself is not said again.
    """
    chinese = bool(CHINESE.search(prompt))
    tables = phrases_zh if chinese else phrases_en
    unsaid = [
        usual_zh if chinese else usual_en
        for table, words, usual_en, usual_zh in UNSAID
        if not re.search(words, prompt.lower()) and not _mentions(prompt, getattr(tables, table))
    ]
    if chinese:
        return "，".join([prompt.rstrip("。"), *unsaid]) + "。"
    weather = [words for words in unsaid if words.startswith("in ")]
    look = "; ".join(words for words in unsaid if words not in weather)
    said = ", ".join([prompt.rstrip("."), *weather]) + "."
    return f"{said} {look[0].upper()}{look[1:]}." if look else said


def _mentions(prompt: str, table: dict[str, phrases_en.Phrases]) -> bool:
    """Tell whether any phrase of a table stands in the prompt."""
    lower = prompt.lower()
    return any(phrase in lower for phrases in table.values() for phrase in (*phrases.train, *phrases.heldout))
