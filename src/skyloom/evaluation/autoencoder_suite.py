"""How faithful the autoencoder is.

Held-out worlds, encoded and decoded: PSNR and SSIM of the whole clip, PSNR on the moving foreground, and how often the
oracle still reads all slots right off the reconstruction. Two trivial codes stand beside it: the first frame repeated,
and the clip averaged down to as many numbers as the latents hold and interpolated back.

The moving foreground of a clip: the pixels that differ by more than FOREGROUND_STEP (of the range 2, in any channel)
from the same clip rendered without the actors that move, so actors in motion with their shadows and reflections; clips
in which all actors stand have none and are left out of that mean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from skyloom.config import ClipConfig, WorldConfig
from skyloom.evaluation.metrics import psnr, ssim
from skyloom.evaluation.oracle import Oracle
from skyloom.evaluation.oracle_clips import numbered_scenes
from skyloom.evaluation.samples import SampleLog
from skyloom.evaluation.scoring import asked, score
from skyloom.models.autoencoder import Autoencoder
from skyloom.shapes import VideoSize
from skyloom.world.facts import describe_all
from skyloom.world.physics import simulate
from skyloom.world.render import render
from skyloom.world.scene import Scenes, Tracks
from skyloom.world.vocabulary import MOTIONS

FOREGROUND_STEP = 0.1
MEASURES = ("psnr", "ssim", "foreground_psnr", "slots")


@dataclass(frozen=True)
class AutoencoderPlan:
    """What is measured on what."""

    world: WorldConfig
    clip: ClipConfig
    count: int = 200
    seed: int = 0
    batch_size: int = 10


def moving_foreground(scenes: Scenes, tracks: Tracks, pixels: Tensor) -> Tensor:
    """Return (b, 1, f, h, w), 1 where an actor in motion shows. pixels: the clips rendered with all actors."""
    still = scenes.motion == MOTIONS.index("stand")
    without = replace(tracks, opacity=tracks.opacity * still[:, None])
    bare = render(scenes, without, *pixels.shape[-2:])
    return ((pixels - bare).abs().amax(1, keepdim=True) > FOREGROUND_STEP).float()


def averaged_down(pixels: Tensor, numbers: int) -> Tensor:
    """Code a clip as its average on a coarser grid of about `numbers` values, and interpolate back."""
    share = (numbers / pixels[0].numel()) ** (1 / 3)
    frames, height, width = (max(1, round(side * share)) for side in pixels.shape[2:])
    coarse = F.adaptive_avg_pool3d(pixels, (frames, height, width))
    return F.interpolate(coarse, size=pixels.shape[2:], mode="trilinear", align_corners=False)


def latent_ratio(autoencoder: Autoencoder, size: VideoSize) -> float:
    """Return how many pixel values stand for one latent value at a size."""
    cells = size.latents(autoencoder.config.strides).cells
    return 3 * size.num_frames * size.height * size.width / (cells * autoencoder.config.latent_channels)


@torch.inference_mode()
def measure(autoencoder: Autoencoder, oracle: Oracle, plan: AutoencoderPlan, first: int, count: int) -> list[dict]:
    """Measure clips `first` to `first + count` of the held-out world: one dict for each, by code and measure."""
    indices = torch.arange(first, first + count) + plan.seed * 1_000_000
    scenes = numbered_scenes(plan.world, plan.clip, indices, "heldout")
    tracks = simulate(scenes, plan.clip.num_frames, plan.clip.fps)
    pixels = render(scenes, tracks, plan.clip.height, plan.clip.width)
    mask = moving_foreground(scenes, tracks, pixels)
    latents = autoencoder.encode(pixels)
    codes = {
        "autoencoder": autoencoder.decode(latents).clamp(-1, 1),
        "averaged down": averaged_down(pixels, latents[0].numel()),
        "first frame": pixels[:, :, :1].expand_as(pixels).contiguous(),
    }
    wanted = [asked(facts) for facts in describe_all(scenes)]
    rows = {code: _measures(oracle, clips, pixels, mask, wanted) for code, clips in codes.items()}
    return [{"scene": first + row, **{code: values[row] for code, values in rows.items()}} for row in range(count)]


def _measures(oracle: Oracle, clips: Tensor, pixels: Tensor, mask: Tensor, wanted: list[dict]) -> list[dict]:
    """Measure clips of one code against the originals."""
    names = ("psnr", "ssim", "foreground_psnr")
    columns = [psnr(clips, pixels).tolist(), ssim(clips, pixels).tolist(), psnr(clips, pixels, mask).tolist()]
    rows = [dict(zip(names, (round(v, 4) for v in row), strict=True)) for row in zip(*columns, strict=True)]
    for row, reading, want in zip(rows, oracle.read(clips), wanted, strict=True):
        row["slots"] = score(reading.as_dict(), want)["all"]
        row["foreground_psnr"] = row["foreground_psnr"] if row["foreground_psnr"] == row["foreground_psnr"] else None
    return rows


def run(
    autoencoder: Autoencoder, oracle: Oracle, plan: AutoencoderPlan, log: SampleLog, advance: Callable[[int], None]
) -> list[dict]:
    """Measure what the log lacks and return all samples; `advance` is told how many were done."""
    samples = log.read()
    advance(len(samples))
    for first in range(len(samples), plan.count, plan.batch_size):
        fresh = measure(autoencoder, oracle, plan, first, min(plan.batch_size, plan.count - first))
        log.append(fresh)
        samples += fresh
        advance(len(fresh))
    return samples[: plan.count]
