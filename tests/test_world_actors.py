"""Tests of the actors' names and sprites."""

import collections

import pytest
import torch

from skyloom.errors import InvalidArgument
from skyloom.world.actors import (
    ACTORS,
    ASSETS,
    ATLAS_STYLES,
    CORE_ACTORS,
    SPRITE_SIZE,
    actor_index,
    article_for,
    load_atlas,
)

CATEGORIES = {
    "animal", "person", "vehicle", "food", "plant", "sport", "instrument", "tool", "building", "weather", "space",
    "object", "body",
}  # fmt: skip


@pytest.fixture(params=ATLAS_STYLES)
def atlas(request: pytest.FixtureRequest) -> torch.Tensor:
    return load_atlas(request.param, "cpu")


def all_words() -> list[str]:
    return [word for actor in ACTORS for word in (actor.name, *actor.synonyms, actor.zh, *actor.zh_synonyms)]


def test_at_least_three_hundred_actors_and_the_last_are_plain_bodies():
    assert len(ACTORS) >= 300
    assert [actor.name for actor in ACTORS[-3:]] == ["ball", "box", "ring"]
    assert [actor.codepoint for actor in ACTORS].count(None) == 3
    assert {actor.category for actor in ACTORS} == CATEGORIES


def test_no_word_means_two_actors():
    twice = [word for word, count in collections.Counter(all_words()).items() if count > 1]
    assert twice == []


def test_words_read_well_in_a_caption():
    for actor in ACTORS:
        assert actor.synonyms and actor.zh_synonyms
        assert all(word == word.strip().lower() and word.isascii() for word in (actor.name, *actor.synonyms))
        assert 1 <= len(actor.name.split()) <= 2
        assert not any(word.replace("T恤", "").isascii() and word != "T恤" for word in (actor.zh, *actor.zh_synonyms))
        assert actor.article == article_for(actor.name)


@pytest.mark.parametrize(
    ("words", "article"),
    [("owl", "an"), ("unicorn", "a"), ("ufo", "a"), ("hourglass", "an"), ("one-humped camel", "a")],
)
def test_articles_follow_the_sound(words: str, article: str):
    assert article_for(words) == article


def test_sizes_and_sides_are_the_picture_book_s():
    for actor in ACTORS:
        assert 0.9 <= actor.height <= 2.2
        assert actor.faces in ("left", "right", "front")
        assert actor.medium in ("ground", "air", "water")


def test_the_licence_lies_beside_the_pictures():
    assert "MIT License" in (ASSETS / "LICENSE-fluent-emoji.txt").read_text()


def test_sprites_stand_on_the_last_row_and_fill_the_box(atlas: torch.Tensor):
    alpha = atlas[:, 3]
    assert atlas.shape == (len(ACTORS), 4, SPRITE_SIZE, SPRITE_SIZE)
    assert (alpha[:, -1].amax(dim=-1) > 0.05).all()
    fills_height = alpha[:, 0].amax(dim=-1) > 0.05
    fills_width = (alpha[:, :, 0].amax(dim=-1) > 0.05) & (alpha[:, :, -1].amax(dim=-1) > 0.05)
    assert (fills_height | fills_width).all()


def test_the_record_s_aspect_is_the_sprite_s():
    seen = load_atlas("render3d", "cpu")[:, 3] > 0.05
    widths, heights = seen.any(dim=1).sum(dim=-1), seen.any(dim=2).sum(dim=-1)
    recorded = torch.tensor([actor.aspect for actor in ACTORS])
    assert torch.allclose(widths / heights, recorded, rtol=0.06)


def test_colour_is_premultiplied(atlas: torch.Tensor):
    assert (atlas[:, :3] <= atlas[:, 3:] + 1e-6).all()
    assert atlas[:, :3][(atlas[:, 3:] == 0).expand(-1, 3, -1, -1)].abs().max() == 0


def test_edges_carry_the_colour_of_the_inside():
    """Un-premultiplied, a half-transparent pixel of the white ball is as bright as the ball's darkest opaque one."""
    ball = load_atlas("render3d", "cpu")[actor_index("ball")]
    edge = (ball[3] > 0.2) & (ball[3] < 0.9)
    opaque = ball[3] > 0.99
    assert (ball[0][edge] / ball[3][edge]).min() > ball[0][opaque].min() - 0.05


def test_plain_bodies_have_no_colour_of_their_own(atlas: torch.Tensor):
    assert torch.allclose(atlas[-3:, 0], atlas[-3:, 1]) and torch.allclose(atlas[-3:, 0], atlas[-3:, 2])
    assert (atlas[-3:, 0].amax(dim=(-2, -1)) > 0.9).all()


def test_core_sprites_differ_at_24_pixels(atlas: torch.Tensor):
    small = torch.nn.functional.adaptive_avg_pool2d(atlas[:CORE_ACTORS], 24).flatten(1)
    distance = torch.cdist(small, small) / small.shape[1] ** 0.5
    distance.fill_diagonal_(1.0)
    assert distance.min() > 0.08


def test_the_atlas_is_loaded_once():
    assert load_atlas("cartoon", "cpu") is load_atlas("cartoon", "cpu")


@pytest.mark.parametrize("word", ["dog", "DOG", "puppy", "狗", "小狗", " Dog "])
def test_lookup_by_any_word(word: str):
    assert ACTORS[actor_index(word)].name == "dog"


def test_every_word_finds_its_actor():
    for index, actor in enumerate(ACTORS):
        assert {actor_index(w) for w in (actor.name, *actor.synonyms, actor.zh, *actor.zh_synonyms)} == {index}


def test_unknown_words_name_the_nearest():
    with pytest.raises(InvalidArgument, match="nearest: elephant"):
        actor_index("elefant")
    with pytest.raises(InvalidArgument, match="nearest: cartoon"):
        load_atlas("cartoons", "cpu")


def test_actors_of_events_are_there():
    assert {"cookie", "candle", "window", "brick wall"} <= {actor.name for actor in ACTORS}
