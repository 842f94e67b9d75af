"""Whose box is whose."""

import torch

from skyloom.models.text_encoder import TextFeatures
from skyloom.pipelines.canvas import Canvas, PromptSpan
from skyloom.pipelines.naming import actors_named, names_of
from skyloom.presets import NANO
from skyloom.shapes import LatentSize
from skyloom.training.sources import WorldSource
from skyloom.world.actors import ACTORS

SIZE = LatentSize(1, 2, 2)


def encode(texts):
    """Give each text two tokens: the sentence, and its number of letters."""
    embeds = torch.tensor([[[9.0], [float(len(text))]] for text in texts])
    return TextFeatures(embeds, torch.ones(len(texts), 2).bool())


def canvas(text, boxes=True):
    return Canvas(SIZE, (PromptSpan(text),), boxes=torch.zeros(1, 2, 1, 4) if boxes else None)


def test_actors_come_in_the_order_of_the_words():
    assert actors_named("A robot chases two cats, and the robot jumps.") == ["robot", "cat"]
    assert actors_named("一只猫在草地上奔跑，一只狗在跳。") == ["cat", "dog"]
    assert actors_named("Rain in the mountains.") == []


def test_captions_of_the_world_name_the_actors_of_their_slots():
    told = WorldSource(NANO.world, NANO.clip, mix=NANO.caption_mix).tell(torch.arange(40), 2, 0)
    for row, captions in zip(told.shown["actor"].tolist(), told.captions, strict=True):
        wanted = list(dict.fromkeys(ACTORS[number].name for number in row if number >= 0))
        assert [actors_named(caption, NANO.world.actors) for caption in captions] == [wanted, wanted]


def test_only_canvases_with_boxes_have_names():
    found = names_of(encode, [canvas("A cat and a robot"), canvas("A cat", boxes=False), canvas("Snow")], 2)
    assert found[..., 0].tolist() == [[3.0, 5.0], [0.0, 0.0], [0.0, 0.0]]
    assert names_of(encode, [canvas("Snow"), canvas("A cat", boxes=False)], 2) is None
    assert names_of(encode, [canvas("A cat, a dog and a robot")], 2).shape == (1, 2, 1)
