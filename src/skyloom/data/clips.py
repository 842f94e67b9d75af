"""A folder of videos as training clips.

Clip i is a function of (folder, config, i) alone: the video is i modulo the number of files, the span is drawn from
a generator of its own. A caption is the text file of the same name; several lines are several captions.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from skyloom.config import ClipConfig
from skyloom.data.fitting import fit_frame
from skyloom.data.video_io import read_video
from skyloom.errors import MediaError
from skyloom.seeds import generator_for

SUFFIXES = (".mp4", ".webm", ".mkv", ".mov", ".avi", ".gif", ".webp", ".png", ".jpg", ".jpeg")


@dataclass(frozen=True)
class Clip:
    """One training clip: pixels (3, f, h, w) in [-1, 1], its captions, and where it was cut from."""

    pixels: Tensor
    captions: tuple[str, ...]
    path: Path
    start: float


class ClipFolder:
    """Videos of a folder and its subfolders, in the order of their names."""

    def __init__(self, folder: Path | str, config: ClipConfig, seed: int = 0) -> None:
        """Raise MediaError for a folder without videos."""
        self.folder, self.config, self.seed = Path(folder), config, seed
        if not self.folder.is_dir():
            raise MediaError(f"cannot read {self.folder}: there is no such folder")
        self.files = sorted(path for path in self.folder.rglob("*") if path.suffix.lower() in SUFFIXES)
        if not self.files:
            raise MediaError(f"cannot read {self.folder}: no videos there (known: {', '.join(SUFFIXES)})")

    def __len__(self) -> int:
        return len(self.files)

    def clip(self, index: int) -> Clip:
        """Return clip `index` (any number from 0 on): cropped, resampled, the last frame held if it is short."""
        path, config = self.files[index % len(self.files)], self.config
        video = read_video(
            path,
            fps=config.fps,
            picture_fps=config.fps,
            per_frame=lambda frame: fit_frame(frame, config.height, config.width),
        )
        spare = max(0, len(video.frames) - config.num_frames)
        first = int(torch.randint(spare + 1, (1,), generator=generator_for(self.seed, "clip", index)))
        shown = (first + torch.arange(config.num_frames)).clamp(max=len(video.frames) - 1)
        return Clip(video.pixels()[0][:, shown], captions_of(path), path, first / config.fps)

    def batch(self, indices: Tensor) -> Tensor:
        """Return the clips of (b,) indices as pixels (b, 3, f, h, w) in [-1, 1]."""
        return torch.stack([self.clip(int(index)).pixels for index in indices])


def captions_of(path: Path) -> tuple[str, ...]:
    """Return the lines of the text file beside a video; none without one."""
    text = path.with_suffix(".txt")
    lines = text.read_text(encoding="utf-8").splitlines() if text.exists() else []
    return tuple(line.strip() for line in lines if line.strip())
