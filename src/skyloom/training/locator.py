"""The locator's stage: boxes of named actors, from latents of which some frames are known.

Every clip is also asked for an actor that is not in it. Which frames are known is drawn: all, the first, the last, both
ends, or any; and latents are noised a little, since made ones are not as clean as encoded ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skyloom.config import TrainConfig
from skyloom.errors import TrainingError
from skyloom.models.boxes import SPREAD, to_plan
from skyloom.models.locator import Locator
from skyloom.seeds import generator_for
from skyloom.training.distributed import Ranks
from skyloom.training.ema import Ema
from skyloom.training.examples import Draw, Examples
from skyloom.training.loop import autocast, device_of
from skyloom.training.transformer import finish_network

MOST_NOISE = 0.2
SIDES, PATIENCE = 4.0, 0.1
"""How much sides count beside being there; errors below PATIENCE (in the units of plans) count quadratically."""
PATTERNS = ("all", "first", "last", "ends", "any")


@dataclass(frozen=True)
class Search:
    """b clips, in which s names are looked for."""

    latents: Tensor  # (b, c, f, h, w)
    shown: Tensor  # (b, f), 1 for known frames
    names: Tensor  # (b, s, d)
    plan: Tensor  # (b, 1 + 4 * stride, f, 1, s), the truth
    asked: Tensor  # (b, s), 1 where a name is asked for


def draw_shown(count: int, frames: int, generator: torch.Generator) -> Tensor:
    """Draw which frames of clips are known, at least one: (count, frames) float32."""
    draws = torch.rand(4, count, 1, generator=generator)
    pattern = (draws[0] * len(PATTERNS)).long()
    number, length = torch.arange(frames)[None], 1 + (draws[1] * frames).long()
    tail = number >= frames - 1 - (draws[2] * frames).long()
    some = torch.rand(count, frames, generator=generator) < draws[3]
    some |= number == (draws[2] * frames).long()
    choices = [number >= 0, number < length, tail, (number < (length + 1) // 2) | (number == frames - 1), some]
    stacked = torch.stack([choice.expand(count, frames) for choice in choices])
    return stacked.gather(0, pattern[None].expand(1, count, frames))[0].float()


def locator_losses(answer: Tensor, search: Search) -> dict[str, Tensor]:
    """Return the losses of being there and of where: sides count in the frames where somebody is."""
    there = (search.plan[:, 0] > 0).float()  # (b, f, 1, s)
    counted = search.shown[:, :, None, None] * search.asked[:, None, None]
    being = F.binary_cross_entropy_with_logits(answer[:, 0], there, reduction="none") * counted
    found = counted * there
    apart = F.smooth_l1_loss(answer[:, 1:], search.plan[:, 1:], reduction="none", beta=PATIENCE).mean(1) * found
    return {
        "being": being.sum() / counted.sum().clamp(min=1),
        "sides": SIDES * apart.sum() / found.sum().clamp(min=1),
    }


class LocatorStage:
    """Trains one Locator on samples of a Draw."""

    def __init__(
        self, locator: Locator, config: TrainConfig, draw: Draw, names: Tensor, ranks: Ranks = Ranks()
    ) -> None:  # fmt: skip
        """names: (n, d) features of the names of the world's actors; the first of them are looked for."""
        self.locator, self.config, self.draw, self.ranks = locator, config, draw, ranks
        self._device = device_of(locator)
        self._rows, self._stride = ranks.rows(config.batch_size), locator.config.temporal_stride
        self._names = names.to(self._device)

    def modules(self) -> dict[str, nn.Module]:
        """Return the network, by name."""
        return {"locator": self.locator}

    def search(self, step: int) -> Search:
        """Draw a step's clips for the global batch, and keep this rank's rows."""
        generator, count = generator_for(self.config.seed, "locator", step), self.config.batch_size
        examples = self.draw.examples(self.config.seed, step, torch.zeros(count, dtype=torch.bool), self._rows)
        shown = draw_shown(count, examples.latents.shape[2], generator)[self._rows]
        sigma = torch.rand(count, 1, 1, 1, 1, generator=generator) * MOST_NOISE
        noise = torch.randn(count, *examples.latents.shape[1:], generator=generator)
        other = torch.rand(count, generator=generator)[self._rows]
        return self._asked(examples, shown, (sigma * noise)[self._rows], other)

    def unseen(self, number: int) -> Search:
        """Return batch `number` of clips held back from training, all of whose frames are known."""
        examples = self.draw.unseen(number, self.config.batch_size)
        shown = torch.ones(examples.latents.shape[0], examples.latents.shape[2])
        other = torch.rand(len(shown), generator=generator_for(self.config.seed, "locator, unseen", number))
        return self._asked(examples, shown, torch.zeros_like(examples.latents), other)

    def _asked(self, examples: Examples, shown: Tensor, noise: Tensor, other: Tensor) -> Search:
        """Join clips with the names of who is there and of one who is not, by the draw `other` (b,) in [0, 1)."""
        examples = examples.to(self._device)
        shown, noise, other, here = *(part.to(self._device) for part in (shown, noise, other)), examples.actors
        if not here.numel() or not bool((here >= 0).any()):
            raise TrainingError("the clips do not tell which actors are in them; encode them again, into a new --bank")
        known = int(here.max()) + 1
        free = other.new_ones(len(here), max(known, here.shape[1] + 1)).scatter_(1, here.clamp(min=0), 0.0)
        rank = (other[:, None] * free.sum(1, keepdim=True)).long() + 1
        absent = (free.cumsum(1) >= rank).float().argmax(1)
        nowhere = torch.full_like(examples.boxes[:, :1], float("nan"))
        plan = to_plan(torch.cat([examples.boxes, nowhere], dim=1), self._stride)
        who = torch.cat([here, absent[:, None]], dim=1)
        return Search(examples.latents + noise, shown, self._names[who.clamp(min=0)], plan, (who >= 0).float())

    def _losses(self, search: Search) -> dict[str, Tensor]:
        with autocast(self.config.precision, search.latents.device):
            answer = self.locator(search.latents, search.shown, search.names)
        return locator_losses(answer.float(), search)

    def loss(self, step: int) -> tuple[Tensor, dict[str, Tensor | float]]:
        """Return the loss of a step's clips, and its parts."""
        losses = self._losses(self.search(step))
        values: dict[str, Tensor | float] = {name: value.detach() for name, value in losses.items()}
        return torch.stack(list(losses.values())).sum(), values

    @torch.no_grad()
    def unseen_loss(self, batches: int = 4) -> float:
        """Return the loss on clips held back from training."""
        return sum(float(sum(self._losses(self.unseen(number)).values())) for number in range(batches)) / batches

    def samples(self, step: int, ema: Ema) -> None:
        """Nothing to show."""


