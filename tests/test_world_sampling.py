"""Which scenes a world draws: by number, within the config, on the right side of the split, in view."""

import pytest
import torch

from skyloom.config import WorldConfig
from skyloom.errors import InvalidArgument
from skyloom.world.actors import ACTORS, actor_index
from skyloom.world.layout import CLIP_SECONDS, arrange
from skyloom.world.motions import LAWS
from skyloom.world.physics import simulate
from skyloom.world.relations import PAIR_LAWS, PARTNER
from skyloom.world.sampling import SWIM_PLACES, sample_scenes
from skyloom.world.scene import NO_ACTOR
from skyloom.world.split import heldout_table, is_heldout
from skyloom.world.truth import screen_boxes
from skyloom.world.vocabulary import CAMERAS, EVENTS, MOTIONS, PLACES, RELATIONS, STYLES, WEATHERS

EVERYTHING = WorldConfig(two_actors=0.4, three_actors=0.1, event=0.5, cut=0.4, camera=0.5)
PLAIN = WorldConfig(two_actors=0.0, three_actors=0.0, camera=0.0, cut=0.0, event=0.0, weather=0.0, style=0.0)


def number(motion):
    return MOTIONS.index(motion)


def held(scenes, shot=0):
    place = scenes.shot_place[:, shot, None]
    return is_heldout(scenes.actor, scenes.motion, place)


def test_every_motion_has_one_law():
    assert {**LAWS, **PAIR_LAWS}.keys() == set(MOTIONS)
    assert set(PAIR_LAWS) == set(PARTNER) == set(RELATIONS)


def test_a_scene_depends_on_its_number_and_split_alone():
    many = sample_scenes(EVERYTHING, torch.arange(200))
    rows = torch.tensor([3, 150, 77])
    few = sample_scenes(EVERYTHING, rows)
    for name, value in vars(few).items():
        torch.testing.assert_close(value, getattr(many, name)[rows], rtol=1e-6, atol=1e-6)
    other = sample_scenes(EVERYTHING, torch.arange(200), "seen")
    assert (other.actor[:, 0] == many.actor[:, 0]).float().mean() < 0.05
    reseeded = sample_scenes(WorldConfig(seed=1), torch.arange(200))
    assert (reseeded.actor[:, 0] == many.actor[:, 0]).float().mean() < 0.05


def test_training_never_shows_a_held_out_combination():
    for split in ("train", "seen"):
        scenes = sample_scenes(EVERYTHING, torch.arange(1500), split)
        assert not any(held(scenes, shot).any() for shot in range(3))
        assert not is_heldout(scenes.actor, scenes.motion, scenes.place[:, None]).any()


def test_heldout_scenes_hold_out_the_first_actor():
    scenes = sample_scenes(EVERYTHING, torch.arange(1500), "heldout")
    assert held(scenes)[:, 0].all()
    assert not held(scenes)[:, 1:].any()


def test_a_tenth_is_held_out_of_every_actor_motion_and_place():
    table = heldout_table(torch.device("cpu")).float()
    assert abs(table.mean() - 0.1) < 0.003
    assert (table.mean(dim=(1, 2)) < 0.2).all() and (table.mean(dim=(1, 2)) > 0.02).all()
    assert (table.mean(dim=(0, 1)) - 0.1).abs().max() < 0.02


def test_the_split_stays_as_it_is():
    """Pinned by name: these must never change, or held-out scenes of old checkpoints become training scenes."""
    names = [("dog", "walk", place) for place in PLACES] + [("ball", "bounce", place) for place in PLACES]
    found = []
    for actor, motion, place in names:
        index = [torch.tensor(i) for i in (actor_index(actor), number(motion), PLACES.index(place))]
        found.append(bool(is_heldout(*index)))
    assert [name[0] + " " + name[2] for name, out in zip(names, found, strict=True) if out] == PINNED


PINNED = ["dog meadow", "dog desert", "dog underwater", "ball snowy forest", "ball farm", "ball kitchen"]


