"""Numbered scenes, tracks, pixels in batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from skyloom.config import ClipConfig, WorldConfig
from skyloom.world.physics import simulate
from skyloom.world.render import render
from skyloom.world.sampling import sample_scenes
from skyloom.world.scene import Scenes, Tracks
from skyloom.world.truth import truth


@dataclass(frozen=True)
class WorldBatch:
    """b clips and all that is known of them."""

    scenes: Scenes
    tracks: Tracks
    pixels: Tensor  # (b, 3, f, h, w) in [-1, 1]

    def truth(self) -> list[dict[str, Any]]:
        """Return one JSON-able record for each clip (truth.py)."""
        height, width = self.pixels.shape[-2:]
        return truth(self.scenes, self.tracks, width / height)


class World:
    """An endless, numbered set of clips: clip i of a split is the same on every call and in any batch."""

    def __init__(self, config: WorldConfig, device: str | torch.device = "cpu") -> None:
        self.config = config
        self.device = torch.device(device)

    def scenes(self, indices: Tensor, split: str = "train", aspect: float = 1.0) -> Scenes:
        """Return the scenes numbered `indices`, (b,) int64; split and aspect as in `sample_scenes`."""
        return sample_scenes(self.config, indices.to(self.device), split, aspect)

    def batch(self, indices: Tensor, clip: ClipConfig, split: str = "train") -> WorldBatch:
        """Return scenes, their tracks and their pictures at the clip's size and rate."""
        scenes = self.scenes(indices, split, clip.width / clip.height)
        tracks = simulate(scenes, clip.num_frames, clip.fps)
        return WorldBatch(scenes, tracks, render(scenes, tracks, clip.height, clip.width))
