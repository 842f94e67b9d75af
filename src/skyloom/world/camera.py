"""The view: projection, camera paths, camera scalars.

At zoom 1 the frame shows VIEW_HEIGHT metres of the plane z = 0, from VIEW_BOTTOM up; its centre is (0, EYE). A point at
depth z is drawn at scale DISTANCE / (DISTANCE + z) about the eye's height, so the horizon lies at EYE.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from skyloom.world.scene import Scenes, Tracks
from skyloom.world.vocabulary import CAMERAS

EYE = 1.2
"""Height of the eye above the ground and of the frame's centre, metres."""
DISTANCE = 8.0
"""From the eye to the plane of the actors, metres."""
VIEW_HEIGHT = 4.0
VIEW_BOTTOM = EYE - VIEW_HEIGHT / 2

PAN_SPEED = 0.5
"""Metres a second of the view at camera speed 1."""
TILT_SPEED = 0.35
ZOOM_SPEED = 0.25
"""Doublings a second."""
DOLLY_SPEED = 1.2
"""Metres a second along the line of sight."""
DOLLY_ARC = 0.5
"""Metres that a dolly comes from the side, so that near and far part (a zoom moves them alike)."""
MIDDLE = 1.0
"""Seconds after a shot's start at which a pan or tilt looks straight ahead."""
ZOOM_RANGE = (1.0, 2.0)
FULL_MOTION = 2.0
"""Mean speed of the actors, metres a second, that counts as motion 1."""


def project(position: Tensor, camera: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Project points to the plane z = 0.

    position: (..., 3) metres; camera: (..., 3) as in Tracks, broadcast against it. Returns screen x and y in metres
    from the frame's centre (right and up), and the scale of sizes at that point.
    """
    near = DISTANCE / (DISTANCE + position[..., 2].clamp(min=0.25 - DISTANCE))
    zoom = camera[..., 2]
    x = (position[..., 0] * near - camera[..., 0]) * zoom
    y = ((position[..., 1] - EYE) * near - camera[..., 1]) * zoom
    return x, y, near * zoom


def shot_numbers(scenes: Scenes, times: Tensor) -> Tensor:
    """Return (b, f) int64: the number of the shot at `times` (f,) seconds."""
    return (times[None, :, None] >= scenes.cut_time[:, None, :]).sum(dim=-1)


def _zoom_in(seconds: Tensor, speed: Tensor) -> Tensor:
    return 2 ** (ZOOM_SPEED * speed * seconds)


def _dolly_in(seconds: Tensor, speed: Tensor) -> Tensor:
    """Growth of what stands on the plane z = 0 while the eye walks toward it."""
    return DISTANCE / (DISTANCE - DOLLY_SPEED * speed * seconds).clamp(min=DISTANCE / 2)


def _shake(seconds: Tensor, speed: Tensor) -> tuple[Tensor, Tensor]:
    """A hand-held tremble: two incommensurable sines an axis, below the Nyquist rate of 8 frames a second."""
    turn = 2 * math.pi * seconds
    x = 0.09 * torch.sin(2.9 * turn) + 0.05 * torch.sin(1.3 * turn + 1)
    y = 0.07 * torch.sin(3.3 * turn + 2) + 0.05 * torch.sin(1.7 * turn)
    return speed * x, speed * y


def camera_path(scenes: Scenes, times: Tensor, shot: Tensor) -> Tensor:
    """Return (b, f, 3): shift x and y of the view in metres and zoom at `times` (f,) seconds.

    shot: (b, f) from `shot_numbers`; each shot has its own camera, whose path begins anew at the cut.
    """
    begun = torch.cat([torch.zeros_like(scenes.cut_time[:, :1]), scenes.cut_time], dim=1).gather(1, shot)
    kind = scenes.shot_camera.gather(1, shot)
    seconds, speed = times[None] - begun, scenes.camera_speed[:, None]
    pan, tilt = PAN_SPEED * speed * (seconds - MIDDLE), TILT_SPEED * speed * (seconds - MIDDLE)
    shake_x, shake_y = _shake(seconds, speed)
    zoom, dolly = _zoom_in(seconds, speed), _dolly_in(seconds, speed)
    two = torch.full_like(seconds, 2 * MIDDLE)
    still = torch.zeros_like(seconds)
    arc = DOLLY_ARC * speed * (seconds / (2 * MIDDLE)).clamp(0, 1)
    x = {
        "pan left": -pan, "pan right": pan, "shake": shake_x,
        "dolly in": arc - DOLLY_ARC * speed, "dolly out": -arc,
    }  # fmt: skip
    y = {"tilt up": tilt, "tilt down": -tilt, "shake": shake_y}
    scale = {
        "zoom in": zoom, "zoom out": _zoom_in(two, speed) / zoom,
        "dolly in": dolly, "dolly out": _dolly_in(two, speed) / dolly,
    }  # fmt: skip
    path = []
    for moves, base in ((x, still), (y, still), (scale, still + 1)):
        for name, value in moves.items():
            base = torch.where(kind == CAMERAS.index(name), value, base)
        path.append(base)
    return torch.stack([path[0], path[1], path[2].clamp(*ZOOM_RANGE)], dim=-1)


def camera_controls(tracks: Tracks, aspect: float = 1.0) -> Tensor:
    """Return (b, 5): the scalars of skyloom.config.SCALARS that tell of this clip.

    aspect: width over height of the frame. Rates are means over the frames, leaving out the steps across cuts.
    """
    same = (tracks.shot[:, 1:] == tracks.shot[:, :-1]).float()
    camera = torch.cat([tracks.camera[..., :2], torch.log2(tracks.camera[..., 2:])], dim=-1)
    change = ((camera[:, 1:] - camera[:, :-1]) * same[..., None]).sum(dim=1)
    rate = change * tracks.fps / same.sum(dim=1, keepdim=True).clamp(min=1)
    there = tracks.opacity
    speed = (tracks.velocity.norm(dim=-1) * there).sum(dim=(1, 2)) / there.sum(dim=(1, 2)).clamp(min=1e-6)
    fps = torch.full_like(speed, tracks.fps / 8 - 1)
    pan, tilt = rate[:, 0] / (VIEW_HEIGHT * aspect), rate[:, 1] / VIEW_HEIGHT
    return torch.stack([fps, (speed / FULL_MOTION).clamp(0, 1), pan, tilt, rate[:, 2]], dim=-1)
