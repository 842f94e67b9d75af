"""Real clips with captions, from a folder of videos.

A caption is a line of the text file beside a video. Of the scalars only the rate is known: how much moves, and how the
camera does, nobody has measured.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from skyloom.config import SCALARS, ClipConfig
from skyloom.data.clips import ClipFolder
from skyloom.errors import InvalidArgument
from skyloom.seeds import generator_for
from skyloom.training.latent_bank import CaptionedClips


class FolderSource:
    """The clips of a folder with their captions; clip i is video i modulo their number."""

    def __init__(self, folder: Path, clip: ClipConfig, seed: int = 0) -> None:
        """Raises MediaError for a folder without videos."""
        self.clips, self.clip, self.seed = ClipFolder(folder, clip, seed), clip, seed

    def __call__(self, indices: Tensor) -> Tensor:
        """Return the pixels (n, 3, f, h, w) of clips."""
        return self.clips.batch(indices)

    def captioned(self, indices: Tensor, count: int, pairs: int) -> CaptionedClips:
        """Return clips with `count` captions each, empty for a video without any.

        Raises InvalidArgument for any `pairs`: a folder holds no edits.
        """
        if pairs:
            raise InvalidArgument("pairs", pairs, "be 0: a folder holds no edits", 0)
        clips = [self.clips.clip(index) for index in indices.tolist()]
        captions = [self._chosen(clip.captions, i, count) for clip, i in zip(clips, indices.tolist(), strict=True)]
        scalars = torch.full((len(clips), len(SCALARS)), float("nan"))
        scalars[:, SCALARS.index("fps")] = self.clip.fps / 8 - 1
        return CaptionedClips(torch.stack([clip.pixels for clip in clips]), captions, scalars)

    tell = captioned

    def show(self, told: CaptionedClips) -> CaptionedClips:
        """Return the clips, which are whole already."""
        return told

    def _chosen(self, lines: tuple[str, ...], index: int, count: int) -> list[str]:
        """Draw `count` of a video's captions for clip `index`: each once before any comes again."""
        if not lines:
            return [""] * count
        order = torch.randperm(len(lines), generator=generator_for(self.seed, "captions", index)).tolist()
        return [lines[order[k % len(lines)]] for k in range(count)]
