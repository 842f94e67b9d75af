"""Sizes and lengths of the old API brought to what a checkpoint makes."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyloom.errors import CheckpointError, InvalidArgument
from skyloom.serving.offers import WIDEST, Offer, nearest_size, parse_size, read_offer, spoken
from skyloom.shapes import Strides, VideoSize

NANO = Offer("nano", 17, 64, 64, 8.0, Strides(4, 8), 16)
BASE = Offer("base", 33, 128, 128, 8.0, Strides(4, 8), 16)
SIDES = st.integers(1, 8192)


@given(SIDES, SIDES, st.sampled_from([NANO, BASE]))
def test_every_size_becomes_one_that_divides_and_keeps_its_direction(height, width, offer):
    made_height, made_width = nearest_size(offer, height, width)
    VideoSize(17, made_height, made_width).latents(offer.strides, 2)
    assert 1 / 4 <= made_height * made_width / (offer.height * offer.width) <= 4
    if height > 1.3 * width:
        assert made_height > made_width
    if height == width:
        assert made_height == made_width


@given(SIDES, SIDES)
def test_no_size_that_was_allowed_is_nearer_in_shape_by_much(height, width):
    made_height, made_width = nearest_size(BASE, height, width)
    asked = max(min(height / width, WIDEST), 1 / WIDEST)
    assert abs(math.log(made_height / made_width / asked)) < 0.22


def test_known_sizes():
    assert [NANO.size(text) for text in ("720x1280", "1280x720", "1024x1024", "auto", None, "96x64")] == [
        (80, 48), (48, 80), (64, 64), (64, 64), (64, 64), (64, 96),
    ]  # fmt: skip
    assert BASE.size("1280x720") == (96, 176)


@pytest.mark.parametrize("text", ["", "720", "0x5", "axb", "720×1280", "9999x1", "٣x٣", "1x1\n"])
def test_a_size_that_is_none_is_refused(text):
    with pytest.raises(InvalidArgument, match="size"):
        parse_size(text)


@pytest.mark.parametrize(("seconds", "frames"), [(4, 33), (8, 65), (2, 17), (0.1, 5), (20, 161)])
def test_lengths_last_what_was_asked(seconds, frames):
    assert NANO.length(seconds, None) == frames
    assert float(NANO.seconds(frames)) == max(seconds, 0.5)


@given(st.floats(0.1, 120), st.sampled_from([8.0, 12.0, 16.0, 24.0]))
def test_lengths_are_the_nearest(seconds, fps):
    frames = NANO.length(seconds, fps)
    assert frames % 4 == 1 and frames > 1
    assert abs((frames - 1) / fps - seconds) <= 2 / fps + 1e-9 or frames == 5


def test_spoken():
    assert [spoken(value) for value in (4.0, 4.125, 0, 12.5, 1 / 3)] == ["4", "4.125", "0", "12.5", "0.333"]


def test_an_offer_is_read_from_a_checkpoint_without_loading_it(tmp_path):
    shipped = read_offer()
    assert shipped.name == "nano" and shipped.unit == 16 and shipped.strides == Strides(4, 8)
    assert read_offer("nano") == shipped
    with pytest.raises(CheckpointError, match="nearest: nano"):
        read_offer("nanno")
    (tmp_path / "config.json").write_text(json.dumps({"kind": "other"}))
    with pytest.raises(CheckpointError, match="no config"):
        read_offer(str(tmp_path))
