"""Measures of clips against answers known beforehand: planted seams, frozen clips, known camera paths."""

import pytest
import torch

from skyloom.evaluation.camera_estimate import camera_path, camera_rates
from skyloom.evaluation.clip_measures import (
    STILL_STEP,
    colour_shift,
    distance,
    is_frozen,
    largest_step_ratio,
    moved_area,
    rising,
    seam_ratio,
    sharpness,
    steps,
)
from skyloom.evaluation.filling import blended, flow_installed, flow_warped
from skyloom.evaluation.metrics import bootstrap_interval, psnr
from skyloom.evaluation.tasks_suite_control import camera_scores


def brightening(step, frames=9):
    """A grey clip that grows brighter by `step` of the range in each frame."""
    level = -0.5 + 2 * step * torch.arange(frames)
    return level.view(1, 1, -1, 1, 1).expand(1, 3, frames, 16, 16).clone()


def smooth_noise(height, width, seed=0):
    noise = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(seed))
    for _ in range(3):
        noise = torch.nn.functional.avg_pool2d(noise, 5, 1, 2)
    return noise[0] / noise.std() * 0.3


def test_a_planted_seam_is_as_many_steps_as_it_was_made():
    clip = brightening(0.02)
    assert seam_ratio(clip, [4]).item() == pytest.approx(1.0, abs=1e-4)
    clip[:, :, 4:] += 2 * 0.04  # two steps more
    assert steps(clip)[0, 3].item() == pytest.approx(0.06, abs=1e-5)
    assert seam_ratio(clip, [4]).item() == pytest.approx(3.0, abs=1e-4)
    assert seam_ratio(clip, [2, 4]).item() == pytest.approx(3.0, abs=1e-4)
    assert seam_ratio(clip, [2]).item() == pytest.approx(1.0, abs=1e-4)
    assert largest_step_ratio(clip, 1, 8).item() == pytest.approx(3.0, abs=1e-4)
    assert largest_step_ratio(clip, 5, 8).item() == pytest.approx(1.0, abs=1e-4)


def test_colour_shift_is_the_largest_of_the_colours():
    clip = torch.zeros(1, 3, 6, 8, 8)
    clip[:, 1, 3:] += 0.1
    assert colour_shift(clip, [3]).item() == pytest.approx(0.05)
    assert colour_shift(clip, [2]).item() == 0
    assert colour_shift(clip, [2, 3]).item() == pytest.approx(0.05)


def test_clips_at_rest_have_finite_seams():
    clip = torch.zeros(1, 3, 5, 8, 8)
    clip[:, :, 3:] += 0.1
    assert seam_ratio(clip, [3]).item() == pytest.approx(0.05 / STILL_STEP, rel=1e-4)


def test_grain_is_no_motion_and_a_moving_square_is():
    still = smooth_noise(32, 32)[None, :, None].expand(1, 3, 9, 32, 32)
    grain = still + 0.05 * torch.randn(still.shape, generator=torch.Generator().manual_seed(1))
    assert bool(is_frozen(still)) and bool(is_frozen(grain))
    moving = still.clone()
    for frame in range(9):
        moving[:, :, frame, 12:20, 2 * frame : 2 * frame + 8] = 1.0
    assert not bool(is_frozen(moving))
    assert 0.05 < moved_area(moving).item() < 0.3


def test_distance_and_sharpness_of_known_clips():
    clip = torch.zeros(1, 3, 2, 8, 8)
    assert distance(clip, clip + 0.5).item() == pytest.approx(0.25)
    assert sharpness(clip).item() == 0
    checks = ((torch.arange(8)[:, None] + torch.arange(8)) % 2 * 2.0 - 1).expand(1, 3, 2, 8, 8)
    assert sharpness(checks).item() == pytest.approx(4.0)


def test_rising_counts_neighbours():
    assert rising([1, 2, 3]) == 1.0
    assert rising([1, 3, 2]) == 0.5
    assert rising([1, 1.05], slack=0.1) == 0.0


@pytest.mark.parametrize(("axis", "rate"), [(0, 0.15), (0, -0.15), (1, 0.1), (1, -0.1)])
def test_camera_path_of_a_window_that_slides(axis, rate):
    wide = smooth_noise(128, 128)
    shift = [(0.0, 0.0)] * 9
    shift = [tuple((rate / 8 * 64 * frame if k == axis else 0.0) for k in range(2)) for frame in range(9)]
    frames = []
    for x, y in shift:
        grid_y, grid_x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
        grid = torch.stack([(grid_x + 32 + x + 0.5) / 64 - 1, (grid_y + 32 - y + 0.5) / 64 - 1], -1)
        frames.append(torch.nn.functional.grid_sample(wide[None], grid[None], align_corners=False)[0])
    rates = camera_rates(torch.stack(frames, 1)[None], 8.0)[0]
    assert rates[axis].item() == pytest.approx(rate, rel=0.1)
    assert rates[1 - axis].abs().item() < 0.01
    assert rates[2].abs().item() < 0.02


@pytest.mark.parametrize("doublings", [0.25, -0.25])
def test_camera_path_of_a_window_that_grows(doublings):
    wide, frames = smooth_noise(128, 128), []
    for frame in range(9):
        y, x = torch.meshgrid(torch.linspace(-0.5, 0.5, 64), torch.linspace(-0.5, 0.5, 64), indexing="ij")
        grid = torch.stack([x, y], -1) / 2 ** (doublings * frame / 8)
        frames.append(torch.nn.functional.grid_sample(wide[None], grid[None], align_corners=False)[0])
    path = camera_path(torch.stack(frames, 1)[None])[0]
    assert path[-1, 2].item() == pytest.approx(doublings, rel=0.1)
    assert path[0].abs().max().item() == 0


def test_camera_scores_know_sign_and_error():
    true = torch.zeros(5, 3)
    true[:, 1] = torch.arange(5) * -0.1
    told = torch.tensor([0.0, -0.3, 0.0])
    same, half, wrong = (camera_scores(true * factor, true, told, "word") for factor in (1.0, 0.5, -1.0))
    assert (same["sign"], same["path error"], same["length"]) == (1.0, 0.0, 1.0)
    assert (half["sign"], half["path error"]) == (1.0, pytest.approx(0.5))
    assert (wrong["sign by word"], wrong["path error"]) == (0.0, pytest.approx(2.0))
    assert camera_scores(true * 0.05, true, told, "word")["sign"] == 0.0


def test_blending_is_exact_where_light_changes_evenly():
    clip = brightening(0.02, 9)
    assert psnr(blended(clip[:, :, ::2], 2), clip).item() > 100
    assert psnr(blended(clip[:, :, ::4], 4), clip).item() > 100


@pytest.mark.skipif(not flow_installed(), reason="opencv-python-headless is not installed")
def test_flow_beats_blending_where_things_move():
    wide = smooth_noise(48, 96)
    clip = torch.stack([wide[:, :, 2 * frame : 2 * frame + 48] for frame in range(9)], 1)[None].clamp(-1, 1)
    known = clip[:, :, ::2]
    inside = torch.zeros(1, 1, 9, 48, 48)
    inside[..., 8:-8, 8:-8] = 1
    assert psnr(flow_warped(known, 2), clip, inside).item() > psnr(blended(known, 2), clip, inside).item() + 6
    assert torch.allclose(flow_warped(known, 2)[:, :, ::2], known, atol=1 / 255 + 1e-6)


def test_the_interval_of_a_median_ignores_an_outlier():
    values = [1.0] * 20 + [1000.0]
    assert bootstrap_interval(values, statistic="median") == (1.0, 1.0)
    assert bootstrap_interval(values)[1] > 50
