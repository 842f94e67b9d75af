"""Latent frames one after another, each made from those before.

A frame is sampled as any canvas is, with a cache (`models.cache`) in place of the frames before it; when it is
finished, the cache takes it in. Branches of guidance are rows of the same cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
from torch import Tensor

from skyloom.diffusion.guidance import Branch, guided
from skyloom.diffusion.sampler import OnStep, sample
from skyloom.diffusion.schedule import shifted_schedule
from skyloom.models.cache import Cache
from skyloom.pipelines.checkpoint import SamplingConfig
from skyloom.pipelines.precision import fast_matmul


@torch.no_grad()
def roll(
    cache: Cache, weights: Sequence[float], sampling: SamplingConfig, noises: Iterable[Tensor],
    boxes: Iterable[Tensor | None], on_step: Callable[[int], OnStep | None] = lambda frame: None,
) -> Iterator[Tensor]:  # fmt: skip
    """Yield finished latents (b, c, 1, h, w) for as long as there are noises of that shape and boxes (b, s, 1, h, w).

    weights: of the branches of guidance, whose rows the cache holds branch after branch (n * b). on_step: by the
    frame's number, what is told of its steps. A guidance scale in `sampling` is not looked at.
    """
    branches = [Branch(number, weight) for number, weight in enumerate(weights)]
    sigmas = shifted_schedule(sampling.num_inference_steps, sampling.shift)
    for number, (noise, covered) in enumerate(zip(noises, boxes, strict=False)):
        velocity_fn = guided(
            _asking(cache, covered, len(noise)),
            branches,
            interval=(sampling.guidance_low, sampling.guidance_high),
            rescale=sampling.rescale,
        )
        with fast_matmul(noise.device):
            made = sample(velocity_fn, noise, sigmas, on_step=on_step(number), method=sampling.method)
            cache.remember(made.repeat(len(weights), 1, 1, 1, 1), boxes=_repeated(covered, len(weights)))
        yield made


def _repeated(part: Tensor | None, count: int) -> Tensor | None:
    """Return what each of `count` branches is shown."""
    return part if part is None or count == 1 else part.repeat(count, 1, 1, 1, 1)


def _asking(
    cache: Cache, covered: Tensor | None, videos: int
) -> Callable[[Tensor, Tensor, Sequence[int]], Tensor]:  # fmt: skip
    """Return the function that `diffusion.guidance` asks, whose conditions are numbers of branches."""

    def velocity_of(noisy: Tensor, sigma: Tensor, chosen: Sequence[int]) -> Tensor:
        rows = torch.cat([torch.arange(videos) + videos * branch for branch in chosen]).to(noisy.device)
        whole = len(rows) == cache.videos
        return cache.velocity(noisy, sigma, boxes=_repeated(covered, len(chosen)), rows=None if whole else rows)

    return velocity_of
