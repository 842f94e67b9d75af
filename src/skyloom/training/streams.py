"""Sample strips of streams, longer than any clip, so that drift is seen."""

from __future__ import annotations

from itertools import repeat

import torch

from skyloom.models.cache import Cache
from skyloom.models.transformer import Transformer
from skyloom.pipelines.checkpoint import SamplingConfig
from skyloom.pipelines.rolling import roll
from skyloom.seeds import generator_for
from skyloom.shapes import LatentSize
from skyloom.training.pictures import GUIDANCE, SHIFT, STEPS, PromptPictures
from skyloom.training.strips import write_strips

CLIPS = 4
"""How many times longer than a clip of training a stream is."""


class StreamPictures:
    """Writes run_dir/samples/STEP.png: one row for each prompt of `PromptPictures`, always from the same noise."""

    def __init__(self, pictures: PromptPictures) -> None:
        self._of = pictures

    @torch.no_grad()
    def __call__(self, step: int, network: Transformer) -> None:
        """Sample, decode and write."""
        of = self._of
        count, channels, frames, height, width = of.noise.shape
        embeds, mask = (torch.cat(parts) for parts in zip(of.prompts, of.empty, strict=True))
        cache = Cache(network, LatentSize(1, height, width), embeds, mask, span=max(2, frames))
        generator, shape = generator_for(0, "streams"), (count, channels, 1, height, width)
        noises = (torch.randn(*shape, generator=generator).to(of.noise) for _ in range(CLIPS * frames))
        sampling = SamplingConfig(num_inference_steps=STEPS, shift=SHIFT)
        latents = torch.cat(list(roll(cache, [GUIDANCE, 1 - GUIDANCE], sampling, noises, repeat(None))), dim=2)
        clips = of.autoencoder.decode(latents.to(of.noise)).clamp(-1, 1)
        write_strips(of.run_dir / "samples" / f"{step:08d}.png", list(clips), frames=2 * CLIPS)
