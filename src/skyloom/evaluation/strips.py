"""Clips as strips of frames, one small picture each.

A suite keeps a strip for every sample beside its scores (OUT/strips/SUITE/NAME.webp); the report shows those of the
best, the median and the worst sample.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from einops import rearrange
from PIL import Image
from torch import Tensor

SHOWN = 8
QUALITY = 80


def strip(clips: Tensor, shown: int = SHOWN) -> Image.Image:
    """Return evenly spaced frames side by side, clips below each other. clips: (n, 3, f, h, w) in [-1, 1]."""
    frames = torch.linspace(0, clips.shape[2] - 1, min(shown, clips.shape[2])).round().long()
    levels = ((clips[:, :, frames].float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return Image.fromarray(rearrange(levels, "n c f h w -> (n h) (f w) c").cpu().contiguous().numpy())


def strip_path(out: Path, suite: str, name: str) -> Path:
    """Return where the strip of a sample is kept."""
    return out / "strips" / suite / f"{name.replace('/', '-').replace(' ', '-')}.webp"


def save_strip(out: Path, suite: str, name: str, clips: Tensor) -> None:
    """Write the strip of a sample, whole or not at all."""
    path = strip_path(out, suite, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".partial")
    strip(clips).save(beside, format="webp", quality=QUALITY)
    beside.rename(path)


def keeping(generate: Callable[[list[str], list[int]], Tensor], out: Path, suite: str) -> Callable:
    """Return the same function from prompts and seeds to clips, which keeps a strip of each clip under its seed."""

    def kept(prompts: list[str], seeds: list[int]) -> Tensor:
        clips = generate(prompts, seeds)
        for clip, seed in zip(clips, seeds, strict=True):
            save_strip(out, suite, str(seed), clip[None])
        return clips

    return kept


def ranked(scores: dict[str, float], most_is_best: bool) -> dict[str, str]:
    """Name the best, the median and the worst of samples by their scores."""
    order = sorted(scores, key=lambda name: (scores[name], name), reverse=most_is_best)
    return {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]} if order else {}
