"""Training on PhyWorld: three frames known, no words.

The clips of a training grid, each seen in one view (data.phyworld_symmetries), rendered, encoded once, kept in memory.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from skyloom.config import SCALARS, OptimConfig, TaskMix, TrainConfig, TransformerConfig
from skyloom.data.phyworld import TrainingGrid, scenario
from skyloom.data.phyworld_symmetries import SYMMETRIES, View
from skyloom.models.boxes import no_boxes
from skyloom.models.inertial_canvas import CELL
from skyloom.models.inertial_codec import InertialCodec, fit_codec
from skyloom.pipelines.phyworld import Continuer, colours, empty_words, rendered, whole_in_view
from skyloom.seeds import generator_for
from skyloom.training.examples import HELD_SHARE, Examples, unnamed
from skyloom.training.transformer import Levels, Question, TransformerStage

TASKS = TaskMix(
    nothing_known=0.0, image=0.0, first_frames=1.0, last_frames=0.0, both_ends=0.0, every_kth=0.0, random_box=0.0,
    source=0.0, drop_prompt=0.0,
)  # fmt: skip
LEVELS = Levels(mean=1.5, std=1.2)
CODEC_CLIPS, CODEC_FRAMES, AT_ONCE = 1000, 6, 8


@dataclass(frozen=True)
class PhyWorldPlan:
    """What is trained on what."""

    scenario: str = "uniform"
    grid: str = "30k"
    clips: int = 30_000
    symmetries: tuple[str, ...] = SYMMETRIES
    size: int = 64
    seed: int = 0
    hidden_size: int = 128
    num_layers: int = 4

    def network(self) -> TransformerConfig:
        """Return the transformer's config."""
        return TransformerConfig(
            latent_channels=3 * CELL * scenario(self.scenario).discs, patch_size=1, hidden_size=self.hidden_size,
            num_layers=self.num_layers, num_heads=4, text_dim=8, text_layers=0, max_text_tokens=1,
        )  # fmt: skip


def training_config(steps: int, batch_size: int, seed: int) -> TrainConfig:
    """Return how a plan is trained."""
    optim = OptimConfig(decay_share=0.6, ema_halflives=(50, 200), warmup_steps=50)
    return TrainConfig(
        steps=steps, batch_size=batch_size, seed=seed, precision="fp32", compile=False, optim=optim, log_every=100,
        sample_every=steps, checkpoint_every=500,
    )  # fmt: skip


def fitted_codec(plan: PhyWorldPlan) -> InertialCodec:
    """Fit the codec to the first frames of training clips of one disc, in all views."""
    name = "uniform" if scenario(plan.scenario).discs == 2 else plan.scenario
    grid = TrainingGrid(name, plan.grid, plan.seed)
    generator = generator_for(plan.seed, "phyworld codec")
    motion, _ = grid.clips(torch.randint(len(grid), (CODEC_CLIPS,), generator=generator))
    motion = dataclasses.replace(View(SYMMETRIES)(motion, generator), gravity=0.0)
    parts = [colours(rendered(motion.select(s), plan.size, CODEC_FRAMES), 1) for s in _slices(len(motion))]
    covered = torch.cat(parts)[:, :, 0]
    return fit_codec(covered[whole_in_view(covered).all(1)])[0]


def _slices(count: int) -> list[slice]:
    return [slice(first, first + AT_ONCE) for first in range(0, count, AT_ONCE)]


def encoded(plan: PhyWorldPlan, model: Continuer, advance: Callable[[int], None]) -> Tensor:
    """Return the latents (n, 9 k, cells, 1, 1) of the plan's clips; a clip may come back in another view."""
    grid = TrainingGrid(plan.scenario, plan.grid, plan.seed)
    generator = generator_for(plan.seed, "phyworld views")
    order = torch.randperm(max(plan.clips, len(grid)), generator=generator)[: plan.clips] % len(grid)
    motion, good = grid.clips(order)
    motion = View(plan.symmetries)(motion.select(good), generator)
    parts = []
    for rows in _slices(len(motion)):
        parts.append(model.latents(rendered(motion.select(rows), plan.size)))
        advance(len(parts[-1]))
    return torch.cat(parts)


class LatentDraw:
    """Samples from latents kept in memory: no words, no scalars, no sources."""

    def __init__(self, latents: Tensor, config: TransformerConfig) -> None:
        self.latents, self.config = latents, config
        self.trained = len(latents) - max(1, round(HELD_SHARE * len(latents)))

    def _rows(self, rows: Tensor) -> Examples:
        latents = self.latents[rows]
        scalars = torch.full((len(rows), len(SCALARS)), float("nan"))
        boxes, words = no_boxes(len(rows)), empty_words(len(rows), self.config)
        return Examples(latents, *words, scalars, torch.zeros_like(latents), boxes, unnamed(boxes))

    def examples(self, seed: int, step: int, wants_source: Tensor, rows: slice) -> Examples:
        """Return this rank's rows of a step's batch."""
        generator = generator_for(seed, "phyworld examples", step)
        return self._rows(torch.randint(self.trained, (len(wants_source),), generator=generator)[rows])

    def unseen(self, number: int, count: int) -> Examples:
        """Return a batch of clips held back from training."""
        held = len(self.latents) - self.trained
        return self._rows(self.trained + torch.arange(number * count, (number + 1) * count) % held)

    def empty_prompt(self) -> tuple[Tensor, Tensor]:
        """Return the words of all samples."""
        return empty_words(1, self.config)


class ContinuationStage(TransformerStage):
    """A transformer's stage in which the first cell is known, exactly, and nothing else."""

    def _asked(
        self, examples: Examples, tasks: Tensor, told: tuple[Tensor, Tensor], generator: torch.Generator, rows: slice
    ) -> Question:
        question = super()._asked(examples, tasks, told, generator, rows)
        known = torch.zeros_like(question.known)
        known[:, :, 0] = 1
        return dataclasses.replace(question, known=known, context_sigma=torch.zeros_like(question.context_sigma))
