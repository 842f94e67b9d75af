"""Projection, camera paths and their scalars against answers known on paper."""

import math
from dataclasses import replace

import pytest
import torch

from skyloom.config import SCALARS, WorldConfig
from skyloom.world.camera import (
    DISTANCE,
    EYE,
    PAN_SPEED,
    TILT_SPEED,
    VIEW_BOTTOM,
    VIEW_HEIGHT,
    ZOOM_SPEED,
    camera_controls,
    camera_path,
    project,
    shot_numbers,
)
from skyloom.world.physics import simulate
from skyloom.world.sampling import sample_scenes
from skyloom.world.vocabulary import CAMERAS

STILL = torch.tensor([0.0, 0.0, 1.0])
STANDING = WorldConfig(motions=("stand",), two_actors=0.0, three_actors=0.0, camera=0.0, cut=0.0)


def filmed(camera, count=4, speed=1.0):
    scenes = sample_scenes(STANDING, torch.arange(count))
    kind = torch.full((count,), CAMERAS.index(camera))
    return replace(
        scenes, camera=kind, shot_camera=kind[:, None].expand(-1, 3), camera_speed=torch.full((count,), speed)
    )


def test_the_frame_spans_the_view_height():
    edges = torch.tensor([[0.0, VIEW_BOTTOM, 0.0], [2.0, VIEW_BOTTOM + VIEW_HEIGHT, 0.0]])
    x, y, scale = project(edges, STILL)
    torch.testing.assert_close(y, torch.tensor([-2.0, 2.0]))
    torch.testing.assert_close(x, torch.tensor([0.0, 2.0]))
    torch.testing.assert_close(scale, torch.ones(2))


def test_twice_as_far_is_half_as_large_and_all_lines_meet_at_the_horizon():
    x, y, scale = project(torch.tensor([1.0, 0.0, DISTANCE]), STILL)
    assert (x.item(), y.item(), scale.item()) == pytest.approx((0.5, -EYE / 2, 0.5))
    x, y, _ = project(torch.tensor([1.0, 0.0, 1e7]), STILL)
    assert abs(x.item()) < 1e-4 and abs(y.item()) < 1e-4


def test_shift_and_zoom_act_about_the_frame_centre():
    camera = torch.tensor([0.5, -0.25, 2.0])
    x, y, scale = project(torch.tensor([0.5, EYE - 0.25, 0.0]), camera)
    assert (x.item(), y.item(), scale.item()) == pytest.approx((0, 0, 2), abs=1e-6)


def rates(camera, speed=1.0):
    controls = camera_controls(simulate(filmed(camera, speed=speed), 17, 8.0))[0]
    return dict(zip(SCALARS, controls.tolist(), strict=True))


@pytest.mark.parametrize("speed", [0.6, 1.0, 1.4])
def test_scalars_tell_the_camera(speed):
    pan, tilt = speed * PAN_SPEED / VIEW_HEIGHT, speed * TILT_SPEED / VIEW_HEIGHT
    assert rates("pan right", speed)["pan"] == pytest.approx(pan, rel=1e-4)
    assert rates("pan left", speed)["pan"] == pytest.approx(-pan, rel=1e-4)
    assert rates("tilt up", speed)["tilt"] == pytest.approx(tilt, rel=1e-4)
    assert rates("tilt down", speed)["tilt"] == pytest.approx(-tilt, rel=1e-4)
    assert rates("zoom in", speed)["zoom"] == pytest.approx(speed * ZOOM_SPEED, rel=1e-4)
    assert rates("zoom out", speed)["zoom"] == pytest.approx(-speed * ZOOM_SPEED, rel=1e-4)
    assert rates("dolly in", speed)["zoom"] == pytest.approx(-rates("dolly out", speed)["zoom"], rel=1e-4)
    still = rates("still")
    assert (still["pan"], still["tilt"], still["zoom"], still["fps"]) == (0, 0, 0, 0)


def test_scalars_hold_rate_and_motion():
    tracks = simulate(filmed("still"), 33, 16.0)
    moving = replace(tracks, velocity=torch.full_like(tracks.velocity, 1 / math.sqrt(3)))  # 1 m/s
    controls = camera_controls(moving, aspect=2.0)
    torch.testing.assert_close(controls[:, 0], torch.ones(4))
    torch.testing.assert_close(controls[:, 1], torch.full((4,), 0.5))
    wide = camera_controls(simulate(filmed("pan right"), 17, 8.0), aspect=2.0)
    torch.testing.assert_close(wide[:, 2], torch.full((4,), PAN_SPEED / (2 * VIEW_HEIGHT)))


def test_one_frame_has_no_camera_motion():
    assert camera_controls(simulate(filmed("pan right"), 1, 8.0))[:, 2:].abs().max() == 0


def test_pans_look_ahead_in_the_middle_and_zooms_end_on_the_whole_view():
    for name in ("pan left", "tilt up", "zoom out", "dolly out"):
        camera = simulate(filmed(name), 17, 8.0).camera
        torch.testing.assert_close(camera[:, 8, :2] * (name[:3] in ("pan", "til")), torch.zeros(4, 2))
        assert camera[:, :, 2].min() >= 1
    torch.testing.assert_close(simulate(filmed("zoom out"), 17, 8.0).camera[:, -1], STILL.expand(4, 3))


def test_a_dolly_parts_near_and_far_where_a_zoom_does_not():
    assert simulate(filmed("dolly in"), 17, 8.0).camera[:, 0, 0].abs().min() > 0.3
    assert simulate(filmed("zoom in"), 17, 8.0).camera[:, :, :2].abs().max() == 0


def test_shaking_stays_around_the_centre():
    camera = simulate(filmed("shake"), 161, 8.0).camera
    assert camera[..., :2].mean(dim=1).abs().max() < 0.02
    assert camera[..., 0].std() > 0.03
    assert camera[..., :2].abs().max() < 0.2


def test_each_shot_begins_its_camera_anew_while_actors_go_on():
    scenes = filmed("pan right")
    cut = replace(scenes, cut_time=torch.tensor([[1.0, torch.inf]]).expand(4, 2))
    tracks, whole = simulate(cut, 17, 8.0), simulate(scenes, 17, 8.0)
    torch.testing.assert_close(tracks.camera[:, 8:], whole.camera[:, :9])
    assert torch.equal(tracks.position, whole.position)
    assert tracks.shot[0].tolist() == [0] * 8 + [1] * 9
    torch.testing.assert_close(camera_controls(tracks)[:, 2], camera_controls(whole)[:, 2])


def test_camera_path_takes_any_times():
    scenes = filmed("zoom in")
    times = torch.tensor([0.0, 0.7, 1.9])
    path = camera_path(scenes, times, shot_numbers(scenes, times))
    torch.testing.assert_close(path[0, :, 2], 2 ** (ZOOM_SPEED * times))


def test_approaching_grows_on_screen():
    config = replace(STANDING, motions=("approach",))
    tracks = simulate(sample_scenes(config, torch.arange(8)), 17, 8.0)
    scale = project(tracks.position[:, :, 0], tracks.camera)[2]
    assert (scale[:, -1] / scale[:, 0] > 1.25).all()
