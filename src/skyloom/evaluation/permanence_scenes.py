"""Scenes in which an actor is out of sight for a while.

Behind: one actor passes behind another that stands in the middle. Out of frame: the camera turns away from an actor
that keeps its place, until it is gone, and back. Each with its planted faults.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from skyloom.config import ClipConfig, WorldConfig
from skyloom.evaluation.faults import missing_actor, wrong_actor
from skyloom.evaluation.task_bench import rounded
from skyloom.evaluation.task_cases import CALM
from skyloom.world.bodies import body_sizes
from skyloom.world.camera import DISTANCE, VIEW_HEIGHT, project
from skyloom.world.physics import simulate
from skyloom.world.render import render
from skyloom.world.scene import Scenes

BESIDE = 1.45
"""How far beside the other the passing actor begins, in their mean width."""
STAYING = ("stand", "spin", "jump", "bounce")
"""Motions that keep an actor where it is."""
REST = 0.25
"""Share of the way back by which the camera rests at both ends."""
MARGIN = 0.15
"""Metres by which an actor is out of the frame when the camera turns back."""


def passing_world(world: WorldConfig) -> WorldConfig:
    """Return a world in which one actor passes behind another, CALM."""
    return replace(world, motions=("pass_behind",), two_actors=1.0, three_actors=0.0, event=0.0, cut=0.0, **CALM)


def staying_world(world: WorldConfig) -> WorldConfig:
    """Return a world of one actor that keeps its place, CALM."""
    alone = replace(world, two_actors=0.0, three_actors=0.0, event=0.0, cut=0.0, **CALM)
    return replace(alone, motions=tuple(name for name in STAYING if name in (world.motions or STAYING)))


def set_apart(scenes: Scenes, clip: ClipConfig) -> Scenes:
    """Put the actor that stands into the middle and the one that passes far enough beside it to be seen for itself."""
    _, width = body_sizes(scenes)
    start = scenes.start.clone()
    near = DISTANCE / (DISTANCE + start[:, 0, 2])
    room = VIEW_HEIGHT * clip.width / clip.height / 2 / near - width[:, 0] / 2
    apart = torch.minimum(BESIDE * (width[:, 0] + width[:, 1]) / 2, room)
    start[:, 0, 0], start[:, 1, 0] = -scenes.direction[:, 0] * apart, 0.0
    return replace(scenes, start=start)


def smaller(scenes: Scenes) -> list[bool]:
    """Tell where the second actor hides the first and leaves it room beside itself."""
    height, width = body_sizes(scenes)
    hidden = (height[:, 0] < 1.1 * height[:, 1]) & (width[:, 0] < 1.1 * width[:, 1])
    return (hidden & (BESIDE * (width[:, 0] + width[:, 1]) / 2 + width[:, 0] / 2 < VIEW_HEIGHT / 2)).tolist()


def passing(scenes: Scenes, clip: ClipConfig, known: int) -> dict[str, Tensor]:
    """Render the real clips and their planted faults, by line; known: the number of actors that the judge knows."""
    real = rendered(scenes, clip)
    half = clip.num_frames // 2
    tail = real[:, :, : clip.num_frames - half].flip(2)
    return {
        "render": real,
        "never comes back": torch.cat([real[:, :, :half], rounded(alone(scenes, clip))[:, :, half:]], 2),
        "another comes back": torch.cat([real[:, :, :half], rounded(wrong_actor(scenes, clip, known))[:, :, half:]], 2),
        "comes out where it went in": torch.cat([real[:, :, :half], tail], 2),
    }


def alone(scenes: Scenes, clip: ClipConfig) -> Tensor:
    """Render the actor that stands without the one that passes."""

    def swapped(values: Tensor) -> Tensor:
        return torch.cat([values[:, 1:2], values[:, :1], values[:, 2:]], 1)

    fields = ("actor", "motion", "direction", "speed", "start", "scale", "color", "phase")
    turned = replace(scenes, **{name: swapped(getattr(scenes, name)) for name in fields})
    return missing_actor(turned, clip, 0)


def rendered(scenes: Scenes, clip: ClipConfig) -> Tensor:
    tracks = simulate(scenes, clip.num_frames, clip.fps)
    return rounded(render(scenes, tracks, clip.height, clip.width))


def turned_away(scenes: Scenes, clip: ClipConfig) -> tuple[Tensor, Tensor]:
    """Return the camera's path (b, f) in metres to the right, out to where the actor is gone and back; and its sign.

    The actor leaves over the edge that it is nearer to.
    """
    tracks = simulate(scenes, clip.num_frames, clip.fps)
    x, _, near = project(tracks.position[:, :, 0], tracks.camera)
    height, width = body_sizes(scenes)
    half = torch.maximum(height, width)[:, 0] * near.amax(1) / 2
    view = VIEW_HEIGHT * clip.width / clip.height / 2
    sign = torch.where(x.mean(1) < 0, 1.0, -1.0)
    far = view + half + MARGIN - (x * -sign[:, None]).amin(1)
    share = ((1 - torch.linspace(-1, 1, clip.num_frames).abs()) * (1 + REST) - REST).clamp(min=0)
    return sign[:, None] * far[:, None] * share, sign


def looked_away(scenes: Scenes, clip: ClipConfig, path: Tensor) -> Tensor:
    """Render scenes with the camera on a path (b, f) in metres to the right."""
    tracks = simulate(scenes, clip.num_frames, clip.fps)
    camera = tracks.camera.clone()
    camera[..., 0] = path
    return rounded(render(scenes, replace(tracks, camera=camera), clip.height, clip.width))


def another(scenes: Scenes, known: int) -> Scenes:
    """Put another actor in each scene's place."""
    actor = scenes.actor.clone()
    actor[:, 0] = (actor[:, 0] + 1 + scenes.index % (known - 1)) % known
    return replace(scenes, actor=actor)
