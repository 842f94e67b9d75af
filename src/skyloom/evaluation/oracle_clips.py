"""Renders with their truth, for the judge."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from skyloom.config import ClipConfig, WorldConfig
from skyloom.evaluation.oracle_truth import OracleConfig, Truth, tracks_at, truth_of
from skyloom.world.actors import ACTORS
from skyloom.world.physics import simulate
from skyloom.world.render import render
from skyloom.world.sampling import sample_scenes
from skyloom.world.scene import Scenes
from skyloom.world.vocabulary import MOTIONS


def vocabulary_of(world: WorldConfig) -> OracleConfig:
    """Return the config of an oracle that knows every name a world shows."""
    names = tuple(actor.name for actor in ACTORS[: world.actors])
    return OracleConfig(actors=names, motions=world.motions or MOTIONS)


def varied(world: WorldConfig) -> WorldConfig:
    """Return the same world with more of what is rare, so that the judge sees enough of it."""
    return replace(world, two_actors=0.4, three_actors=0.05, weather=0.5, camera=0.5, style=0.35, event=0.0, cut=0.0)


def numbered_scenes(world: WorldConfig, clip: ClipConfig, indices: Tensor, split: str) -> Scenes:
    """Return scenes by number, laid out for the clip's shape."""
    return sample_scenes(world, indices, split, clip.width / clip.height)


def render_scenes(scenes: Scenes, clip: ClipConfig, frames: Tensor | None = None) -> Tensor:
    """Render scenes: (b, 3, f, h, w) in [-1, 1]; all frames, or the chosen ones."""
    tracks = simulate(scenes, clip.num_frames, clip.fps)
    return render(scenes, tracks if frames is None else tracks_at(tracks, frames), clip.height, clip.width)


def clips_with_truth(
    world: WorldConfig,
    clip: ClipConfig,
    config: OracleConfig,
    indices: Tensor,
    split: str,
    frames: Tensor | None = None,
) -> tuple[Tensor, Truth]:
    """Render scenes by number: pixels (b, 3, f, h, w) and their truth; all frames, or the chosen ones."""
    scenes = numbered_scenes(world, clip, indices, split)
    tracks = simulate(scenes, clip.num_frames, clip.fps)
    tracks = tracks if frames is None else tracks_at(tracks, frames)
    return render(scenes, tracks, clip.height, clip.width), truth_of(scenes, tracks, config, clip.height / clip.width)
