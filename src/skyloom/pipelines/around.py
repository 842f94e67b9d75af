"""Where a scene is and what its weather is, chosen together.

Phrases of place and of weather stand in the same places of a sentence and mean much the same out of it, but a scene
has one of each: a second place is odd, so that the better weather of two stretches is told as the weather.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from skyloom.world.matching import Meaning

SPLIT = 0.6
"""How probable two halves of a stretch must be together, of the whole's probability, to be told apart."""
AGAIN = 0.15
"""What a second place, or a second weather, takes from the probability of a choice."""
SURE = 0.3
"""How probable a meaning must be among places and weathers together, to be told in place of strange words."""
SURE_OF_KIND = 0.5
"""Or how probable among its own kind alone, once the sentence has told which kind it is."""
MOST = 4096
Guess = tuple[Meaning | None, float, float]
"""A meaning, its probability, and its share of the probability of its kind."""
Part = tuple[slice, Guess]


@dataclass(frozen=True)
class Choice:
    """One way to tell a stretch: in one part or in two."""

    parts: tuple[Part, ...]

    @property
    def score(self) -> float:
        """The probability of all its parts, and what is granted for telling two apart."""
        return math.prod(guess[1] for _, guess in self.parts) / SPLIT ** (len(self.parts) - 1)

    @property
    def kinds(self) -> Iterable[str]:
        """The kinds told, in order."""
        return (guess[0].kind for _, guess in self.parts if guess[0])


def choices(whole: slice, halves: Sequence[slice], guessed: Callable[[slice], Sequence[Guess]]) -> list[Choice]:
    """Return the ways to tell a stretch: as the best place or the best weather, or as one of each in two halves."""
    found = [Choice(((whole, guess),)) for guess in guessed(whole)]
    for first, second in zip(halves[::2], halves[1::2], strict=True):
        for one, two in itertools.product(guessed(first), guessed(second)):
            if one[0] and two[0] and one[0].kind != two[0].kind:
                found.append(Choice(((first, one), (second, two))))
    return found


def chosen(stretches: Sequence[Sequence[Choice]], known: Iterable[str] = ()) -> list[Choice]:
    """Return the most probable choice of each stretch, all together; known: kinds that known phrases say already."""
    if math.prod(map(len, stretches)) > MOST:
        return [max(ways, key=lambda choice: choice.score) for ways in stretches]
    said = Counter(known)

    def together(ways: Sequence[Choice]) -> float:
        counts = said + Counter(kind for way in ways for kind in way.kinds)
        again = sum(count - 1 for count in counts.values())
        return math.prod(way.score for way in ways) * AGAIN**again

    return list(max(itertools.product(*stretches), key=together))


def sure(guess: Guess) -> bool:
    """Tell whether a guess is sure enough to be told."""
    return guess[1] >= SURE or guess[2] >= SURE_OF_KIND
