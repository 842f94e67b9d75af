"""Permanence: scores of ends that were made up, scenes in which someone is out of sight, faults that are noticed."""

import dataclasses

import torch

from skyloom.evaluation.oracle import load_oracle
from skyloom.evaluation.oracle_clips import numbered_scenes
from skyloom.evaluation.permanence_scenes import (
    looked_away,
    passing,
    passing_world,
    set_apart,
    smaller,
    staying_world,
    turned_away,
)
from skyloom.evaluation.permanence_suite import Who, behind_scores, frame_scores, who_is_there
from skyloom.presets import preset
from skyloom.world.facts import describe_all
from skyloom.world.physics import simulate
from skyloom.world.truth import screen_boxes, visibility

ROW = preset("nano")
AB, BA = Who(("fox", "car"), (0.2, 0.6)), Who(("car", "fox"), (0.4, 0.8))


def test_who_passes_changes_sides_and_stays_who_it_is():
    assert behind_scores(AB, BA) == {"two at first": 1.0, "back": 1.0, "same": 1.0, "crossed": 1.0, "right": 1.0}
    assert behind_scores(AB, AB)["same"] == 1 and behind_scores(AB, AB)["right"] == 0
    assert behind_scores(AB, Who(("car", "cow"), (0.2, 0.6)))["same"] == 0
    assert behind_scores(AB, Who(("car",), (0.5,))) == {
        "two at first": 1.0, "back": 0.0, "same": 0.0, "crossed": 0.0, "right": 0.0,
    }  # fmt: skip
    assert behind_scores(Who(("car",), (0.5,)), BA) == {"two at first": 0.0, "right": 0.0}


def test_who_comes_back_has_the_same_name():
    fox, nobody = Who(("fox",), (0.3,)), Who((), ())
    assert frame_scores(fox, fox) == {"back": 1.0, "right": 1.0}
    assert frame_scores(fox, nobody) == {"back": 0.0, "right": 0.0}
    assert frame_scores(nobody, nobody)["right"] == 0
    assert frame_scores(fox, Who(("cow",), (0.3,))) == {"back": 1.0, "right": 0.0}


def passing_scenes(count):
    scenes = numbered_scenes(passing_world(ROW.world), ROW.clip, torch.arange(64), "heldout")
    fits = zip(smaller(scenes), describe_all(scenes), strict=True)
    rows = [row for row, (fit, facts) in enumerate(fits) if fit and facts.actors[0].speed == "normal"]
    return set_apart(scenes.select(torch.tensor(rows[:count])), ROW.clip)


def test_passing_actors_are_apart_at_both_ends_and_hidden_between():
    scenes = passing_scenes(6)
    tracks = simulate(scenes, 17, 8.0)
    seen, boxes = visibility(scenes, tracks)[..., 0], screen_boxes(scenes, tracks)
    assert (seen[:, 0] > 0.95).all() and (seen[:, -1] > 0.9).all()
    assert (seen.amin(1) < 0.35).all()
    sides = (boxes[:, :, 0, 0] + boxes[:, :, 0, 2] - boxes[:, :, 1, 0] - boxes[:, :, 1, 2]).sign()
    assert (sides[:, 0] == -sides[:, -1]).all()


def test_the_camera_turns_away_until_the_actor_is_gone_and_back():
    scenes = numbered_scenes(staying_world(ROW.world), ROW.clip, torch.arange(12), "heldout")
    path, sign = turned_away(scenes, ROW.clip)
    assert torch.allclose(path, path.flip(1)) and (path[:, :2] == 0).all()
    assert (path[:, 8].sign() == sign).all()
    tracks = simulate(scenes, 17, 8.0)
    camera = tracks.camera.clone()
    camera[..., 0] = path
    seen = visibility(scenes, dataclasses.replace(tracks, camera=camera))[..., 0]
    assert (seen[:, 8] == 0).all() and (seen[:, 0] > 0.9).all()


def test_the_judge_tells_real_passages_from_planted_faults():
    oracle = load_oracle()
    clips = passing(passing_scenes(4), ROW.clip, len(oracle.config.actors))
    right = {}
    for line, pixels in clips.items():
        ends = zip(*(who_is_there(oracle, pixels, last) for last in (False, True)), strict=True)
        right[line] = sum(behind_scores(*pair)["right"] for pair in ends) / len(pixels)
    assert right.pop("render") >= 0.75
    assert set(right.values()) == {0.0}


def test_nobody_is_seen_while_the_camera_is_away():
    scenes = numbered_scenes(staying_world(ROW.world), ROW.clip, torch.arange(2), "heldout")
    path, _ = turned_away(scenes, ROW.clip)
    pixels = looked_away(scenes, ROW.clip, path)
    away = pixels[:, :, 8:9].expand(-1, -1, 3, -1, -1)
    oracle = load_oracle()
    at_home = who_is_there(oracle, pixels[:, :, :3], False, 1)
    assert all(who.names for who in at_home)
    assert who_is_there(oracle, torch.cat([pixels[:, :, :3], away], 2)[:, :, -3:], True, 1) == [Who((), ())] * 2
