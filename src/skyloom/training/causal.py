"""The causal stage: a trained transformer learns to look back only, on a history of its own making.

A clip's frames are asked for all at once, each from the finished frames before it (models.causal). What stands there as
finished is not the clip itself but what the network makes of it: noised to a drawn level and denoised again, frame
after frame with kept keys, as a stream would (Resampling Forcing, arXiv 2512.15702). The answers asked for are still
those of the clip, so a network learns to lead back from the faults that it makes, and minutes do not drift.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from skyloom.config import TaskMix, TrainConfig
from skyloom.diffusion.flow import denoised_from, mix, sample_sigma
from skyloom.models.cache import Cache
from skyloom.models.causal import causal_velocity
from skyloom.models.transformer import Transformer
from skyloom.seeds import generator_for, normal_on
from skyloom.shapes import LatentSize
from skyloom.training.ahead import Ahead
from skyloom.training.distributed import Ranks
from skyloom.training.ema import Ema
from skyloom.training.examples import Draw
from skyloom.training.loop import autocast, compiled
from skyloom.training.tasks_mix import only
from skyloom.training.transformer import Pictures, Question, TransformerStage, finish_network, velocity_loss

SHORTER, RATE = 8, 0.25
"""How much shorter than the transformer's own this training is, and at what share of its learning rates."""
TAUGHT = 0.1
"""Share of the steps, at the beginning, whose history is the clip itself."""
RESAMPLED = 0.8
"""How many of the later steps' histories are the network's own."""
RESAMPLED_SHIFT = 0.6
"""Histories are noised little more often than much."""
RESAMPLING_STEPS = 2


def causal_tasks(tasks: TaskMix) -> TaskMix:
    """Return a mix in which nothing is known but what comes before: pictures and given beginnings are part of it."""
    return only(tasks, nothing_known=1.0)


