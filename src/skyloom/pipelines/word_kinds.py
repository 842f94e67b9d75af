"""The kinds of a sentence's words, chosen together.

A change of kind between neighbouring words costs something, and so does a sentence in which nothing moves: a strange
word in the place of the verb is a motion, whichever it be. Viterbi's algorithm over pairs (was a motion said, kind).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

TURN = 1.0
"""What a change of kind between neighbouring words costs, in nats."""
SILENT = 4.0
"""What it costs to say no motion at all, in nats."""
NEVER = -1e9


def _steps(kinds: int, motion: int, turn: float, tells: bool) -> Tensor:
    """Return the cost (2k, 2k) of going from one pair to another: what was said stays said."""
    costs = torch.full((2, kinds, 2, kinds), NEVER)
    change = -turn * (1 - torch.eye(kinds))
    costs[0, :, 0] = costs[1, :, 1] = change
    if tells:
        costs[0, :, 0, motion] = NEVER
        costs[0, :, 1, motion] = change[:, motion]
    return costs.reshape(2 * kinds, 2 * kinds)


def most_probable(
    scores: Tensor, joined: Sequence[bool], motion: int, silent: float = SILENT, telling: Sequence[bool] | None = None
) -> list[int]:
    """Return each word's kind. scores: (n, k) log probabilities; joined: whether each word but the first follows on.

    motion: the number of the kind without which a sentence is odd; silent: what saying none costs, in nats. telling:
    whether each word can say a motion, None for all; a word that only holds others together says none.
    """
    kinds = scores.shape[1]
    tells = [True] * len(scores) if telling is None else list(telling)
    steps = {
        (follows, says): _steps(kinds, motion, TURN if follows else 0.0, says)
        for follows in (True, False)
        for says in (True, False)
    }
    best = torch.cat([scores[0], torch.full((kinds,), NEVER)])
    if tells[0]:
        best[kinds + motion], best[motion] = scores[0, motion], NEVER
    came: list[Tensor] = []
    for row, follows, says in zip(scores[1:], joined, tells[1:], strict=True):
        found = (best[:, None] + steps[follows, says]).max(0)
        came.append(found.indices)
        best = found.values + row.repeat(2)
    best[:kinds] -= silent
    path = [int(best.argmax())]
    for step in reversed(came):
        path.append(int(step[path[-1]]))
    return [place % kinds for place in reversed(path)]
