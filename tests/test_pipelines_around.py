"""Place and weather chosen together: one of each, against all choices tried one by one."""

import pytest

from skyloom.pipelines.around import AGAIN, SPLIT, Choice, choices, chosen, sure
from skyloom.world.matching import Meaning

BEACH, STAGE, RAIN = Meaning("place", "beach"), Meaning("place", "stage"), Meaning("weather", "rain")


def kinds_of(found):
    return [[guess[0].kind for _, guess in choice.parts] for choice in found]


def way(*guesses):
    return Choice(tuple((slice(k, k + 1), guess) for k, guess in enumerate(guesses)))


def test_a_choice_in_two_parts_is_granted_its_price():
    assert way((BEACH, 0.5, 1.0)).score == 0.5
    assert way((BEACH, 0.5, 1.0), (RAIN, 0.4, 1.0)).score == pytest.approx(0.2 / SPLIT)


def test_halves_are_one_place_and_one_weather():
    told = {(0, 4): [(BEACH, 0.6, 0.9)], (0, 2): [(BEACH, 0.9, 1.0), (RAIN, 0.1, 1.0)]}
    told[2, 4] = [(STAGE, 0.7, 1.0), (RAIN, 0.3, 1.0)]
    found = choices(slice(0, 4), [slice(0, 2), slice(2, 4)], lambda part: told[part.start, part.stop])
    assert kinds_of(found) == [["place"], ["place", "weather"], ["weather", "place"]]


def test_the_weather_is_the_stretch_that_is_less_of_a_place():
    first, second = [(BEACH, 0.99, 1.0), (RAIN, 0.01, 1.0)], [(STAGE, 0.75, 1.0), (RAIN, 0.25, 1.0)]
    ways = [[way(guess) for guess in guesses] for guesses in (first, second)]
    assert kinds_of(chosen(ways)) == [["place"], ["weather"]]
    assert kinds_of(chosen(ways[1:])) == [["place"]]
    assert kinds_of(chosen(ways[1:], ["place"])) == [["weather"]]


def test_a_second_place_is_told_where_it_is_no_weather_at_all():
    unlike = 0.5 * AGAIN
    ways = [[way((BEACH, 0.99, 1.0))], [way((STAGE, 1 - unlike, 1.0)), way((RAIN, unlike / 2, 1.0))]]
    assert kinds_of(chosen(ways)) == [["place"], ["place"]]


def test_sure_among_all_or_among_its_kind():
    assert sure((RAIN, 0.35, 0.4)) and sure((RAIN, 0.1, 0.6)) and not sure((RAIN, 0.2, 0.4))
