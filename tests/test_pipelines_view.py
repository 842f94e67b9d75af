"""A view that moves over a larger picture: where it looks, how large that is."""

import numpy as np
import pytest
import torch

from pipeline_parts import toy_pipeline
from skyloom.pipelines.tasks import Room
from skyloom.pipelines.view import View, view_of
from skyloom.shapes import Strides, VideoSize

QUICK = {"num_inference_steps": 1, "guidance_scale": 1.0, "seed": 3}


def room(frames=17, **scalars):
    return Room(VideoSize(frames, 64, 64), 8.0, Strides(4, 8), encode=lambda pixels: pixels, patch=2, scalars=scalars)


def ramp(view):
    """Red is the place across, green the place upward, in painted pixels from the centre, over 256."""
    size = view.painted.size
    x = torch.arange(size.width) + 0.5 - size.width / 2
    y = size.height / 2 - torch.arange(size.height) - 0.5
    across, upward = x.expand(size.height, -1), y[:, None].expand(-1, size.width)
    rows = torch.stack([across, upward, torch.zeros_like(across)])
    return (rows / 256)[None, :, None].expand(-1, -1, 17, -1, -1)


def middle(pixels):
    """Return where each frame looks (k, 2) and how wide (k,), in painted pixels."""
    frames = pixels[0].transpose(0, 1) * 256
    inner = frames[:, :, 24:40, 24:40]
    return inner[:, :2].mean((2, 3)), (inner[:, 0, :, -1] - inner[:, 0, :, 0]).mean(1) / 15


def test_a_pan_and_a_tilt_go_as_far_as_told():
    view = view_of(room(pan=0.125, tilt=-0.25))
    where, scale = middle(view.seen(ramp(view), 0))
    seconds = torch.arange(17) / 8 - 1
    torch.testing.assert_close(where, torch.stack([8 * seconds, -16 * seconds], 1), atol=1e-3, rtol=0)
    torch.testing.assert_close(scale, torch.ones(17), atol=1e-3, rtol=0)
    assert (view.painted.size.width, view.painted.size.height) == (80, 96)
    assert view.painted.scalars == {"pan": 0.0, "tilt": 0.0, "zoom": 0.0}


@pytest.mark.parametrize("zoom", [0.25, -0.25])
def test_a_zoom_doubles_as_fast_as_told(zoom):
    view = view_of(room(zoom=zoom))
    where, scale = middle(view.seen(ramp(view), 0))
    assert where.abs().max() < 1e-3
    doublings = torch.log2(scale.max() / scale).flip(0) if zoom < 0 else torch.log2(scale.max() / scale)
    torch.testing.assert_close(doublings, torch.arange(17) / 8 * 0.25, atol=0.02, rtol=0)  # bicubic bends a ramp
    torch.testing.assert_close(scale.max(), torch.tensor(view.density), atol=0.02, rtol=0)


def test_frames_of_later_windows_go_on():
    view = view_of(room(pan=0.125))
    whole = view.seen(ramp(view), 0)
    torch.testing.assert_close(view.seen(ramp(view)[:, :, 9:], 9), whole[:, :, 9:])


def test_boxes_are_those_of_the_middle_view():
    view = view_of(room(pan=0.125, tilt=0.125))
    assert view.boxes(torch.tensor([0.0, 0.5, 1.0, 1.0])).tolist() == pytest.approx([0.1, 0.5, 0.9, 0.9])


def test_a_still_camera_and_one_that_goes_too_far_are_left_to_the_network():
    assert view_of(room()) is None and view_of(room(pan=0.0, motion=0.5)) is None and view_of(room(1, pan=1.0)) is None
    assert isinstance(view_of(room(pan=0.3)), View) and view_of(room(pan=0.4)) is None
    assert view_of(room(481, pan=0.12)) is None


def test_a_told_camera_keeps_size_and_numbers():
    pipeline = toy_pipeline()
    made = pipeline.generate("a fox", num_frames=9, pan=0.2, **QUICK)
    assert made.frames.shape == (9, 32, 32, 3) and made.metadata["scalars"] == {"pan": 0.2}
    still = pipeline.generate("a fox", num_frames=9, **QUICK)
    assert not np.array_equal(made.frames, still.frames)
