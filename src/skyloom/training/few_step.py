"""The few-step stage: a network learns to jump where its teacher walks.

Each sample is a walk of the frozen many-step network in small guided steps, as a pipeline would ask it, with whatever
is known of the canvas; now and then from a noised clip, as a restyling begins. The student starts with the teacher's
weights and learns jumps from point to point of the walk (diffusion.distillation). A walk is a function of the step's
number and of the teacher, never of the student: what long jumps should reach is known from the first step on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from skyloom.config import TaskMix, TrainConfig
from skyloom.diffusion.distillation import FINEST, draw_jumps, follow, mean_velocity
from skyloom.diffusion.flow import mix
from skyloom.diffusion.guidance import classifier_free, guided
from skyloom.diffusion.schedule import shifted_schedule
from skyloom.models.transformer import Transformer
from skyloom.pipelines.checkpoint import SamplingConfig
from skyloom.seeds import generator_for
from skyloom.training.ahead import Ahead
from skyloom.training.distributed import Ranks
from skyloom.training.ema import Ema
from skyloom.training.examples import Draw
from skyloom.training.loop import autocast, compiled
from skyloom.training.transformer import EMPHASIS, Pictures, Question, TransformerStage, finish_network

SMALL = 2
"""The teacher's steps from point to point: 16 in all."""
STARTED, LEAST_STRENGTH = 0.15, 0.3
"""How many steps' walks begin at a noised clip, and the least of the noise levels at which they do."""
STEADY = 1e-3
DROP_PROMPT, BOXES_TOLD = 0.03, 0.9


@dataclass(frozen=True)
class Told:
    """What a network is told beside latents and levels; b rows. words: refined once, None before."""

    embeds: Tensor
    mask: Tensor
    names: Tensor | None
    known: Tensor
    context_sigma: Tensor
    source: Tensor
    boxes: Tensor
    scalars: Tensor
    words: Tensor | None = None

    def read(self, network: Transformer) -> Told:
        """Return the same with its words refined, which is alike for all levels and jumps."""
        return dataclasses.replace(self, words=network.read(self.embeds, self.mask))

    def each(self, change: Any) -> Told:
        """Return `change` of every part there is."""
        parts = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return Told(**{name: None if part is None else change(part) for name, part in parts.items()})


@dataclass(frozen=True)
class Lesson:
    """Jumps to learn, r rows: from `noisy` at sigma to target with this mean velocity, on walk `path` of those told."""

    noisy: Tensor
    sigma: Tensor
    target: Tensor
    velocity: Tensor
    path: Tensor
    told: Told


def lesson_tasks(tasks: TaskMix) -> TaskMix:
    """Return the mix as users ask: nearly always with words, and where a planner serves, with boxes."""
    return dataclasses.replace(tasks, drop_prompt=DROP_PROMPT, boxes_told=BOXES_TOLD)


def told_of(question: Question) -> Told:
    """Return what a question tells a network."""
    examples = question.examples
    return Told(
        examples.prompt_embeds, examples.prompt_mask, question.names, question.known, question.context_sigma,
        examples.source, question.actors, examples.scalars,
    )  # fmt: skip


def jump_losses(velocity: Tensor, lesson: Lesson, weights: Tensor, emphasis: float = EMPHASIS) -> Tensor:
    """Return how far each jump's mean velocity is off, over the cells asked for: (r,), the root of a mean square.

    Without the square (Song & Dhariwal 2023, arXiv 2310.14189, eq. 7) long jumps, which are far off, leave room for
    short ones. weights: (c,), mean 1; emphasis: how much more an actor's cells count.
    """
    told, path = lesson.told, lesson.path
    asked = (1 - told.known) * (1 + emphasis * told.boxes.sum(1, keepdim=True).clamp(max=1))
    asked = asked[path]
    error = ((velocity.float() - lesson.velocity).square() * weights.view(1, -1, 1, 1, 1)).mean(1, keepdim=True) * asked
    return (error.sum((1, 2, 3, 4)) / asked.sum((1, 2, 3, 4)) + STEADY).sqrt()


