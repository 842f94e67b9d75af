"""Whose box is whose."""

import torch

from skyloom.models.text_encoder import TextFeatures
from skyloom.pipelines.naming import actors_named, names_of
from skyloom.presets import NANO
from skyloom.training.sources import WorldSource
from skyloom.world.actors import ACTORS


def encode(texts):
    """Give each text two tokens: the sentence, and its number of letters."""
    embeds = torch.tensor([[[9.0], [float(len(text))]] for text in texts])
    return TextFeatures(embeds, torch.ones(len(texts), 2).bool())


def test_actors_come_in_the_order_of_the_words():
    assert actors_named("A robot chases two cats, and the robot jumps.") == ["robot", "cat"]
    assert actors_named("一只猫在草地上奔跑，一只狗在跳。") == ["cat", "dog"]
    assert actors_named("Rain in the mountains.") == []


def test_captions_of_the_world_name_the_actors_of_their_slots():
    told = WorldSource(NANO.world, NANO.clip, mix=NANO.caption_mix).tell(torch.arange(40), 2, 0)
    for row, captions in zip(told.shown["actor"].tolist(), told.captions, strict=True):
        wanted = list(dict.fromkeys(ACTORS[number].name for number in row if number >= 0))
        assert [actors_named(caption, NANO.world.actors) for caption in captions] == [wanted, wanted]


def test_prompts_without_known_actors_have_no_names():
    found = names_of(encode, ["A cat and a robot", "", "Snow"], 2)
    assert found[..., 0].tolist() == [[3.0, 5.0], [0.0, 0.0], [0.0, 0.0]]
    assert names_of(encode, ["Snow", ""], 2) is None
    assert names_of(encode, ["A cat, a dog and a robot"], 2).shape == (1, 2, 1)
