"""The world's front door: numbered clips with pictures and truth."""

import torch

from skyloom.config import ClipConfig, WorldConfig
from skyloom.world.camera import project
from skyloom.world.stream import World

CLIP = ClipConfig(num_frames=5, height=32, width=48)


def test_a_clip_is_the_same_in_any_batch():
    world = World(WorldConfig(two_actors=0.5, event=0.5))
    many, one = world.batch(torch.arange(6), CLIP), world.batch(torch.tensor([4]), CLIP)
    assert many.pixels.shape == (6, 3, 5, 32, 48)
    torch.testing.assert_close(one.pixels[0], many.pixels[4], rtol=0, atol=2e-3)
    assert one.truth()[0] == many.truth()[4]


def test_pictures_show_actors_where_the_truth_says():
    """What changes between the first and the last frame lies around where the actor was and is."""
    config = WorldConfig(motions=("walk",), two_actors=0.0, three_actors=0.0, weather=0.0, style=0.0, camera=0.0)
    batch = World(config).batch(torch.arange(4), ClipConfig(num_frames=5, height=64, width=64, fps=2.0))
    centre = batch.tracks.position[:, :, 0] + torch.tensor([0.0, 1.0, 0.0]) * batch.tracks.size[:, :, :1] / 2
    x = project(centre, batch.tracks.camera)[0]
    moved = (batch.pixels - batch.pixels[:, :, :1]).abs().amax(dim=1)[:, -1]  # (b, h, w): there or there before
    for row in range(4):
        columns = moved[row].amax(dim=0) > 0.3
        seen = columns.nonzero().flatten().float() / 16 - 2
        low, high = sorted((x[row, 0].item(), x[row, -1].item()))
        assert abs((seen.min() + seen.max()) / 2 - (low + high) / 2) < 0.25
