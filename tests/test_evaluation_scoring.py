"""Readings against what was asked."""

import torch

from skyloom.config import WorldConfig
from skyloom.evaluation.scoring import asked, score, summarise
from skyloom.world.facts import describe_all
from skyloom.world.sampling import sample_scenes


def actor(name, motion, direction="none"):
    return {"name": name, "motion": motion, "direction": direction}


def reading(*actors, **slots):
    usual = {"place": "beach", "weather": "clear", "camera": "still", "style": "3d render", "in_order": True}
    return {"count": len(actors), "actors": list(actors), **usual, **slots}


def wanted(*actors, **slots):
    asked_for = [a | {"direction": None if a["direction"] == "none" else a["direction"]} for a in actors]
    return {"count": len(actors), "actors": asked_for, "place": "beach", **slots}


def test_what_is_not_asked_is_not_scored():
    found = score(reading(actor("fox", "stand", "left"), weather="rain"), wanted(actor("fox", "stand")))
    assert found == {"count": 1, "actor": 1, "motion": 1, "place": 1, "all": 1, "order": 1}


def test_each_wrong_slot_is_wrong_alone():
    want = wanted(actor("fox", "walk", "left"), weather="rain")
    right = reading(actor("fox", "walk", "left"), weather="rain")
    assert score(right, want)["all"] == 1
    wrong = {
        "actor": reading(actor("owl", "walk", "left"), weather="rain"),
        "motion": reading(actor("fox", "run", "left"), weather="rain"),
        "direction": reading(actor("fox", "walk", "right"), weather="rain"),
        "weather": right | {"weather": "snow"},
        "place": right | {"place": "desert"},
        "count": right | {"count": 2},
    }
    for slot, seen in wrong.items():
        found = score(seen, want)
        assert [name for name, value in found.items() if value < 1] == [slot, "all"] or slot == "weather"
        assert found[slot] == 0
        assert found["all"] == 0


def test_time_out_of_order_is_scored_outside_of_all():
    found = score(reading(actor("fox", "stand"), in_order=False), wanted(actor("fox", "stand")))
    assert found["order"] == 0
    assert found["all"] == 1


def test_two_actors_are_matched_whatever_their_order():
    fox, owl = actor("fox", "walk", "left"), actor("owl", "jump")
    for seen in (reading(fox, owl), reading(owl, fox)):
        assert score(seen, wanted(fox, owl))["all"] == 1
    swapped = reading(actor("fox", "jump"), actor("owl", "walk", "left"))
    found = score(swapped, wanted(fox, owl))
    assert found["actor"] == 1
    assert found["motion"] == 0
    assert found["direction"] == 0


def test_a_missing_actor_is_half_of_two():
    found = score(reading(actor("owl", "jump")), wanted(actor("fox", "walk", "left"), actor("owl", "jump")))
    assert (found["count"], found["actor"], found["motion"], found["direction"], found["all"]) == (0, 0.5, 0.5, 0, 0)


def test_summary_counts_only_samples_that_asked():
    table = summarise([{"all": 1.0, "weather": 1.0}, {"all": 0.0}])
    assert (table["all"].mean, table["all"].samples) == (0.5, 2)
    assert (table["weather"].mean, table["weather"].samples) == (1.0, 1)
    assert "camera" not in table


def test_a_scene_read_as_it_is_scores_full_marks():
    scenes = sample_scenes(WorldConfig(event=0, cut=0, three_actors=0), torch.arange(40), "seen")
    for facts in describe_all(scenes):
        seen = [actor(a.name, a.motion, a.direction or "none") for a in facts.actors]
        slots = {name: getattr(facts, name) for name in ("place", "weather", "camera", "style")}
        found = score(reading(*seen, **slots), asked(facts, {}))
        assert set(found.values()) == {1.0}
        assert {"weather", "camera", "style"} <= set(found)