@torch.no_grad()
def graded(locator: Locator, search: Search) -> dict[str, float]:
    """Return how much of the boxes of those who are there is found (intersection over union), and the share told right.

    there: of those who are in the picture; absent: of those who are not.
    """
    answer = locator(search.latents, search.shown, search.names).float()
    truth = search.plan[:, 0].mean(1)[:, 0] > 0  # (b, s)
    told, asked = answer[:, 0].mean(1)[:, 0] > 0, search.asked > 0
    boxes, real = (plan[:, 1:].unflatten(1, (-1, 4)) / SPREAD + 0.5 for plan in (answer, search.plan))
    overlap = _overlap(boxes, real).mean((1, 2))[:, 0]  # (b, s)
    there, absent = asked & truth, asked & ~truth
    shares = {"overlap": overlap[there], "there": told[there].float(), "absent": (~told[absent]).float()}
    return {name: float(share.mean()) for name, share in shares.items()}


def _overlap(one: Tensor, other: Tensor) -> Tensor:
    """Return intersection over union of boxes whose sides lie along axis 2: (b, n, 4, ...) to (b, n, ...)."""
    low, high = torch.maximum(one[:, :, :2], other[:, :, :2]), torch.minimum(one[:, :, 2:], other[:, :, 2:])
    shared = (high - low).clamp(min=0).prod(2)
    areas = [(boxes[:, :, 2:] - boxes[:, :, :2]).clamp(min=0).prod(2) for boxes in (one, other)]
    return shared / (areas[0] + areas[1] - shared).clamp(min=1e-9)


def finish_locator(stage: LocatorStage, run_dir: Path, batches: int = 4) -> dict[str, float]:
    """Choose between the weights and their average on unseen clips, write RUN_DIR/locator.safetensors, and grade it."""
    found = finish_network(stage.locator, "locator", stage.unseen_loss, stage.config, run_dir, stage.ranks)
    grades = [graded(stage.locator, stage.unseen(number)) for number in range(batches)]
    return found | {name: sum(grade[name] for grade in grades) / batches for name in grades[0]}
