"""What follows speaks of what leads: the camera's name, a link to a style, a motion's comparison."""

from __future__ import annotations

from collections.abc import Sequence

LEADS = {"lens": "camera", "look": "style"}
"""Kinds of words, and what the words behind them speak of."""
TAKEN = {"lens": ("motion", "direction"), "look": ("actor", "motion", "direction", "place", "weather")}
"""What is read amiss behind them."""
PASSED = {"lens": ("camera", "speed", "other", "glue"), "look": ("glue",)}
"""What may stand between: a style that was said is the end of what is said of it."""
ENDS = frozenset(("while", "as", "when", "and", "where", "that", "who", "which", "与", "和", "而", "当"))
"""Words with which something else begins."""

LIKENESS = frozenset(("like", "as", "than"))
ARTICLES = frozenset(("a", "an", "the"))


def led(kinds: Sequence[str], texts: Sequence[str], joined: Sequence[bool], firm: Sequence[bool]) -> list[str]:
    """Return each word's kind, changed where it stands in a clause that a camera's name or a style's link begins.

    joined: whether each word but the first follows on; firm: words whose kind a known phrase says.
    """
    found, lead = list(kinds), None
    for k, (kind, text) in enumerate(zip(kinds, texts, strict=True)):
        if k and not joined[k - 1]:
            lead = None
        if kind in LEADS:
            lead = kind
        elif lead and (firm[k] or text in ENDS or kind not in (*TAKEN[lead], *PASSED[lead])):
            lead = None
        elif lead and kind in TAKEN[lead]:
            found[k] = LEADS[lead]
    return found


def likened(kinds: Sequence[str], texts: Sequence[str], joined: Sequence[bool]) -> list[str]:
    """Return each word's kind, a motion's comparison being part of the motion: nobody else is "like a barrel"."""
    found = list(kinds)
    for k in range(1, len(found)):
        if texts[k] not in LIKENESS or found[k - 1] != "motion" or not joined[k - 1]:
            continue
        first = k + 1
        while first < len(found) and texts[first] in ARTICLES and joined[first - 1]:
            first += 1
        end = first
        while end < len(found) and found[end] == "actor" and joined[end - 1]:
            end += 1
        if end > first:
            found[k:end] = ["motion"] * (end - k)
    return found
