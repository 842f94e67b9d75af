"""All that is known of a clip, as plain values."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from skyloom.world.actors import ACTORS
from skyloom.world.bodies import body_sizes
from skyloom.world.camera import VIEW_HEIGHT, project
from skyloom.world.scene import NO_ACTOR, Scenes, Tracks
from skyloom.world.vocabulary import CAMERAS, COLORS, EVENTS, MOTIONS, PLACES, SPEEDS, STYLES, WEATHERS

DIRECTIONS = {-1: "left", 1: "right"}


def screen_boxes(scenes: Scenes, tracks: Tracks, aspect: float = 1.0) -> Tensor:
    """Return (b, f, k, 4): left, bottom, right and top of each actor in shares of the frame, 0 to 1 inside it.

    aspect: width over height of the frame. The box is that of the upright picture, before its turn by `angle`.
    """
    x, y, scale = project(tracks.position, tracks.camera[:, :, None])
    height, width = body_sizes(scenes)
    slim = (width / height.clamp(min=1e-6))[:, None]
    tall = tracks.size * tracks.stretch * scale
    half = tracks.size * slim / tracks.stretch * scale / 2
    box = torch.stack([(x - half) / aspect, y, (x + half) / aspect, y + tall], dim=-1)
    return box / VIEW_HEIGHT + 0.5


def _area(box: Tensor) -> Tensor:
    """Area of boxes (..., 4), 0 where they are empty."""
    return (box[..., 2:] - box[..., :2]).clamp(min=0).prod(dim=-1)


def _overlap(first: Tensor, second: Tensor) -> Tensor:
    return torch.cat(
        [torch.maximum(first[..., :2], second[..., :2]), torch.minimum(first[..., 2:], second[..., 2:])], -1
    )


def visibility(scenes: Scenes, tracks: Tracks, aspect: float = 1.0) -> Tensor:
    """Return (b, f, k) in [0, 1]: the share of each actor's box inside the frame, less what a nearer box covers."""
    box = screen_boxes(scenes, tracks, aspect)
    inside = _overlap(box, torch.tensor([0.0, 0.0, 1.0, 1.0], device=box.device))
    depth = tracks.position[..., 2]
    nearer = (depth[..., None, :] < depth[..., :, None]) & (tracks.opacity[..., None, :] > 0)
    covered = _area(_overlap(inside[..., :, None, :], inside[..., None, :, :])) * nearer  # (b, f, k, k)
    seen = (_area(inside) - covered.amax(dim=-1)) / _area(box).clamp(min=1e-9)
    return seen.clamp(0, 1) * tracks.opacity


def _round(values: Tensor) -> Any:
    """Nested lists with four decimals."""
    if values.dim() > 1:
        return [_round(row) for row in values]
    return [round(value, 4) for value in values.tolist()]


def _actor_truth(scenes: Scenes, tracks: Tracks, visible: Tensor, row: int, slot: int) -> dict[str, Any]:
    color = int(scenes.color[row, slot])
    return {
        "name": ACTORS[int(scenes.actor[row, slot])].name,
        "motion": MOTIONS[int(scenes.motion[row, slot])],
        "direction": DIRECTIONS[int(scenes.direction[row, slot])],
        "speed": SPEEDS[int(scenes.speed[row, slot])],
        "color": None if color == NO_ACTOR else tuple(COLORS)[color],
        "position": _round(tracks.position[row, :, slot]),
        "velocity": _round(tracks.velocity[row, :, slot]),
        "angle": _round(tracks.angle[row, :, slot]),
        "size": _round(tracks.size[row, :, slot]),
        "visible": _round(visible[row, :, slot]),
    }


def _events_truth(scenes: Scenes, row: int) -> list[dict[str, Any]]:
    pairs = zip(scenes.event[row].tolist(), scenes.event_time[row].tolist(), strict=True)
    return [{"event": EVENTS[kind], "time": round(time, 4)} for kind, time in pairs if EVENTS[kind] != "none"]


def truth(scenes: Scenes, tracks: Tracks, aspect: float = 1.0) -> list[dict[str, Any]]:
    """Return one JSON-able record for each scene: names, and for every actor and frame where it is and how it moves.

    Metres, seconds, radians; lists over frames; `visible` as in `visibility`; `marks` are those made by the last frame.
    """
    visible = visibility(scenes, tracks, aspect)
    records = []
    for row in range(len(scenes)):
        slots = [slot for slot in range(scenes.actor.shape[1]) if int(scenes.actor[row, slot]) != NO_ACTOR]
        shots = sorted(set(tracks.shot[row].tolist()))
        records.append(
            {
                "index": int(scenes.index[row]),
                "fps": tracks.fps,
                "weather": WEATHERS[int(scenes.weather[row])],
                "style": STYLES[int(scenes.style[row])],
                "places": [PLACES[int(scenes.shot_place[row, shot])] for shot in shots],
                "cameras": [CAMERAS[int(scenes.shot_camera[row, shot])] for shot in shots],
                "shot": tracks.shot[row].tolist(),
                "camera": _round(tracks.camera[row]),
                "actors": [_actor_truth(scenes, tracks, visible, row, slot) for slot in slots],
                "events": _events_truth(scenes, row),
                "marks": {name: _round(tracks.mark[row, :, i]) for i, name in enumerate(EVENTS[1:])},
            }
        )
    return records
