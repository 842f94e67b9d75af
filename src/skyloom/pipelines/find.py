"""Where a thing is, by the network's own account.

As in DiffEdit (Couairon et al. 2022, arXiv 2210.11427): at a middle noise level the network is asked twice, with the
word and with another in its place. Where its two answers differ, there the thing is. Averaged over a few noises.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from skyloom.diffusion.flow import mix
from skyloom.pipelines.canvas import Canvas
from skyloom.pipelines.engine import Engine, encoder_of
from skyloom.pipelines.velocity import Condition, encode_prompts, pinned, velocity_of
from skyloom.seeds import generator_for

SIGMA = 0.5
NOISES = 4
CLIP = 3.0
"""Differences above this many times the mean count as that."""


@torch.no_grad()
def velocity(engine: Engine, canvas: Canvas, noisy: Tensor, sigma: float) -> Tensor:
    """Return the network's unguided velocity at one noise level, like `noisy` (b, c, f, h, w), for one canvas."""
    count = len(noisy)
    words = encode_prompts(encoder_of(engine), [canvas.prompts] * count, canvas.size.latent_frames)
    shared = pinned([canvas] * count, engine.transformer.config.box_slots)
    return velocity_of(engine.transformer, shared)(noisy, torch.full((count,), sigma), [Condition(words, None)])


def difference(engine: Engine, latents: Tensor, here: Canvas, there: Canvas, seed: int) -> Tensor:
    """Return how far the network's answers to two canvases differ on latents: (1, 1, f, h, w), mean 1."""
    generator = generator_for(seed, "find")
    noise = torch.randn(NOISES, *latents.shape[1:], generator=generator)
    noisy = mix(latents.expand(NOISES, -1, -1, -1, -1), noise, SIGMA)
    apart = velocity(engine, here, noisy, SIGMA) - velocity(engine, there, noisy, SIGMA)
    found = apart.square().mean((0, 1)).sqrt()[None, None]
    return found / found.mean().clamp(min=1e-12)


def cells_of(found: Tensor, threshold: float) -> Tensor:
    """Return the cells (1, 1, f, h, w) of 0 and 1 whose smoothed difference is above `threshold` of the clipped most.

    The most different cell is always among them.
    """
    smooth = F.avg_pool3d(F.pad(found.clamp(max=CLIP), (1, 1, 1, 1, 1, 1), mode="replicate"), 3, 1)
    return (smooth >= min(threshold * CLIP, float(smooth.max()))).float()


def pixels_of(cells: Tensor, temporal: int, spatial: int) -> Tensor:
    """Return the mask (f, h, w) of the pixels that cells (1, 1, f', h', w') cover."""
    wide = cells[0, 0].repeat_interleave(spatial, 1).repeat_interleave(spatial, 2)
    return torch.cat([wide[:1], wide[1:].repeat_interleave(temporal, 0)])
