"""Renders of numbered scenes, for the judge."""

from __future__ import annotations

from torch import Tensor

from skyloom.config import ClipConfig, WorldConfig
from skyloom.models.watcher import vocabulary_of
from skyloom.models.watcher_truth import tracks_at
from skyloom.world.physics import simulate
from skyloom.world.render import render
from skyloom.world.sampling import sample_scenes
from skyloom.world.scene import Scenes

__all__ = ["numbered_scenes", "render_scenes", "vocabulary_of"]


def numbered_scenes(world: WorldConfig, clip: ClipConfig, indices: Tensor, split: str) -> Scenes:
    """Return scenes by number, laid out for the clip's shape."""
    return sample_scenes(world, indices, split, clip.width / clip.height)


def render_scenes(scenes: Scenes, clip: ClipConfig, frames: Tensor | None = None) -> Tensor:
    """Render scenes: (b, 3, f, h, w) in [-1, 1]; all frames, or the chosen ones."""
    tracks = simulate(scenes, clip.num_frames, clip.fps)
    return render(scenes, tracks if frames is None else tracks_at(tracks, frames), clip.height, clip.width)
