"""Unigram tokenizer: the most probable split into pieces.

Kudo 2018, "Subword Regularization", section 3.2. A word begins with U+2581, and no piece of this
vocabulary crosses a word, so each word is split by itself and remembered.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

WORD_START = "\u2581"


class UnigramTokenizer:
    """Split text into piece ids.

    `pieces[i]` has log-probability `scores[i]` and id `ids[i]`; a character that no piece covers
    becomes `unknown_id` at `unknown_score`. `replacements` maps a code point to the text that stands for it.
    """

    def __init__(
        self,
        pieces: Sequence[str],
        scores: Sequence[float],
        ids: Iterable[int],
        *,
        unknown_id: int,
        unknown_score: float,
        replacements: Mapping[int, str],
    ) -> None:
        self.pieces, self.scores, self.ids, self.replacements = pieces, scores, list(ids), replacements
        self.unknown_id, self.unknown_score = unknown_id, unknown_score
        self._index = dict(zip(pieces, range(len(pieces)), strict=True))
        self._longest = max(map(len, pieces))
        self._cuts = lru_cache(maxsize=1 << 16)(self._split_word)

    def encode(self, text: str) -> list[int]:
        """Return the ids of `text`, without any special token; of an empty text, none."""
        return [piece for word in self.words(text) for _, piece in self._cuts(word)]

    def pieces_of(self, text: str) -> list[str]:
        """Return what the ids of `text` stand for; a character that no piece covers stands for itself."""
        return [piece for word in self.words(text) for piece, _ in self._cuts(word)]

    def words(self, text: str) -> list[str]:
        """Normalise `text` and cut it at spaces; each word carries its mark."""
        plain = unicodedata.normalize("NFC", text).translate(self.replacements)
        return [WORD_START + word for word in plain.split(" ") if word]

    def _split_word(self, word: str) -> tuple[tuple[str, int], ...]:
        """Viterbi: the best way to reach each position of `word`, then back from its end; pieces and their ids."""
        length = len(word)
        best = [0.0] + [float("-inf")] * length
        came_from = [(0, self.unknown_id)] * (length + 1)
        for start in range(length):
            here = best[start]
            for end in range(start + 1, min(length, start + self._longest) + 1):
                index = self._index.get(word[start:end])
                if index is not None and here + self.scores[index] > best[end]:
                    best[end], came_from[end] = here + self.scores[index], (start, self.ids[index])
            if here + self.unknown_score > best[start + 1]:
                best[start + 1], came_from[start + 1] = here + self.unknown_score, (start, self.unknown_id)
        return _walk_back(word, came_from)


def _walk_back(word: str, came_from: Sequence[tuple[int, int]]) -> tuple[tuple[str, int], ...]:
    """Follow (previous position, id) from the last position to the first; return the pieces and ids forward."""
    cuts, end = [], len(came_from) - 1
    while end:
        start, piece_id = came_from[end]
        cuts.append((word[start:end], piece_id))
        end = start
    return tuple(reversed(cuts))