class FewStepStage:
    """Trains one jumping Transformer on the walks of another."""

    def __init__(
        self, student: Transformer, teacher: Transformer, config: TrainConfig, tasks: TaskMix, draw: Draw,
        sampling: SamplingConfig, *, weights: Tensor | None = None, ranks: Ranks = Ranks(),
        names: Tensor | None = None, pictures: Pictures | None = None,
    ) -> None:  # fmt: skip
        """Both networks are on their device already; the config's batch is of walks.

        sampling: how the teacher is asked: its guidance, which is fused in, and the shift of its schedule.
        weights, names, pictures: as for TransformerStage.
        """
        self.student, self.teacher = student, teacher.requires_grad_(False).eval()
        self.config, self.sampling, self.ranks, self.pictures = config, sampling, ranks, pictures
        self._asks = TransformerStage(teacher, config, lesson_tasks(tasks), draw, ranks=ranks, names=names)
        self.device = self._asks.device
        self._weights = torch.ones(student.config.latent_channels) if weights is None else weights
        self._weights = self._weights.to(self.device)
        self._empty = tuple(tensor.to(self.device) for tensor in draw.empty_prompt())
        self._questions = Ahead(self._asks.question, config.steps, self.device)
        self._unseen: list[Lesson] = []
        self._walks, self._jumps = compiled(self._velocity, config), compiled(self._jump, config)

    def modules(self) -> dict[str, nn.Module]:
        """Return the student, by name."""
        return {"few_step": self.student}

    def _velocity(self, noisy: Tensor, sigma: Tensor, told: Told) -> Tensor:
        return _ask(self.teacher, noisy, sigma, told)

    def _jump(self, lesson: Lesson) -> Tensor:
        told = lesson.told.read(self.student).each(lambda part: part[lesson.path])
        return _ask(self.student, lesson.noisy, lesson.sigma, told, lesson.target)

    def _silent(self, told: Told) -> Told:
        """Return the same without prompts and names."""
        embeds, mask = (empty.expand(len(told.embeds), *empty.shape[1:]) for empty in self._empty)
        names = None if told.names is None else torch.zeros_like(told.names)
        return dataclasses.replace(told, embeds=embeds, mask=mask, names=names)

    def _walk(self, question: Question, told: Told, sigmas: Tensor, seen: Tensor) -> Tensor:
        """Return FINEST + 1 points of the teacher's guided walks; seen: what known cells hold on the way."""
        latents, how = question.examples.latents, self.sampling
        run = self._chosen(question, self._walks, self._velocity)

        def velocity_of(noisy: Tensor, sigma: Tensor, conditions: Sequence[Told]) -> Tensor:
            return run(noisy, sigma, _joined(conditions))

        with torch.no_grad():
            said, unsaid = told.read(self.teacher), self._silent(told).read(self.teacher)
        branches = classifier_free(said, unsaid, how.guidance_scale)
        interval = (how.guidance_low, how.guidance_high)
        velocity_fn = guided(velocity_of, branches, interval=interval, rescale=how.rescale)
        start = mix(latents, question.noise, float(sigmas[0]))
        pins = {"known": question.known, "context": latents, "noised_context": seen}
        return follow(velocity_fn, start, sigmas, SMALL, **pins)

    def _chosen(self, question: Question, fast: Callable[..., Tensor], plain: Callable[..., Tensor]) -> Any:
        """Return the compiled function for videos, the plain one for the few steps on images."""
        return fast if question.examples.latents.shape[2] > 1 else plain

    def lesson(self, question: Question, generator: torch.Generator, rows: slice) -> Lesson:
        """Walk from each of a question's samples, `rows` of the global batch, and choose jumps of the walks."""
        told, latents = told_of(question), question.examples.latents
        strength = torch.rand(2, generator=generator)
        start = 1.0 if strength[0] >= STARTED else LEAST_STRENGTH + (1 - LEAST_STRENGTH) * float(strength[1])
        seen = mix(latents, question.noise, question.context_sigma)
        points = self._walk(question, told, shifted_schedule(FINEST * SMALL, self.sampling.shift, start), seen)
        levels = shifted_schedule(FINEST, self.sampling.shift, start).float().to(self.device)
        drawn = draw_jumps(self.config.batch_size, generator)
        mine = [part.view(self.config.batch_size, -1)[rows].flatten().to(self.device) for part in drawn]
        path, first, last = mine[0] - mine[0][0], mine[1], mine[2]
        noisy, sigma, target = points[first, path], levels[first], levels[last]
        velocity = mean_velocity(noisy, points[last, path], sigma, target)
        shown = torch.where(question.known[path] > 0.5, seen[path], noisy)
        return Lesson(shown, sigma, target, velocity, path, told)

    def _losses(self, lesson: Lesson, run: Callable[[Lesson], Tensor]) -> Tensor:
        with autocast(self.config.precision, self.device):
            return jump_losses(run(lesson), lesson, self._weights)

    def loss(self, step: int) -> tuple[Tensor, dict[str, Tensor | float]]:
        """Return the mean loss of a step's jumps."""
        question = self._questions.at(step)
        generator = generator_for(self.config.seed, "few-step", step)
        with autocast(self.config.precision, self.device):
            lesson = self.lesson(question, generator, self.ranks.rows(self.config.batch_size))
        losses = self._losses(lesson, self._chosen(question, self._jumps, self._jump))
        return losses.mean(), {}

    @torch.no_grad()
    def unseen_loss(self, batches: int = 4) -> float:
        """Return the loss of text-to-video for clips held back from training, always on the same walks."""
        for number in range(len(self._unseen), batches):
            generator = generator_for(self.config.seed, "few-step unseen", number)
            with autocast(self.config.precision, self.device):
                self._unseen.append(self.lesson(self._asks.unseen(number), generator, slice(None)))
        losses = [self._losses(lesson, self._jump).mean() for lesson in self._unseen[:batches]]
        return float(torch.stack(losses).mean())

    def samples(self, step: int, ema: Ema) -> None:
        """Let `pictures` draw with the first average."""
        if self.pictures is not None:
            with ema.applied():
                self.pictures(step, self.student)


def _ask(network: Transformer, noisy: Tensor, sigma: Tensor, told: Told, target: Tensor | None = None) -> Tensor:
    return network(
        noisy, sigma, told.embeds, told.mask, known=told.known, context_sigma=told.context_sigma, source=told.source,
        boxes=told.boxes, names=told.names, scalars=told.scalars, words=told.words,
        target_sigma=target,
    )  # fmt: skip


def _joined(branches: Sequence[Told]) -> Told:
    """Join the rows of several branches, which have the same parts."""
    parts = {field.name: [getattr(told, field.name) for told in branches] for field in dataclasses.fields(Told)}
    return Told(**{name: None if same[0] is None else torch.cat(same) for name, same in parts.items()})


def finish_few_step(stage: FewStepStage, run_dir: Path) -> dict[str, float]:
    """Choose the weights or average with the least loss on unseen clips; write few_step.safetensors.

    Returns the chosen half-life (0 for the plain weights) and its loss.
    """
    return finish_network(stage.student, "few_step", stage.unseen_loss, stage.config, run_dir, stage.ranks)
