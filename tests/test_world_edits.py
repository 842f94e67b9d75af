"""An edit changes one thing, says which, and leaves the rest."""

from dataclasses import fields, replace

import pytest
import torch

from skyloom.config import WorldConfig
from skyloom.errors import InvalidArgument
from skyloom.world import phrases_en as en
from skyloom.world.edits import EDITS, FIELDS, IN_PLACE, edited
from skyloom.world.events import eligible_events
from skyloom.world.facts import describe_all
from skyloom.world.instructions import CHINESE, ENGLISH, instruction
from skyloom.world.nouns import nouns
from skyloom.world.sampling import sample_scenes
from skyloom.world.scene import NO_ACTOR, Scenes
from skyloom.world.split import is_heldout
from skyloom.world.vocabulary import MOTIONS
from skyloom.world.words import unknown_words

WORLD = WorldConfig(two_actors=0.4)


@pytest.fixture(scope="module")
def before():
    return sample_scenes(WORLD, torch.arange(800))


@pytest.fixture(scope="module")
def after(before):
    return edited(before, seed=5)


def changed(before: Scenes, after: Scenes, row: int) -> set[str]:
    pairs = ((f.name, getattr(before, f.name)[row], getattr(after, f.name)[row]) for f in fields(Scenes))
    return {name for name, old, new in pairs if not torch.equal(old, new)}


def test_exactly_the_fields_of_the_kind_differ(before, after):
    scenes, kinds = after
    for row, kind in enumerate(kinds):
        different = changed(before, scenes, row)
        assert FIELDS[kind][0] in different, kind
        assert different <= set(FIELDS[kind]), kind


def test_every_kind_occurs_and_bodies_change_colour(before, after):
    assert set(after[1]) >= set(EDITS) - {"color"}  # few scenes have a plain body
    _, kinds = edited(before, 0, kinds=("color",))
    bodies = (before.color != NO_ACTOR).any(dim=1)
    assert [kind == "color" for kind in kinds] == bodies.tolist()
    assert {kind for kind in kinds if kind != "color"} == {"style"}


def test_an_edit_depends_on_the_seed_and_the_scene_alone(before, after):
    rows = torch.tensor([5, 700, 31])
    some, kinds = edited(before.select(rows), seed=5)
    assert kinds == [after[1][row] for row in rows.tolist()]
    for f in fields(Scenes):
        assert torch.equal(getattr(some, f.name), getattr(after[0], f.name)[rows]), f.name
    assert edited(before, seed=6)[1] != after[1]


def test_edits_keep_to_the_split_and_to_the_world(before, after):
    actor, motion, place = after[0].actor, after[0].motion, after[0].place[:, None]
    assert not is_heldout(actor, motion, place).any()
    small = WorldConfig(actors=64, places=("beach", "kitchen"), motions=("walk", "jump", "stand"))
    scenes, _ = edited(sample_scenes(small, torch.arange(300)), 1, small)
    assert int(scenes.actor.max()) < 64
    assert {describe.place for describe in describe_all(scenes)} == {"beach", "kitchen"}
    assert set(scenes.motion[:, 0].tolist()) <= {MOTIONS.index(name) for name in small.motions}


def test_events_still_fit_the_new_actor():
    scenes = sample_scenes(WorldConfig(event=1.0), torch.arange(400))
    new, kinds = edited(scenes, 2, kinds=("actor",))
    rows = torch.tensor([kind == "actor" for kind in kinds])
    able = eligible_events(torch.device("cpu"))[new.actor[:, 0], new.motion[:, 0]].gather(1, new.event)
    assert bool((able | (new.event == 0))[rows].all()) and int(rows.sum()) > 200


def test_direction_mirrors_the_traveller(before):
    new, kinds = edited(before, 3, kinds=("direction",))
    rows = torch.tensor([kind == "direction" for kind in kinds])
    assert torch.equal(new.direction[rows, 0], -before.direction[rows, 0])
    assert torch.allclose(new.start[rows, 0, 0], -before.start[rows, 0, 0])
    truths = zip(describe_all(before.select(rows)), describe_all(new.select(rows)), strict=True)
    for old, edit in truths:
        assert {old.actors[0].direction, edit.actors[0].direction} == {"left", "right"}


def test_among_others_a_changed_motion_stays_in_place(before):
    new, kinds = edited(before, 4, kinds=("motion",))
    for row, kind in enumerate(kinds):
        if kind == "motion" and int((before.actor[row] >= 0).sum()) > 1:
            assert torch.equal(new.start[row], before.start[row])
            assert MOTIONS[new.motion[row, 0]] in IN_PLACE


def test_removal_takes_the_last_actor(before):
    new, kinds = edited(before, 4, kinds=("remove",))
    old_facts, new_facts = describe_all(before), describe_all(new)
    assert kinds.count("remove") > 30
    for old, edit, kind in zip(old_facts, new_facts, kinds, strict=True):
        if kind == "remove":
            assert [a.name for a in edit.actors] == [a.name for a in old.actors[:-1]]
            assert not (old.related and old.count == 2)


def test_instructions_name_what_is_new(before, after):
    scenes, kinds = after
    for row, (old, new, kind) in enumerate(zip(describe_all(before), describe_all(scenes), kinds, strict=True)):
        text = instruction(old, new, kind, "en", row)
        chinese = instruction(old, new, kind, "zh", row)
        assert "{" not in text + chinese
        assert unknown_words(text) == [] and unknown_words(chinese) == []
        if kind == "actor":
            assert any(noun in text for noun in nouns("en")[new.actors[0].index].train)
            assert any(noun in chinese for noun in nouns("zh")[new.actors[0].index].train)
        if kind == "place":
            assert any(p in text for p in (*en.PLACE[new.place].train, *en.WHERE[new.place].train))
        if kind == "style":
            assert any(phrase in text for phrase in en.STYLE[new.style].train)
        if kind == "color":
            assert any(one.color and one.color in text for one in new.actors)


def test_known_instructions(before):
    old = describe_all(before.select(slice(0, 1)))[0]
    dog = replace(old.actors[0], index=0, name="dog", motion="jump", direction=None, speed="normal", color=None)
    scene = replace(old, actors=(dog,))
    fox = replace(dog, index=10, name="fox")
    said = {instruction(scene, replace(scene, actors=(fox,)), "actor", "en", v) for v in range(300)}
    assert "turn the dog into a fox" in said
    assert "把狗变成一只狐狸" in {
        instruction(scene, replace(scene, actors=(fox,)), "actor", "zh", v) for v in range(300)
    }
    assert "make it snow" in {instruction(scene, replace(scene, weather="snow"), "weather", "en", v) for v in range(50)}
    said = {instruction(scene, scene, "motion", "en", v) for v in range(300)}
    assert "make the dog jump instead" in said


def test_heldout_instructions_use_heldout_frames(before, after):
    for table in (ENGLISH, CHINESE):
        for phrases in table.values():
            assert phrases.heldout and not set(phrases.train) & set(phrases.heldout)
    scenes, kinds = after
    pairs = list(zip(describe_all(before), describe_all(scenes), kinds, strict=True))[:300]
    train = {instruction(*pair, "en", v) for v, pair in enumerate(pairs)}
    held = {instruction(*pair, "en", v, "heldout") for v, pair in enumerate(pairs)}
    assert not train & held


def test_unknown_kinds_name_the_nearest(before):
    with pytest.raises(InvalidArgument, match="nearest: weather"):
        edited(before, 0, kinds=("wether",))