def test_motions_come_evenly():
    scenes = sample_scenes(PLAIN, torch.arange(3400))
    counts = torch.bincount(scenes.motion[:, 0], minlength=len(MOTIONS))
    alone = torch.tensor([motion not in RELATIONS for motion in MOTIONS])
    assert (counts[~alone] == 0).all()
    assert ((counts[alone] - 200).abs() < 70).all()  # five standard deviations
    assert (scenes.actor[:, 1:] == NO_ACTOR).all()


def test_probabilities_are_those_of_the_config():
    config = WorldConfig(two_actors=0.3, three_actors=0.1, weather=0.4, camera=0.5, style=0.2, event=0.3, cut=0.2)
    scenes = sample_scenes(config, torch.arange(3000))
    count = (scenes.actor != NO_ACTOR).sum(dim=1)
    shares = {
        0.3: (count == 2), 0.1: (count == 3), 0.4: scenes.weather != 0, 0.5: scenes.camera != 0,
    }  # fmt: skip
    for share, found in shares.items():
        assert abs(found.float().mean() - share) < 0.045
    for share, found in ((0.2, scenes.style != 0), (0.3, scenes.event[:, 0] != 0), (0.2, scenes.cut_time[:, 0] < 9)):
        assert abs(found.float().mean() - share) < 0.04
    for field, names in (("weather", WEATHERS), ("camera", CAMERAS), ("style", STYLES)):
        assert len(getattr(scenes, field).unique()) == len(names)


def test_the_config_restricts_names():
    config = WorldConfig(actors=5, places=("beach", "sea"), motions=("swim", "chase"))
    scenes = sample_scenes(config, torch.arange(500))
    assert scenes.actor.max() < 5
    assert {PLACES[i] for i in scenes.shot_place.flatten().tolist()} <= {"beach", "sea"}
    assert {MOTIONS[i] for i in scenes.motion[:, 0].tolist()} == {"swim", "chase"}
    swimming = scenes.motion[:, 0] == number("swim")
    assert (scenes.place[swimming] == PLACES.index("sea")).all()


def test_swimmers_are_in_the_water_in_every_shot():
    scenes = sample_scenes(EVERYTHING, torch.arange(3000))
    swims = ((scenes.motion == number("swim")) & (scenes.actor != NO_ACTOR)).any(dim=1)
    places = {PLACES[i] for i in scenes.shot_place[swims].flatten().tolist()}
    assert places == set(SWIM_PLACES)
    swimming = (scenes.motion == number("swim")) & (scenes.actor != NO_ACTOR)
    afloat = swimming & (scenes.place == PLACES.index("sea"))[:, None]
    assert (scenes.start[afloat][:, 1] < 0.2).all() and (scenes.start[swimming & ~afloat][:, 1] >= 0.4).all()


def test_relations_have_a_partner_that_does_its_part():
    scenes = sample_scenes(EVERYTHING, torch.arange(3000))
    for relation, partner in PARTNER.items():
        rows = scenes.motion[:, 0] == number(relation)
        assert rows.sum() > 20
        assert (scenes.actor[rows, 1] != NO_ACTOR).all()
        assert (scenes.motion[rows, 1] == number(partner)).all()


def test_actors_of_a_scene_differ_and_plain_bodies_alone_have_colours():
    scenes = sample_scenes(WorldConfig(two_actors=0.5, three_actors=0.5), torch.arange(2000))
    first, second, third = scenes.actor.unbind(1)
    assert not ((first == second) | (first == third)).any()
    assert not ((second == third) & (second != NO_ACTOR)).any()
    body = torch.tensor([actor.category == "body" for actor in ACTORS])[scenes.actor] & (scenes.actor != NO_ACTOR)
    assert torch.equal(scenes.color != NO_ACTOR, body)


def test_events_happen_only_to_what_they_can_happen_to():
    scenes = sample_scenes(WorldConfig(event=1.0), torch.arange(3000))
    for slot in range(2):
        for actor, motion, event in zip(scenes.actor[:, 0], scenes.motion[:, 0], scenes.event[:, slot], strict=True):
            record, name = ACTORS[actor], EVENTS[event]
            assert name != "bitten" or record.category == "food"
            assert name != "broken" or record.category in ("building", "object", "vehicle")
            assert name != "blown out" or record.name == "candle"
            assert name != "footprints" or MOTIONS[motion] in ("walk", "run", "hop")
    kinds = torch.bincount(scenes.event[:, 0], minlength=len(EVENTS))
    assert kinds[0] == 0 and (kinds[1:5] > 400).all() and kinds[5] > 30
    twice = scenes.event[:, 1] != 0
    assert (scenes.event_time[twice, 1] > scenes.event_time[twice, 0] + 0.3).all()
    assert (scenes.event[twice, 0] != scenes.event[twice, 1]).all()


