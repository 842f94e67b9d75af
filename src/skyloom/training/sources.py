"""Where training clips come from: the world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from skyloom.config import ClipConfig, WorldConfig
from skyloom.seeds import hashed_bits
from skyloom.training.latent_bank import CaptionedClips
from skyloom.world.camera import camera_controls
from skyloom.world.captions import MIX, captions_for
from skyloom.world.edits import edited
from skyloom.world.facts import Facts, describe_all
from skyloom.world.instructions import instruction
from skyloom.world.physics import simulate
from skyloom.world.render import render
from skyloom.world.scene import NO_ACTOR, Scenes, Tracks
from skyloom.world.stream import World
from skyloom.world.truth import screen_boxes

CHINESE = 5  # one instruction in so many


@dataclass(frozen=True)
class Told:
    """Scenes with all that is said of them, as plain arrays that travel between processes."""

    shown: dict[str, np.ndarray]
    before: dict[str, np.ndarray]
    captions: list[list[str]]
    instructions: list[str]


class WorldSource:
    """Clips of one world at one size and rate: pixels alone, or with words and paired edits."""

    def __init__(
        self, config: WorldConfig, clip: ClipConfig, device: str | torch.device = "cpu",
        mix: Sequence[tuple[str, str, int]] = MIX,
    ) -> None:  # fmt: skip
        """mix: (language, detail, weight) of the captions."""
        self.world, self.clip, self.mix = World(config, device), clip, mix

    def __call__(self, indices: Tensor) -> Tensor:
        """Return the pixels (n, 3, f, h, w) of training clips."""
        return self.world.batch(indices, self.clip, "train").pixels

    def captioned(self, indices: Tensor, count: int, pairs: int) -> CaptionedClips:
        """Return training clips with `count` captions each; the first `pairs` of them are edits."""
        return self.show(self.tell(indices, count, pairs))

    def tell(self, indices: Tensor, count: int, pairs: int) -> Told:
        """Do the part of `captioned` that a CPU does: scenes, edits and words."""
        world, seed = World(self.world.config), self.world.config.seed
        aspect = self.clip.width / self.clip.height
        scenes = world.scenes(indices, "train", aspect)
        before = scenes.select(slice(0, pairs))
        after, kinds = edited(before, seed, world.config, "train", aspect=aspect) if pairs else (before, [])
        shown = _joined(after, scenes.select(slice(pairs, None)))
        facts = self._facts(shown)
        numbered = zip(facts, indices.tolist(), strict=True)
        captions = [captions_for(fact, seed, i, count, self.mix) for fact, i in numbered]
        variants = (hashed_bits(seed, "instruction", indices[:pairs])[:, 0] & (2**62 - 1)).tolist()
        told = zip(self._facts(before), facts, kinds, variants, strict=False)
        words = [instruction(a, b, kind, "en" if v % CHINESE else "zh", v) for a, b, kind, v in told]
        return Told(_plain(shown), _plain(before), captions, words)

    def show(self, told: Told) -> CaptionedClips:
        """Do the rest on the source's device: motion and pictures."""
        shown, before = (_scenes(part).to(self.world.device) for part in (told.shown, told.before))
        tracks, pixels = self._shown(shown)
        source = self._shown(before)[1] if len(before) else None
        scalars, boxes = self._traced(shown, tracks)
        return CaptionedClips(pixels, told.captions, scalars, source, told.instructions, boxes, self.named(shown))

    def outlined(self, indices: Tensor) -> tuple[list[str], Tensor, Tensor, Tensor]:
        """Return a caption, the scalars (n, 5), boxes (n, s, f, 4) and actors (n, s) of clips, without pictures."""
        told = self.tell(indices, 1, 0)
        scenes = _scenes(told.shown)
        tracks = simulate(scenes, self.clip.num_frames, self.clip.fps)
        scalars, boxes = self._traced(scenes, tracks)
        return [captions[0] for captions in told.captions], scalars, boxes, self.named(scenes)

    def _traced(self, scenes: Scenes, tracks: Tracks) -> tuple[Tensor, Tensor]:
        """Return the scalars (n, 5) and the boxes (n, s, f, 4) of clips."""
        return camera_controls(tracks, self.clip.width / self.clip.height), self.boxes(scenes, tracks)

    def named(self, scenes: Scenes) -> Tensor:
        """Return the number of each slot's actor (n, s), -1 for none, in the order of the boxes."""
        return scenes.actor.masked_fill(scenes.actor == NO_ACTOR, -1)

    def boxes(self, scenes: Scenes, tracks: Tracks) -> Tensor:
        """Return the boxes (n, s, f, 4) of all actors, NaN for empty slots."""
        boxes = screen_boxes(scenes, tracks, self.clip.width / self.clip.height)
        return boxes.masked_fill(tracks.opacity[..., None] <= 0, float("nan")).transpose(1, 2)

    def _shown(self, scenes: Scenes) -> tuple[Tracks, Tensor]:
        tracks = simulate(scenes, self.clip.num_frames, self.clip.fps)
        return tracks, render(scenes, tracks, self.clip.height, self.clip.width)

    def _facts(self, scenes: Scenes) -> list[Facts]:
        return describe_all(scenes, self.clip.num_frames / self.clip.fps) if len(scenes) else []


def _joined(first: Scenes, second: Scenes) -> Scenes:
    """Return two batches of scenes as one."""
    return Scenes(**{name: torch.cat([value, getattr(second, name)]) for name, value in vars(first).items()})


def _plain(scenes: Scenes) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in vars(scenes).items()}


def _scenes(plain: Mapping[str, np.ndarray]) -> Scenes:
    return Scenes(**{name: torch.from_numpy(value) for name, value in plain.items()})
