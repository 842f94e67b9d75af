"""The transformer's stage: flow matching on latents, whatever is known of them.

Each sample draws a task (which cells are known), a noise level for the cells asked for and another for those known. The
loss is the squared error of the velocity over the cells asked for, a mean for each sample.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from skyloom.config import SCALARS, TaskMix, TrainConfig
from skyloom.diffusion.flow import mix, sample_sigma, velocity_target
from skyloom.models.autoencoder import Autoencoder
from skyloom.models.boxes import cover
from skyloom.models.transformer import Transformer
from skyloom.pipelines.checkpoint import fill
from skyloom.seeds import generator_for, normal_on
from skyloom.shapes import LatentSize
from skyloom.training.ahead import Ahead
from skyloom.training.checkpointing import read_weights, write_tensors
from skyloom.training.distributed import Ranks
from skyloom.training.ema import Ema
from skyloom.training.examples import Draw, Examples
from skyloom.training.loop import autocast, compiled, device_of
from skyloom.training.tasks_mix import TASKS, draw_known, draw_step

CONTEXT_NOISED = 0.3
MOST_CONTEXT_SIGMA = 0.3
SENSITIVITY_NOISE = 0.5
EMPHASIS = 4.0
"""How much more a cell that belongs to an actor counts than one of the background."""
SCALARS_GIVEN = 0.5
SCALAR_KEPT = 0.75
UNNAMED, UNNAMED_TOO = 0.1, 0.7
"""How many of the samples that are told where actors are, are not told their names; and of those without a prompt."""

Pictures = Callable[[int, Transformer], None]
"""Told (step, transformer with the averaged weights) to write samples."""


@dataclass(frozen=True)
class Levels:
    """How noise levels are drawn: logit-normal, then shifted (see diffusion.flow.sample_sigma)."""

    mean: float = 0.6
    std: float = 1.1
    shift: float = 1.0


@dataclass(frozen=True)
class Question:
    """Everything that a step draws for its samples, this rank's rows only."""

    examples: Examples
    noise: Tensor
    sigma: Tensor
    known: Tensor
    context_sigma: Tensor
    actors: Tensor  # (b, s, f, h, w), how much of each cell each actor covers; 0 where the network is not told
    names: Tensor | None  # (b, s, d) features of the actors' names, 0 where the network is not told; None: no names


def draw_given_scalars(count: int, generator: torch.Generator) -> Tensor:
    """Draw which scalars a sample is told: none with 1 - SCALARS_GIVEN, else each with SCALAR_KEPT. (count, 5) bool."""
    draws = torch.rand(count, 1 + len(SCALARS), generator=generator)
    return (draws[:, :1] < SCALARS_GIVEN) & (draws[:, 1:] < SCALAR_KEPT)


def draw_context_sigma(count: int, generator: torch.Generator) -> Tensor:
    """Draw the noise level of known cells: 0 for most samples, else up to MOST_CONTEXT_SIGMA. (count,) float32."""
    draws = torch.rand(2, count, generator=generator)
    return torch.where(draws[0] < CONTEXT_NOISED, draws[1] * MOST_CONTEXT_SIGMA, 0.0)


def noised(question: Question) -> Tensor:
    """Return what the network sees: known cells at context_sigma, all others at sigma. (b, c, f, h, w)."""
    latents, noise = question.examples.latents, question.noise
    asked, given = mix(latents, noise, question.sigma), mix(latents, noise, question.context_sigma)
    return torch.where(question.known > 0.5, given, asked)


def velocity_loss(velocity: Tensor, question: Question, weights: Tensor, emphasis: float = EMPHASIS) -> Tensor:
    """Return each sample's squared error of the velocity, a mean over the cells asked for: (b,).

    weights: (c,), mean 1, how much each latent channel counts. emphasis: how much more a cell counts of which the
    network is told that an actor covers it; where it is not told, a weight that hangs on the answer would bias it.
    """
    target = velocity_target(question.examples.latents, question.noise)
    asked = (1 - question.known) * (1 + emphasis * question.actors.sum(1, keepdim=True).clamp(max=1))
    error = ((velocity.float() - target).square() * weights.view(1, -1, 1, 1, 1)).mean(1, keepdim=True) * asked
    return error.sum((1, 2, 3, 4)) / asked.sum((1, 2, 3, 4))


def _table(transformer: Transformer, names: Tensor | None) -> Tensor | None:
    """Return the features of names on the network's device with a row of zeros behind the last, which -1 finds."""
    if transformer.naming is None or names is None:
        return None
    return torch.cat([names, names.new_zeros(1, names.shape[1])]).to(transformer.out.weight.device)


BEGINS_AT_NOTHING = ("naming.", "levels.jump_in.")
"""Parts of a transformer that change nothing before they are trained."""


