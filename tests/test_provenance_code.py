"""The code gives every number back from any four of its six symbols."""

from itertools import combinations

import numpy as np
import pytest

from skyloom.errors import InvalidArgument
from skyloom.provenance import code


def scores_of(symbols, wrong=()):
    scores = np.random.default_rng(0).uniform(0, 0.1, (6, 256))
    for place, symbol in enumerate(symbols):
        scores[place, symbol] = 0.2 if place in wrong else 1.0
        if place in wrong:
            scores[place, [(symbol + 1) % 251, (symbol + 2) % 251]] = 0.3, 0.25
    return scores


@pytest.mark.parametrize("number", [0, 1, 250, 251, 2**31 - 1, code.LIMIT - 1])
def test_round_trip_with_any_two_symbols_lost(number):
    symbols = code.encode(number)
    for wrong in combinations(range(6), 2):
        assert code.decode(scores_of(symbols, wrong))[0] == number


def test_symbols_are_the_values_of_the_digits_polynomial():
    digits = (7, 0, 3, 250)
    number = sum(digit * 251**place for place, digit in enumerate(digits))
    expected = [sum(digit * point**place for place, digit in enumerate(digits)) % 251 for point in range(1, 7)]
    assert list(code.encode(number)) == expected


def test_two_codewords_share_at_most_three_symbols():
    random = np.random.default_rng(1)
    words = np.array([code.encode(int(number)) for number in random.integers(0, code.LIMIT, 200)])
    same = (words[:, None] == words[None]).sum(-1)
    assert same[~np.eye(200, dtype=bool)].max() <= 3


def test_too_large_a_number_is_refused():
    with pytest.raises(InvalidArgument, match="nearest: 3969126000"):
        code.encode(code.LIMIT)