def causal_training(config: TrainConfig) -> TrainConfig:
    """Return how to go on with what was trained like this: shorter, and more carefully."""
    own = config.optim
    optim = dataclasses.replace(
        own, muon_lr=own.muon_lr * RATE, adamw_lr=own.adamw_lr * RATE, warmup_steps=20, decay_share=0.5,
        ema_halflives=(20, 60),
    )  # fmt: skip
    return dataclasses.replace(config, steps=max(1, config.steps // SHORTER), optim=optim)


def draw_span(frames: int, generator: torch.Generator) -> int:
    """Draw how many frames a frame reads: all, or half of them, so that a window that has moved on is known.

    Two lengths and no more, since compiled code is of fixed shapes.
    """
    half = max(2, (frames + 1) // 2)
    return half if torch.rand((), generator=generator) < 0.5 else max(2, frames)


class CausalStage:
    """Trains one Transformer to make frames from those before them."""

    def __init__(
        self, network: Transformer, config: TrainConfig, tasks: TaskMix, draw: Draw, *,
        weights: Tensor | None = None, ranks: Ranks = Ranks(), names: Tensor | None = None,
        pictures: Pictures | None = None,
    ) -> None:  # fmt: skip
        """`network` is on its device and trained already. weights, names, pictures: as for TransformerStage."""
        self.network, self.config, self.ranks, self.pictures = network, config, ranks, pictures
        self._asks = TransformerStage(network, config, causal_tasks(tasks), draw, ranks=ranks, names=names)
        self.device = self._asks.device
        self._weights = torch.ones(network.config.latent_channels) if weights is None else weights
        self._weights = self._weights.to(self.device)
        self._questions = Ahead(self._asks.question, config.steps, self.device)
        self._run = compiled(self._velocity, config)

    def modules(self) -> dict[str, nn.Module]:
        """Return the network, by name."""
        return {"causal": self.network}

    def _velocity(self, question: Question, history: Tensor, span: int) -> Tensor:
        examples = question.examples
        noisy = mix(examples.latents, question.noise, question.sigma)
        return causal_velocity(
            self.network, noisy, question.sigma, history, examples.prompt_embeds, examples.prompt_mask, span=span,
            boxes=question.actors, names=question.names, scalars=examples.scalars,
        )  # fmt: skip

    @torch.no_grad()
    def history(self, question: Question, span: int, generator: torch.Generator, rows: slice) -> Tensor:
        """Return what the network makes of a question's clips, `rows` of the global batch: (b, c, f, h, w).

        The last frame, which none reads, is the clip's.
        """
        latents, count = question.examples.latents, self.config.batch_size
        sigma = sample_sigma(count, generator, shift=RESAMPLED_SHIFT)[rows].to(self.device)
        start = mix(latents, normal_on(self.device, (count, *latents.shape[1:]), generator, rows), sigma)
        with autocast(self.config.precision, self.device):
            return _remade(self.network, question, start, sigma, span)

    def _losses(
        self, question: Question, history: Tensor, span: int, run: Callable[[Question, Tensor, int], Tensor]
    ) -> Tensor:
        with autocast(self.config.precision, self.device):
            return velocity_loss(run(question, history, span), question, self._weights)

    def loss(self, step: int) -> tuple[Tensor, dict[str, Tensor | float]]:
        """Return the mean loss of a step's samples."""
        question, generator = self._questions.at(step), generator_for(self.config.seed, "causal", step)
        span = draw_span(question.examples.latents.shape[2], generator)
        own = bool(torch.rand((), generator=generator) < RESAMPLED) and step >= TAUGHT * self.config.steps
        rows = self.ranks.rows(self.config.batch_size)
        history = self.history(question, span, generator, rows) if own else question.examples.latents
        return self._losses(question, history, span, self._run).mean(), {"own_history": float(own)}

    @torch.no_grad()
    def unseen_loss(self, batches: int = 4) -> float:
        """Return the loss on clips held back from training, whose histories are the network's own."""
        losses = []
        for number in range(batches):
            question, generator = self._asks.unseen(number), generator_for(self.config.seed, "causal unseen", number)
            span = max(2, question.examples.latents.shape[2])
            history = self.history(question, span, generator, slice(None))
            losses.append(self._losses(question, history, span, self._velocity).mean())
        return float(torch.stack(losses).mean())

    def samples(self, step: int, ema: Ema) -> None:
        """Let `pictures` draw with the first average."""
        if self.pictures is not None:
            with ema.applied():
                self.pictures(step, self.network)


def _remade(network: Transformer, question: Question, start: Tensor, sigma: Tensor, span: int) -> Tensor:
    """Denoise `start` (b, c, f, h, w) from sigma (b,) in a few steps, each frame from those before it."""
    examples, boxes = question.examples, question.actors
    height, width = start.shape[3:]
    cache = Cache(
        network, LatentSize(1, height, width), examples.prompt_embeds, examples.prompt_mask, span=span,
        scalars=examples.scalars, names=question.names,
    )  # fmt: skip
    made, levels = [], torch.linspace(1, 0, RESAMPLING_STEPS + 1).tolist()
    for number, part in enumerate(start.split(1, dim=2)[:-1]):
        covered = boxes[:, :, number : number + 1]
        for level, following in pairwise(levels):
            velocity = cache.velocity(part, level * sigma, boxes=covered).to(part)
            part = denoised_from(part, velocity, (level - following) * sigma)
        cache.remember(part, boxes=covered)
        made.append(part)
    return torch.cat([*made, examples.latents[:, :, -1:]], dim=2)


def finish_causal(stage: CausalStage, run_dir: Path) -> dict[str, float]:
    """Choose the weights or average with the least loss on unseen clips; write causal.safetensors.

    Returns the chosen half-life (0 for the plain weights) and its loss.
    """
    return finish_network(stage.network, "causal", stage.unseen_loss, stage.config, run_dir, stage.ranks)
