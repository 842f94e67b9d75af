"""Sample strips: what a transformer in training makes of fixed prompts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from skyloom.diffusion.distillation import jumping
from skyloom.diffusion.guidance import classifier_free, guided
from skyloom.diffusion.sampler import sample
from skyloom.diffusion.schedule import shifted_schedule
from skyloom.models.autoencoder import Autoencoder
from skyloom.models.transformer import Transformer
from skyloom.seeds import generator_for
from skyloom.training.loop import device_of
from skyloom.training.strips import write_strips

PROMPTS = (
    "A dog is running to the right in a meadow.",
    "A soccer ball bounces on a beach.",
    "A rocket flies to the left in outer space.",
    "A butterfly is flying over a snowy forest, and it is snowing.",
    "A robot is jumping on a stage at night.",
    "一只猫在厨房里向左走。",
)
STEPS, GUIDANCE, SHIFT = 20, 4.0, 2.0
JUMPS = 4

Features = tuple[Tensor, Tensor]
"""Embeds (b, l, d) and mask (b, l) of prompts."""


class PromptPictures:
    """Writes run_dir/samples/STEP.png: one row for each prompt, always from the same noise."""

    def __init__(
        self, autoencoder: Autoencoder, prompts: Features, empty: Features, shape: Sequence[int], run_dir: Path
    ) -> None:
        """shape: (c, f, h, w) of the latents; both features padded to the same number of tokens."""
        device = device_of(autoencoder)
        self.autoencoder, self.run_dir = autoencoder, run_dir
        self.prompts = tuple(tensor.to(device) for tensor in prompts)
        self.empty = tuple(tensor.to(device).expand(len(prompts[0]), *tensor.shape[1:]) for tensor in empty)
        self.noise = torch.stack(
            [torch.randn(*shape, generator=generator_for(0, "pictures", row)) for row in range(len(prompts[0]))]
        ).to(device)

    @torch.no_grad()
    def __call__(self, step: int, transformer: Transformer) -> None:
        """Sample, decode and write."""

        def velocity_of(noisy: Tensor, sigma: Tensor, conditions: Sequence[tuple[Tensor, ...]]) -> Tensor:
            embeds, mask = (torch.cat(parts) for parts in zip(*conditions, strict=True))
            return transformer(noisy, sigma, embeds, mask)

        velocity_fn = guided(velocity_of, classifier_free(self.prompts, self.empty, GUIDANCE))
        self.write(step, sample(velocity_fn, self.noise, shifted_schedule(STEPS, SHIFT)))

    @torch.no_grad()
    def jumped(self, step: int, transformer: Transformer) -> None:
        """Do the same with a network that jumps (diffusion.distillation), in JUMPS steps."""

        def jump_fn(noisy: Tensor, sigma: Tensor, target: Tensor) -> Tensor:
            return transformer(noisy, sigma, *self.prompts, target_sigma=target)

        sigmas = shifted_schedule(JUMPS, 1.0)
        self.write(step, sample(jumping(jump_fn, sigmas), self.noise, sigmas))

    def write(self, step: int, latents: Tensor) -> None:
        """Decode and write the picture of a step."""
        clips = self.autoencoder.decode(latents).clamp(-1, 1)
        write_strips(self.run_dir / "samples" / f"{step:08d}.png", list(clips))
