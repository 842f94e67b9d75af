"""What is told of a clip: boxes, visibility, records."""

import json
from dataclasses import replace

import torch

from skyloom.config import WorldConfig
from skyloom.world.bodies import body_sizes
from skyloom.world.physics import simulate
from skyloom.world.sampling import sample_scenes
from skyloom.world.scene import NO_ACTOR
from skyloom.world.truth import screen_boxes, truth, visibility
from skyloom.world.vocabulary import EVENTS

STANDING = WorldConfig(motions=("stand",), two_actors=0.0, three_actors=0.0, camera=0.0, cut=0.0)


def standing_at(x, y=0.0):
    scenes = sample_scenes(STANDING, torch.arange(4))
    start = torch.zeros_like(scenes.start)
    start[:, 0, 0], start[:, 0, 1] = x, y
    return replace(scenes, start=start)


def test_a_box_is_the_actor_in_shares_of_the_frame():
    scenes = standing_at(0.0)
    tracks = simulate(scenes, 3, 8.0)
    tracks = replace(tracks, stretch=torch.ones_like(tracks.stretch))
    height, width = body_sizes(scenes)
    box = screen_boxes(scenes, tracks)[:, 0, 0]
    torch.testing.assert_close(box[:, 1], torch.full((4,), 0.8 / 4))
    torch.testing.assert_close(box[:, 3] - box[:, 1], height[:, 0] / 4)
    torch.testing.assert_close(box[:, 2] - box[:, 0], width[:, 0] / 4)
    torch.testing.assert_close((box[:, 2] + box[:, 0]) / 2, torch.full((4,), 0.5))


def test_half_an_actor_is_half_visible():
    scenes = standing_at(2.0, 0.3)
    torch.testing.assert_close(visibility(scenes, simulate(scenes, 2, 8.0))[..., 0], torch.full((4, 2), 0.5))
    assert visibility(scenes, simulate(scenes, 2, 8.0))[..., 1:].abs().max() == 0
    away = standing_at(9.0)
    assert visibility(away, simulate(away, 2, 8.0)).max() == 0


def test_the_nearer_covers_the_farther():
    scenes = sample_scenes(replace(STANDING, two_actors=1.0), torch.arange(6))
    start = torch.zeros_like(scenes.start)
    start[:, 1, 2] = 0.5
    actor = scenes.actor[:, :1].expand(-1, 3).clone()
    actor[:, 2] = NO_ACTOR
    tracks = simulate(
        replace(scenes, start=start, actor=actor, scale=torch.ones(6, 3), phase=torch.zeros(6, 3)), 1, 8.0
    )
    seen = visibility(replace(scenes, actor=actor, scale=torch.ones(6, 3)), tracks)[:, 0]
    assert (seen[:, 0] > 0.9).all() and (seen[:, 1] < 0.2).all()


def test_the_record_is_json_and_complete():
    config = WorldConfig(two_actors=0.5, event=0.6, cut=0.5, camera=0.5)
    scenes = sample_scenes(config, torch.arange(30))
    tracks = simulate(scenes, 9, 4.0)
    records = json.loads(json.dumps(truth(scenes, tracks)))
    for row, record in enumerate(records):
        assert len(record["actors"]) == int((scenes.actor[row] != NO_ACTOR).sum())
        assert len(record["events"]) == int((scenes.event[row] > 0).sum())
        assert len(record["places"]) == len(record["cameras"]) == 1 + int((scenes.cut_time[row] <= 2).sum())
        assert all(event["event"] in EVENTS[1:] for event in record["events"])
        for slot, actor in enumerate(record["actors"]):
            torch.testing.assert_close(
                torch.tensor(actor["position"]), tracks.position[row, :, slot], rtol=0, atol=6e-5
            )
            assert len(actor["visible"]) == 9
