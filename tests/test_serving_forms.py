"""Flat form fields back to trees: what the client flattens comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai._qs import stringify_items

from skyloom.serving.bodies import CreateVideo
from skyloom.serving.errors import ApiError
from skyloom.serving.forms import Body, checked, rebuilt

KEYS = st.sampled_from(["a", "b", "time", "id"])
TEXTS = st.text("xyz0", min_size=1, max_size=3)
LEAVES = TEXTS | st.lists(TEXTS, min_size=1, max_size=3)
SAME_ITEMS = st.dictionaries(KEYS, TEXTS, min_size=1, max_size=3).flatmap(
    lambda item: st.lists(st.fixed_dictionaries(dict.fromkeys(item, TEXTS)), min_size=1, max_size=3)
)
TREES = st.dictionaries(KEYS, LEAVES | SAME_ITEMS | st.dictionaries(KEYS, LEAVES, min_size=1, max_size=3), max_size=3)


def flattened(tree):
    """As the client does it: brackets, equal keys together."""
    groups = {}
    for key, value in stringify_items(tree, array_format="brackets"):
        groups.setdefault(key, []).append(value)
    return [(key, value) for key, values in groups.items() for value in values]


@given(TREES)
def test_round_trip_of_the_clients_own_flattening(tree):
    assert rebuilt(flattened(tree)) == tree


def test_lists_inside_items_are_dealt_evenly():
    tree = {"keyframes": [{"time": "0", "crop": ["0", "0", "1", "1"]}, {"time": "2", "crop": ["0", "0", ".5", ".5"]}]}
    assert rebuilt(flattened(tree)) == tree


def test_numbered_items_need_not_be_alike_or_in_order():
    fields = [("k[1][time]", "2"), ("k[0][time]", "0"), ("k[1][video][id]", "v"), ("k[0][image]", "i")]
    wanted = [{"time": "0", "image": "i"}, {"time": "2", "video": {"id": "v"}}]
    assert rebuilt(fields) == {"k": wanted}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ([("k[][time]", "0"), ("k[][time]", "2"), ("k[][image]", "i")], "ambiguous_form"),
        ([("a", "1"), ("a[b]", "2")], "invalid_form"),
        ([("a[]", "1"), ("a[b]", "2")], "invalid_form"),
        ([("a[0]", "1"), ("a[]", "2")], "invalid_form"),
        ([("[a]", "1")], "invalid_form"),
        ([("", "1")], "invalid_form"),
        ([("a[b", "1")], "invalid_form"),
        ([("a" + "[b]" * 9, "1")], "invalid_form"),
        ([("a[" + "b" * 99 + "]", "1")], "invalid_form"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(fields, code):
    with pytest.raises(ApiError) as caught:
        rebuilt(fields)
    assert (caught.value.status, caught.value.code) == (400, code)


def test_repeated_plain_fields_are_a_list():
    assert rebuilt([("image", "1"), ("image", "2")]) == {"image": ["1", "2"]}


@pytest.mark.parametrize(
    "tree", [{"a": "x\0"}, {"a": ["\ud800"]}, {"\udfff": 1}, {"a": {"b": {"c": {"d": {"e": {"f": {"g": 1}}}}}}}]
)
def test_what_is_no_text_is_refused(tree):
    with pytest.raises(ApiError):
        checked(tree)


@pytest.mark.parametrize("as_text", [False, True])
def test_a_key_that_nothing_knows_is_told_the_nearest(as_text):
    with pytest.raises(ApiError, match=r"There is no parameter 'sed'; nearest: seed\.") as caught:
        Body({"prompt": "a fox", "sed": "1"}, as_text).read(CreateVideo)
    assert (caught.value.status, caught.value.code, caught.value.param) == (400, "unknown_parameter", "sed")
    assert Body({"prompt": "a fox"}, as_text).read(CreateVideo).prompt == "a fox"