def start_transformer(transformer: Transformer, state: Mapping[str, Tensor], origin: str) -> None:
    """Load weights to begin with; parts that begin by adding nothing may be missing. Raises CheckpointError."""
    fresh = {name: value for name, value in transformer.state_dict().items() if name.startswith(BEGINS_AT_NOTHING)}
    fill(transformer, {**fresh, **state}, origin)


@torch.no_grad()
def channel_weights(autoencoder: Autoencoder, pixels: Tensor) -> Tensor:
    """Return how much each latent channel should count: (c,), mean 1.

    Latents have unit variance, but the picture hangs on some channels far more than on others. The weight is the
    root-mean-square change of the decoded pixels (b, 3, f, h, w) when one channel is noised.
    """
    latents = autoencoder.encode(pixels.to(device_of(autoencoder)))
    decoded, changes = autoencoder.decode(latents), []
    for channel in range(latents.shape[1]):
        noise = torch.randn(latents[:, 0].shape, generator=generator_for(0, "channel weights", channel))
        noised_latents = latents.clone()
        noised_latents[:, channel] += SENSITIVITY_NOISE * noise.to(latents)
        changes.append((autoencoder.decode(noised_latents) - decoded).square().mean().sqrt())
    weights = torch.stack(changes)
    return weights / weights.mean()


def first_frames(examples: Examples) -> Examples:
    """Return the samples as images: the first latent frame, and no scalars, which tell of motion."""
    latents, source = examples.latents[:, :, :1].contiguous(), examples.source[:, :, :1].contiguous()
    nothing, boxes = torch.full_like(examples.scalars, float("nan")), examples.boxes[:, :, :1].contiguous()
    return dataclasses.replace(examples, latents=latents, source=source, scalars=nothing, boxes=boxes)


