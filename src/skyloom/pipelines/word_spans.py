"""Where the pieces of a tokenizer stand in a text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from skyloom.models.unigram import WORD_START

_WORD = re.compile(r"\S+")


def spans_of(pieces: Sequence[str], text: str) -> list[tuple[int, int]]:
    """Return each piece's (start, end) in the text.

    A piece that begins a word is found again there, so that characters which the tokenizer replaced by more or fewer
    put no more than their own word out of place.
    """
    words = _WORD.finditer(text)
    spans, cursor, limit = [], 0, 0
    for piece in pieces:
        if piece.startswith(WORD_START):
            word = next(words, None)
            cursor, limit = word.span() if word else (cursor, limit)
        size = len(piece.removeprefix(WORD_START))
        spans.append((min(cursor, max(limit - 1, 0)), min(cursor + size, limit)))
        cursor = min(cursor + size, limit)
    return spans
