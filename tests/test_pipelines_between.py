"""Frames between frames: real ones are kept, motion is followed, nothing happens where nothing moves."""

import numpy as np
import pytest
import torch

from pipeline_parts import toy_pipeline
from skyloom.data.motion import in_between, moved
from skyloom.errors import InvalidArgument
from skyloom.pipelines import between
from skyloom.video import Video

QUICK = {"num_inference_steps": 1, "guidance_scale": 1.0, "seed": 3}


@pytest.fixture(scope="module")
def pipeline():
    return toy_pipeline()


def ball(places, size=32):
    """A soft white ball on a still ground, at columns `places`."""
    rows, columns = torch.meshgrid(torch.arange(size) + 0.5, torch.arange(size) + 0.5, indexing="ij")
    ground = 0.3 * torch.sin(rows / 3) * torch.cos(columns / 2) - 0.4
    frames = []
    for place in places:
        near = torch.exp(-((((rows - size / 2) ** 2 + (columns - place) ** 2) / 12) ** 2))
        frames.append(ground * (1 - near) + near)
    return torch.stack(frames)[None].expand(3, -1, -1, -1)[None].clone()


def test_blending_hits_real_frames_and_the_middle():
    frames = torch.arange(3.0).view(1, 1, 3, 1, 1)
    assert between.blended(frames, 4, torch.arange(11)).flatten().tolist() == [i / 4 for i in range(9)] + [2.0, 2.0]


def test_ties_go_through_the_real_frames():
    real, made = torch.tensor([1.0, 3.0, 2.0]).view(1, 1, 3, 1, 1), torch.zeros(1, 1, 5, 1, 1)
    assert between.tied(made, real, 2, 0).flatten().tolist() == [1, 2, 3, 2.5, 2]
    assert between.tied(made[:, :, :3], real, 2, 1).flatten().tolist() == [3, 3, 3]
    straight = between.blended(real, 2, torch.arange(5))
    assert torch.equal(between.tied(straight, real, 2, 0), straight)


def test_moving_is_moving():
    frames = ball([10, 13])[0].transpose(0, 1)
    assert (moved(frames[:1], 0, 3) - frames[1:])[..., 12:20, 6:20].abs().max() < 0.7  # the ground moves along
    assert torch.allclose(moved(frames, 0, 0), frames, atol=1e-5)


def test_motion_beats_blending():
    frames = ball([8, 10, 12])[0].transpose(0, 1)
    found, doubt = in_between(frames[:1], frames[2:], 0.5)
    straight = (frames[:1] + frames[2:]) / 2
    assert (found - frames[1:2]).square().mean() < 0.25 * (straight - frames[1:2]).square().mean()
    assert doubt.max() < 0.5


@pytest.mark.parametrize(("count", "factor"), [(5, 2), (9, 3), (4, 4), (2, 2)])
def test_real_frames_are_kept(pipeline, count, factor):
    own = Video(np.random.default_rng(0).integers(0, 255, (count, 32, 32, 3), np.uint8), 8.0)
    made = pipeline.interpolate(own, factor=factor, **QUICK)
    assert len(made.frames) == (count - 1) * factor + 1 and made.fps == 8.0 * factor
    assert np.array_equal(made.frames[::factor], own.frames)
    assert made.metadata["factor"] == factor and made.metadata["scalars"]["fps"] == 8.0 * factor


def test_what_stands_still_stays(pipeline):
    still = Video(ball([16] * 4)[0].permute(1, 2, 3, 0).add(1).mul(127).byte().numpy(), 8.0)
    made = pipeline.interpolate(still, factor=2, **QUICK).frames
    assert np.abs(made.astype(int) - still.frames[0]).max() <= 1


def test_the_rate_to_start_from_may_be_told(pipeline):
    own = Video(np.random.default_rng(0).integers(0, 255, (9, 32, 32, 3), np.uint8), 16.0)
    made = pipeline.interpolate(own, factor=2, fps=8.0, **QUICK)
    assert made.fps == 16.0 and np.array_equal(made.frames[::2], own.frames[::2])


def test_bad_input_is_refused(pipeline):
    own = Video(np.zeros((1, 32, 32, 3), np.uint8), 8.0)
    with pytest.raises(InvalidArgument, match="video must have at least 2"):
        pipeline.interpolate(own, **QUICK)
    for factor in (1, 9):
        with pytest.raises(InvalidArgument, match="factor must be a whole number from 2 to 8"):
            pipeline.interpolate(own, factor=factor)