@pytest.mark.parametrize("aspect", [9 / 16, 1.0, 16 / 9])
def test_one_actor_stays_in_view(aspect):
    scenes = sample_scenes(PLAIN, torch.arange(1000), aspect=aspect)
    box = screen_boxes(scenes, simulate(scenes, 1 + round(8 * CLIP_SECONDS), 8.0), aspect)[:, :, 0]
    inside = (box > -0.005) & (box < 1.005)
    assert inside.all(dim=2).all(dim=1).float().mean() > 0.98
    centre = box[:, 8, ::2].mean(dim=1)
    assert centre.min() < 0.3 and centre.max() > 0.7  # and the width is used


def test_two_actors_stay_in_a_narrow_view_as_in_a_square_one():
    shares = []
    for aspect in (9 / 16, 1.0):
        scenes = sample_scenes(WorldConfig(two_actors=1.0, camera=0.0, cut=0.0), torch.arange(600), aspect=aspect)
        box = screen_boxes(scenes, simulate(scenes, 9, 4.0), aspect)[:, :, :2]
        shares.append(((box > -0.005) & (box < 1.005)).all(dim=3).float().mean())
    assert min(shares) > 0.95


def test_scenes_of_a_square_frame_are_these_for_good():
    scenes = sample_scenes(WorldConfig(), torch.arange(400))
    sums = torch.tensor([439.78562, 146.52868, 648.02725], dtype=torch.float64)
    torch.testing.assert_close(scenes.start.double().abs().sum(dim=(0, 1)), sums, rtol=1e-5, atol=0)
    torch.testing.assert_close(scenes.start[7, 0], torch.tensor([1.8712077, 0.0, 3.3039367]), rtol=1e-5, atol=1e-6)


def test_neighbours_do_not_overlap_at_the_start():
    scenes = sample_scenes(WorldConfig(two_actors=1.0, camera=0.0), torch.arange(3000))
    box = screen_boxes(scenes, simulate(scenes, 1, 8.0))[:, 0]
    common = torch.minimum(box[:, 0, 2], box[:, 1, 2]) - torch.maximum(box[:, 0, 0], box[:, 1, 0])
    apart = common < 0.005
    stacked = (scenes.motion[:, 0] == number("ride")) | (scenes.motion[:, 0] == number("pass_behind"))
    assert apart[~stacked].float().mean() > 0.99
    left = (box[:, 0, 0] < box[:, 1, 0]).float().mean()
    assert abs(left - 0.5) < 0.06


def test_arranging_twice_changes_nothing():
    scenes = sample_scenes(EVERYTHING, torch.arange(300))
    torch.testing.assert_close(arrange(scenes).start, scenes.start)


def test_a_world_of_one_combination_or_none():
    lone = sample_scenes(
        WorldConfig(actors=1, places=("beach",), motions=("walk", "run", "hop", "spin")), torch.arange(9)
    )
    assert (lone.actor[:, 0] == 0).all() and (lone.actor[:, 1:] == NO_ACTOR).all()
    with pytest.raises(InvalidArgument, match="at least one combination"):
        sample_scenes(WorldConfig(places=("desert",), motions=("swim",)), torch.arange(4))
    with pytest.raises(InvalidArgument, match="at least one combination"):
        sample_scenes(WorldConfig(actors=1, motions=("chase",)), torch.arange(4))


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(InvalidArgument, match="nearest: beach"):
        sample_scenes(WorldConfig(places=("beech",)), torch.arange(4))
    with pytest.raises(InvalidArgument, match="nearest: train"):
        sample_scenes(WorldConfig(), torch.arange(4), "trains")
    with pytest.raises(InvalidArgument, match="actors must be between 1"):
        sample_scenes(WorldConfig(actors=0), torch.arange(4))
