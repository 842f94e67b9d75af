"""Films at other rates: how long, which moments, what lies between."""

import numpy as np
import pytest
import torch

from pipeline_parts import toy_pipeline
from skyloom.pipelines.retiming import between, retimed

QUICK = {"num_inference_steps": 1, "guidance_scale": 1.0, "seed": 3}


def numbered(count):
    """Frames without any texture, each of its own number."""
    return (torch.arange(count) / 64).view(1, 1, -1, 1, 1).expand(1, 3, -1, 16, 16)


@pytest.mark.parametrize(("fps", "count"), [(4.0, 9), (16.0, 30), (12.0, 20), (6.0, 12), (8.0, 17)])
def test_each_frame_is_that_of_its_moment(fps, count):
    chunks = iter(numbered(17).split([5, 4, 4, 4], dim=2))
    shown = torch.cat(list(retimed(chunks, 8.0, fps, count)), dim=2)
    assert shown.shape == (1, 3, count, 16, 16)
    torch.testing.assert_close(shown[0, 0, :, 8, 8] * 64, torch.arange(count) * 8 / fps, atol=2e-3, rtol=0)


def test_no_more_is_made_than_is_shown():
    def chunks():
        yield numbered(5)
        raise AssertionError("asked for more")

    assert torch.cat(list(retimed(chunks(), 8.0, 16.0, 9)), dim=2).shape[2] == 9


def test_between_two_places_a_thing_is_half_way():
    frames = -torch.ones(2, 3, 32, 32)
    frames[0, :, 12:20, 8:16], frames[1, :, 12:20, 12:20] = 1.0, 1.0
    middle = between(frames, torch.tensor([0.5]))[0, 0]
    assert middle[14:18, 12:16].min() > 0.9 and middle[14:18, 20:].max() < -0.9


@pytest.mark.parametrize(("fps", "frames"), [(16.0, 17), (4.0, 5), (24.0, 13)])
def test_a_film_at_another_rate_shows_the_same_scene(fps, frames):
    pipeline = toy_pipeline()
    own = pipeline.generate("a fox", num_frames=13, **QUICK).frames
    made = pipeline.generate("a fox", num_frames=frames, fps=fps, **QUICK)
    assert len(made.frames) == frames and made.fps == fps and made.metadata["scalars"] == {"fps": fps}
    whole = [k for k in range(frames) if (k * 8 / fps) % 1 == 0 and k * 8 / fps < 5]
    for k in whole:
        assert np.abs(made.frames[k].astype(int) - own[int(k * 8 / fps)]).max() <= 1
