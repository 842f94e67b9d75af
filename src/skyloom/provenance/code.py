"""An error-correcting code of six symbols.

A number below 251^4 is written as four digits in base 251, the digits are taken as a polynomial's coefficients, and
the symbols are its values at 1 to 6 (Reed and Solomon 1960): any four of the six give the number back.
"""

from __future__ import annotations

from itertools import combinations, product

import numpy as np

from skyloom.errors import InvalidArgument

PRIME, DIGITS, SYMBOLS = 251, 4, 6
LIMIT = PRIME**DIGITS
GUESSES = 2


def encode(number: int) -> tuple[int, ...]:
    """Return the six symbols, each below 251, of a number below 251^4. Raises InvalidArgument."""
    if not 0 <= number < LIMIT:
        raise InvalidArgument("number", number, f"be between 0 and {LIMIT - 1}", min(max(number, 0), LIMIT - 1))
    digits = [number // PRIME**place % PRIME for place in range(DIGITS)]
    return tuple(_value(digits, point) for point in range(1, SYMBOLS + 1))


def decode(scores: np.ndarray) -> tuple[int, float]:
    """Return the best number found and its codeword's summed score; scores: (6, 251), how well each symbol fits.

    The two best symbols of every four places are tried: 15 x 16 codewords, the sum over all six places decides.
    """
    likely = np.argsort(-scores[:, :PRIME], axis=1)[:, :GUESSES]
    best, best_score = 0, -np.inf
    for places in combinations(range(SYMBOLS), DIGITS):
        for choice in product(range(GUESSES), repeat=DIGITS):
            values = [int(likely[place, guess]) for place, guess in zip(places, choice, strict=True)]
            digits = _interpolate([place + 1 for place in places], values)
            score = sum(scores[place, _value(digits, place + 1)] for place in range(SYMBOLS))
            if score > best_score:
                best, best_score = sum(digit * PRIME**power for power, digit in enumerate(digits)), score
    return best, float(best_score)


def _value(digits: list[int], point: int) -> int:
    """Evaluate a polynomial, constant term first, in the field of 251 elements."""
    value = 0
    for digit in reversed(digits):
        value = (value * point + digit) % PRIME
    return value


def _interpolate(points: list[int], values: list[int]) -> list[int]:
    """Return the coefficients of the polynomial through all points (Lagrange), constant term first."""
    total = [0] * len(points)
    for point, value in zip(points, values, strict=True):
        basis, scale = [1], 1
        for other in points:
            if other != point:
                basis = [(low - other * high) % PRIME for low, high in zip([0, *basis], [*basis, 0], strict=True)]
                scale = scale * (point - other) % PRIME
        factor = value * pow(scale, -1, PRIME)
        total = [(old + factor * term) % PRIME for old, term in zip(total, basis, strict=True)]
    return total
