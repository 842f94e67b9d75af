"""Clips of the world, with words and edits."""

import dataclasses

import torch

from skyloom.config import ClipConfig, WorldConfig
from skyloom.models.boxes import cover
from skyloom.shapes import LatentSize
from skyloom.training.sources import WorldSource
from skyloom.world.physics import simulate
from skyloom.world.render import render
from skyloom.world.scene import NO_ACTOR

SOURCE = WorldSource(WorldConfig(), ClipConfig(num_frames=5, height=32, width=32))


def test_the_pixels_of_unedited_clips_are_the_worlds_and_captions_do_not_change():
    clips = SOURCE.captioned(torch.arange(3, 9), 2, 2)
    assert torch.allclose(clips.pixels[2:], SOURCE(torch.arange(5, 9)), atol=0.02)
    assert torch.allclose(clips.before, SOURCE(torch.arange(3, 5)), atol=0.02)
    again = SOURCE.captioned(torch.arange(5, 9), 2, 0)
    assert list(again.captions) == list(clips.captions[2:])
    assert torch.allclose(again.scalars, clips.scalars[2:], atol=1e-5)
    assert again.before is None and again.instructions == []


def test_edits_change_the_picture_and_say_how():
    clips = SOURCE.captioned(torch.arange(20), 1, 20)
    changed = (clips.pixels - clips.before).abs().flatten(1).amax(1) > 0.02
    assert changed.float().mean() > 0.8
    assert len(clips.instructions) == 20 and all(clips.instructions)
    assert 0 < sum(any("一" <= letter <= "鿿" for letter in words) for words in clips.instructions) < 10


def test_boxes_lie_where_the_actors_are_seen():
    """What changes when the actors vanish lies in their boxes; empty slots have none."""
    scenes = SOURCE.world.scenes(torch.arange(24), "train", 1.0)
    tracks = simulate(scenes, 5, 8.0)
    empty = dataclasses.replace(tracks, opacity=torch.zeros_like(tracks.opacity))
    boxes = SOURCE.boxes(scenes, tracks)
    assert boxes.shape == (24, 3, 5, 4)
    assert torch.equal(boxes[:, :, 0].isnan().all(-1), scenes.actor == NO_ACTOR)
    change = (render(scenes, tracks, 32, 32) - render(scenes, empty, 32, 32)).abs().amax(1)
    inside = cover(boxes, LatentSize(5, 32, 32)).amax(1) > 0
    assert change[inside].mean() > 8 * change[~inside].mean()


def test_outlines_are_the_clips_without_their_pictures():
    clips = SOURCE.captioned(torch.arange(7, 12), 1, 0)
    captions, scalars, boxes, actors = SOURCE.outlined(torch.arange(7, 12))
    assert [[caption] for caption in captions] == list(clips.captions)
    assert torch.equal(boxes.isnan(), clips.boxes.isnan()) and torch.equal(actors, clips.actors)
    assert torch.equal(actors < 0, boxes.isnan().flatten(2).all(2))
    assert torch.allclose(boxes, clips.boxes, equal_nan=True) and torch.allclose(scalars, clips.scalars)