class TransformerStage:
    """Trains one Transformer on samples of a Draw."""

    def __init__(
        self, transformer: Transformer, config: TrainConfig, tasks: TaskMix, draw: Draw, *,
        weights: Tensor | None = None, levels: Levels = Levels(), ranks: Ranks = Ranks(),
        pictures: Pictures | None = None, names: Tensor | None = None,
    ) -> None:  # fmt: skip
        """`transformer` is on its device already; `pictures` is told (step, transformer) to write samples.

        weights: (c,), mean 1, how much each latent channel counts in the loss; None counts all alike.
        names: (n, d) features of the names of the world's actors, to tell a network that takes names; None tells none.
        """
        self.transformer, self.config, self.tasks, self.draw = transformer, config, tasks, draw
        self.levels, self.ranks, self.pictures = levels, ranks, pictures
        self.device = next(transformer.parameters()).device
        self._weights = torch.ones(transformer.config.latent_channels) if weights is None else weights
        self._weights = self._weights.to(self.device)
        self._rows = ranks.rows(config.batch_size)
        self._names = _table(transformer, names)
        self._empty = tuple(tensor.to(self.device) for tensor in draw.empty_prompt())
        self._run = compiled(self._velocity, config)
        self._questions = Ahead(self.question, config.steps, self.device)

    def modules(self) -> dict[str, nn.Module]:
        """Return the network, by name."""
        return {"transformer": self.transformer}

    def question(self, step: int) -> Question:
        """Draw a step's samples for the global batch and keep this rank's rows."""
        generator, still, tasks = draw_step(self.tasks, self.config, step)
        count = len(tasks)
        examples = self.draw.examples(self.config.seed, step, tasks == TASKS.index("source"), self._rows)
        examples = examples.to(self.device)
        unprompted = torch.rand(count, generator=generator) < self.tasks.drop_prompt
        given = draw_given_scalars(count, generator)[self._rows]
        examples = self._dropped(first_frames(examples) if still else examples, unprompted[self._rows], given)
        free = tasks == TASKS.index("nothing_known")
        told = torch.rand(count, generator=generator) < torch.where(free, 1.0, 0.5) * self.tasks.boxes_told
        silent = torch.rand(count, generator=generator) < torch.where(unprompted, UNNAMED_TOO, UNNAMED)
        return self._asked(examples, tasks, (told, told & ~silent), generator, self._rows)

    def _dropped(self, examples: Examples, unprompted: Tensor, given: Tensor) -> Examples:
        """Take prompts and scalars from the samples that are to do without."""
        unprompted, given = unprompted.to(self.device), given.to(self.device)
        embeds = torch.where(unprompted[:, None, None], self._empty[0], examples.prompt_embeds)
        mask = torch.where(unprompted[:, None], self._empty[1], examples.prompt_mask)
        scalars = examples.scalars.masked_fill(~given, float("nan"))
        return dataclasses.replace(examples, prompt_embeds=embeds, prompt_mask=mask, scalars=scalars)

    def _asked(
        self, examples: Examples, tasks: Tensor, told: tuple[Tensor, Tensor], generator: torch.Generator, rows: slice
    ) -> Question:
        """Draw noise, levels and known cells for samples of `tasks`; join those of `rows` with their examples.

        told: which samples are told where the actors are, and which of them are told the names too.
        """
        (channels, frames, height, width), levels = examples.latents.shape[1:], self.levels
        known = draw_known(tasks, (frames, height, width), generator)[rows]
        sigma = sample_sigma(len(tasks), generator, levels.mean, levels.std, levels.shift)[rows]
        context_sigma = draw_context_sigma(len(tasks), generator)[rows]
        noise = normal_on(self.device, (len(tasks), channels, frames, height, width), generator, rows)
        slots = self.transformer.config.box_slots
        actors = cover(examples.boxes, LatentSize(frames, height, width))[:, :slots]
        missing = actors.new_zeros(len(actors), slots - actors.shape[1], *actors.shape[2:])
        actors = torch.cat([actors, missing], dim=1)
        actors = actors * told[0][rows].view(-1, 1, 1, 1, 1)
        moved = (tensor.to(self.device) for tensor in (noise, sigma, known, context_sigma, actors))
        return Question(examples, *moved, self._named(examples, slots, told[1][rows]))

    def _named(self, examples: Examples, slots: int, told: Tensor) -> Tensor | None:
        """Return the features (b, slots, d) of the actors' names, zeros for those that are not `told` (b,)."""
        if self._names is None:
            return None
        numbers = torch.full((len(told), slots), -1, device=self.device)
        count = min(slots, examples.actors.shape[1])
        numbers[:, :count] = examples.actors[:, :count].to(self.device)
        return self._names[numbers] * told.to(self.device)[:, None, None]

    def _velocity(self, question: Question) -> Tensor:
        examples = question.examples
        return self.transformer(
            noised(question), question.sigma, examples.prompt_embeds, examples.prompt_mask, known=question.known,
            context_sigma=question.context_sigma, source=examples.source, boxes=question.actors,
            names=question.names, scalars=examples.scalars,
        )  # fmt: skip

    def _losses(self, question: Question, run: Callable[[Question], Tensor]) -> Tensor:
        with autocast(self.config.precision, self.device):
            return velocity_loss(run(question), question, self._weights)

    def loss(self, step: int) -> tuple[Tensor, dict[str, Tensor | float]]:
        """Return the mean loss of a step's samples."""
        return self._losses(self._questions.at(step), self._run).mean(), {}

    @torch.no_grad()
    def unseen_loss(self, batches: int = 8) -> float:
        """Return the loss of text-to-video on clips held back from training, always with the same noise.

        Every other sample is told where the actors are, if the network can be.
        """
        losses = [self._losses(self.unseen(number), self._velocity).mean() for number in range(batches)]
        return float(torch.stack(losses).mean())

    def unseen(self, number: int) -> Question:
        """Return batch `number` of text-to-video for clips held back from training; every other one is told boxes."""
        generator = generator_for(self.config.seed, "unseen", number)
        examples = self.draw.unseen(number, self.config.batch_size).to(self.device)
        scalars = torch.full_like(examples.scalars, float("nan"))
        tasks = torch.full((self.config.batch_size,), TASKS.index("nothing_known"))
        whole, told = dataclasses.replace(examples, scalars=scalars), torch.arange(len(tasks)) % 2 == 0
        return self._asked(whole, tasks, (told, told), generator, slice(None))

    def samples(self, step: int, ema: Ema) -> None:
        """Let `pictures` draw with the first average."""
        if self.pictures is not None:
            with ema.applied():
                self.pictures(step, self.transformer)


def finish_transformer(stage: TransformerStage, run_dir: Path) -> dict[str, float]:
    """Choose the weights or average with the least loss on unseen clips; write transformer.safetensors.

    Returns the chosen half-life (0 for the plain weights) and its loss.
    """
    return finish_network(stage.transformer, "transformer", stage.unseen_loss, stage.config, run_dir, stage.ranks)


def finish_network(
    network: nn.Module, name: str, unseen_loss: Callable[[], float], config: TrainConfig, run_dir: Path, ranks: Ranks
) -> dict[str, float]:
    """Choose what a run's network of this name is best with, as finish_transformer does; write NAME.safetensors."""
    losses: dict[int, float] = {}
    for halflife in (0, *config.optim.ema_halflives):
        network.load_state_dict(read_weights(run_dir, name, halflife or None))
        losses[halflife] = unseen_loss()
    best = min(losses, key=lambda halflife: losses[halflife])
    network.load_state_dict(read_weights(run_dir, name, best or None))
    if ranks.leads:
        write_tensors(run_dir / f"{name}.safetensors", network.state_dict())
    return {"halflife": best, "unseen_loss": losses[best]}
