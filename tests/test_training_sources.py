"""Clips of the world, with words and edits."""

import torch

from skyloom.config import ClipConfig, WorldConfig
from skyloom.training.sources import WorldSource

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
