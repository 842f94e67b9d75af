"""Where actors start, so that they stay in view.

The laws themselves are run from a provisional start; from what they cover in CLIP_SECONDS the scene's depth and each
actor's lane follow. Actors of one relation share a lane. Nothing overlaps at time 0, and a path that fits is centred.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from skyloom.seeds import hashed_uniform
from skyloom.world.bodies import body_sizes
from skyloom.world.camera import DISTANCE, EYE, VIEW_HEIGHT
from skyloom.world.motions import SPEED_FACTORS
from skyloom.world.physics import is_relation, simulate
from skyloom.world.relations import COLLIDE_SPEED, PASS_DEPTH, PREY_SPEED, RIDE_DEPTH, RIDE_HEIGHT
from skyloom.world.scene import NO_ACTOR, Scenes, Tracks
from skyloom.world.vocabulary import MOTIONS, PLACES

CLIP_SECONDS = 2.0
"""What is laid out to stay in view: the 17 frames of a clip at 8 fps."""
HALF_WIDTH = 0.48 * VIEW_HEIGHT
"""Half of the width that is filled, metres, of a square frame at z = 0; others by their aspect."""
TOP = EYE + 0.49 * VIEW_HEIGHT
MAX_DEPTH = 3.0
"""Metres, in a square frame; in a narrow one as much deeper as shows the same width there."""
LANE_STEP = 0.35
"""Metres in depth between neighbours, so that crossing actors pass one another."""


def _motion_is(scenes: Scenes, name: str) -> Tensor:
    """(b, k) bool: whose own motion is this one."""
    return (scenes.motion == MOTIONS.index(name)) & (scenes.actor != NO_ACTOR)


def start_heights(scenes: Scenes, draws: Tensor) -> Tensor:
    """Return (b, k) metres above the ground at time 0, by motion and place; draws: (b, k) in [0, 1)."""
    height, _ = body_sizes(scenes)
    factor = torch.tensor(SPEED_FACTORS, device=draws.device)[scenes.speed]
    room = TOP - 0.1 - height
    ranges = {
        "fly": (1.4, 2.0, room - 0.15, 0.4), "swim": (0.5, 1.3, room - 0.15, 0.4),
        "float": (0.1, 0.6, room - 0.8 * factor, 0.1), "bounce": (1.1, 1.5, room, 0.4), "fall": (3.0, 3.0, room, 0.4),
    }  # fmt: skip
    y = torch.zeros_like(draws)
    for name, (low, high, most, least) in ranges.items():
        wanted = torch.minimum(low + (high - low) * draws, most).clamp(min=least)
        y = torch.where(_motion_is(scenes, name), wanted, y)
    afloat = _motion_is(scenes, "swim") & (scenes.place == PLACES.index("sea"))[:, None]
    y = torch.where(afloat, 0.15 * draws, y)  # there the ground is the water's surface
    riding = scenes.motion[:, 0] == MOTIONS.index("ride")
    y[:, 0] = torch.where(riding, RIDE_HEIGHT * height[:, 1], y[:, 0])
    return y


def _pair_offsets(scenes: Scenes) -> tuple[Tensor, Tensor]:
    """Distance in x (along actor 0's direction) and in z from actor 1 to actor 0 at time 0, (b,) each."""
    _, width = body_sizes(scenes)
    rate = torch.tensor(SPEED_FACTORS, device=width.device)[scenes.speed[:, 0]]
    touching = (width[:, 0] + width[:, 1]) / 2
    offsets = {
        "orbit": touching + 0.35,
        "chase": touching + 0.25 + 0.3 * rate * PREY_SPEED,
        "pass_behind": 0.95 * touching,
        "ride": torch.zeros_like(touching),
        "collide": touching + 1.5 * COLLIDE_SPEED * rate,
        "push": touching + 0.15,
    }
    x = torch.zeros_like(touching)
    for name, value in offsets.items():
        x = torch.where(scenes.motion[:, 0] == MOTIONS.index(name), -value, x)
    first = scenes.motion[:, 0]
    return x, PASS_DEPTH * (first == MOTIONS.index("pass_behind")) + RIDE_DEPTH * (first == MOTIONS.index("ride"))


def _provisional(scenes: Scenes, draws: Tensor) -> Scenes:
    """Every actor at x = 0, pairs in their relative places, heights as the motion wants them."""
    start = torch.zeros_like(scenes.start)
    start[..., 1] = start_heights(scenes, draws)
    x, z = _pair_offsets(scenes)
    start[:, 0, 0], start[:, 0, 2] = x * scenes.direction[:, 0], z
    return replace(scenes, start=start)


def _join(edge: Tensor, paired: Tensor) -> Tensor:
    """Give slots 0 and 1 of related pairs the smaller of their values: (b, k)."""
    joined = torch.where(paired[:, None], edge[:, :2].amin(dim=1, keepdim=True), edge[:, :2])
    return torch.cat([joined, edge[:, 2:]], dim=1)


def _covered(tracks: Tracks, scenes: Scenes, paired: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Left and right edges of each unit at the start, then over the clip; (b, k), turned bodies by the longer side."""
    height, width = body_sizes(scenes)
    wide = tracks.size * (width / height.clamp(min=1e-6))[:, None] / tracks.stretch
    half = torch.where(tracks.angle.abs() > 0.5, torch.maximum(wide, tracks.size), wide) / 2
    left, right = tracks.position[..., 0] - half, tracks.position[..., 0] + half
    edges = (left[:, 0], -right[:, 0], left.amin(dim=1), -right.amax(dim=1))
    low0, high0, low, high = (_join(edge, paired) for edge in edges)
    return low0, -high0, low, -high


def _lanes(need: Tensor, extra: Tensor, half_view: Tensor, order: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Share the view's width: each unit gets its width at the start and a part of the rest by what it covers.

    need, extra, order: (b, k); the first two are 0 where there is no unit, the third sorts the lanes. Returns the
    lanes' left edges, their widths and their ranks.
    """
    rest = (2 * half_view - need.sum(dim=1)).clamp(min=0)[:, None]
    lane = need + rest * extra / extra.sum(dim=1, keepdim=True).clamp(min=1e-6)
    rank = order.argsort(dim=1)
    ordered = lane.gather(1, rank)
    left = ordered.cumsum(dim=1) - ordered - ordered.sum(dim=1, keepdim=True) / 2
    return torch.zeros_like(left).scatter(1, rank, left), lane, rank.argsort(dim=1)


def _depth(span: Tensor, top: Tensor, aspect: float) -> Tensor:
    """Depth at which a width and a height (b,) fit into the view: at least 0."""
    wide = DISTANCE * (span / (2 * HALF_WIDTH * aspect) - 1)
    high = DISTANCE * ((top - EYE) / (TOP - EYE) - 1)
    return torch.maximum(wide, high).clamp(0, (DISTANCE + MAX_DEPTH) / min(aspect, 1.0) - DISTANCE)


def arrange(scenes: Scenes, aspect: float = 1.0) -> Scenes:
    """Return the scenes with their starts set: a function of everything else in them, and of the frame's shape.

    aspect: width over height of the frame. Call it after any change of actor, motion, direction, speed or scale. A
    path that needs more width than the view has at MAX_DEPTH (a fast runner among three) leaves the frame.
    """
    slots = scenes.actor.shape[1]
    draws = hashed_uniform(0, "layout", scenes.index, 4 * slots).reshape(len(scenes), 4, slots)
    scenes = _provisional(scenes, draws[:, 0])
    tracks = simulate(scenes, 1 + round(8 * CLIP_SECONDS), 8.0)
    paired, leads = is_relation(scenes), scenes.actor != NO_ACTOR
    top = ((tracks.position[..., 1] + tracks.size * tracks.stretch) * tracks.opacity).amax(dim=(1, 2))
    low0, high0, low, high = _covered(tracks, scenes, paired)
    leads = torch.cat([leads[:, :1], leads[:, 1:2] & ~paired[:, None], leads[:, 2:]], dim=1)  # one slot for each unit
    need, span = (high0 - low0) * leads, (high - low) * leads
    depth = _depth(span.sum(dim=1), top, aspect) + 0.4 * draws[:, 3, 0]
    half_view = HALF_WIDTH * aspect * (DISTANCE + depth) / DISTANCE
    left, lane, rank = _lanes(need, (span - need + 0.3) * leads, half_view, draws[:, 1])
    slack = (lane - span).clamp(min=0)
    x = left + (lane - low - high) / 2 + 0.8 * slack * (draws[:, 2] - 0.5)
    x = torch.minimum(torch.maximum(x, left - low0), left + lane - high0)
    behind = LANE_STEP * rank * (leads.sum(dim=1, keepdim=True) > 1)
    x = x * (DISTANCE + depth[:, None] + behind) / (DISTANCE + depth[:, None])
    nearest = _join(tracks.position[..., 2].amin(dim=1), paired)
    z = depth[:, None] + behind - nearest.clamp(max=0)
    place = torch.stack([x, torch.zeros_like(x), z], dim=-1)
    place[:, 1] = torch.where(paired[:, None], place[:, 0], place[:, 1])
    return replace(scenes, start=(scenes.start + place) * (scenes.actor != NO_ACTOR)[..., None])
