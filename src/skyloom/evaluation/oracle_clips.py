"""Numbered scenes and their renders, for judges."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from skyloom.config import ClipConfig, WorldConfig
from skyloom.models.watcher import vocabulary_of
from skyloom.models.watcher_truth import tracks_at
from skyloom.world.facts import Facts, describe_all
from skyloom.world.physics import simulate
from skyloom.world.render import render
from skyloom.world.sampling import sample_scenes
from skyloom.world.scene import Scenes

__all__ = ["batches", "numbered_scenes", "render_scenes", "suited", "vocabulary_of"]

Described = tuple[Scenes, list[Facts]]


def numbered_scenes(world: WorldConfig, clip: ClipConfig, indices: Tensor, split: str) -> Scenes:
    """Return scenes by number, laid out for the clip's shape."""
    return sample_scenes(world, indices, split, clip.width / clip.height)


def render_scenes(scenes: Scenes, clip: ClipConfig, frames: Tensor | None = None) -> Tensor:
    """Render scenes: (b, 3, f, h, w) in [-1, 1]; all frames, or the chosen ones."""
    tracks = simulate(scenes, clip.num_frames, clip.fps)
    return render(scenes, tracks if frames is None else tracks_at(tracks, frames), clip.height, clip.width)


def batches(
    world: WorldConfig, clip: ClipConfig, split: str, count: int, size: int, first: int = 0
) -> Iterator[Described]:
    """Yield `count` scenes and their facts, `size` at a time."""
    for start in range(first, first + count, size):
        indices = torch.arange(start, min(start + size, first + count))
        scenes = numbered_scenes(world, clip, indices, split)
        yield scenes, describe_all(scenes)


def suited(
    world: WorldConfig, clip: ClipConfig, split: str, fits: Callable[[Facts], bool], size: int, first: int = 0
) -> Iterator[Described]:
    """Yield the scenes that fit and their facts, those among the next `size` numbers at a time, without end."""
    while True:
        scenes = numbered_scenes(world, clip, torch.arange(first, first + size), split)
        first += size
        facts = describe_all(scenes)
        rows = [row for row, fact in enumerate(facts) if fits(fact)]
        if rows:
            yield scenes.select(torch.tensor(rows)), [facts[row] for row in rows]
