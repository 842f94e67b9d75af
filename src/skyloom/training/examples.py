"""What a transformer's step trains on, drawn from a bank of latents.

Every epoch shows each clip once, in an order of its own. The last clips are held back to choose between averages.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Protocol

import torch
from torch import Tensor

from skyloom.errors import InvalidArgument
from skyloom.models.boxes import no_boxes
from skyloom.seeds import generator_for
from skyloom.training.latent_bank import LatentBank

HELD_SHARE = 0.02


@dataclass(frozen=True)
class Examples:
    """b samples. `source` is zero for samples without one."""

    latents: Tensor  # (b, c, f, h, w) float32
    prompt_embeds: Tensor  # (b, l, d) float32
    prompt_mask: Tensor  # (b, l) bool
    scalars: Tensor  # (b, 5)
    source: Tensor  # (b, c, f, h, w) float32
    boxes: Tensor  # (b, s, n, 4) of n pixel frames, NaN for no box, see models.boxes
    actors: Tensor  # (b, s) numbers of the boxes' actors in the world's vocabulary, -1 for none

    def to(self, device: torch.device) -> Examples:
        """Return the same samples on a device."""
        return Examples(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})


def unnamed(boxes: Tensor) -> Tensor:
    """Return the actors (b, s) of boxes (b, s, n, 4) of which none is named: -1."""
    return torch.full(boxes.shape[:2], -1)


class Draw(Protocol):
    """Where samples come from; both functions depend on their arguments alone."""

    def examples(self, seed: int, step: int, wants_source: Tensor, rows: slice) -> Examples:
        """Return this rank's `rows` of a step's global batch; samples of `wants_source` (B,) have a source."""
        ...

    def unseen(self, number: int, count: int) -> Examples:
        """Return batch `number` of samples that no step trains on, without sources."""
        ...

    def empty_prompt(self) -> tuple[Tensor, Tensor]:
        """Return the features of the empty prompt: embeds (1, l, d), mask (1, l)."""
        ...


class BankDraw:
    """Samples from a LatentBank."""

    def __init__(self, bank: LatentBank) -> None:
        self.bank = bank
        self.trained = len(bank) - max(1, round(HELD_SHARE * len(bank)))
        if self.trained < 1:
            raise InvalidArgument("cached_clips", len(bank), "be at least 2", 2)
        self._pairs = int((bank.paired < self.trained).sum())
        self._orders: dict[tuple[int, int], Tensor] = {}

    def _order(self, seed: int, epoch: int) -> Tensor:
        if (seed, epoch) not in self._orders:
            generator = generator_for(seed, "epoch", epoch)
            recent = list(self._orders.items())[-1:]
            self._orders = dict(recent) | {(seed, epoch): torch.randperm(self.trained, generator=generator)}
        return self._orders[seed, epoch]

    def _clips(self, seed: int, step: int, count: int) -> Tensor:
        """Return the clips of a step: (count,) numbers, each clip once an epoch."""
        place = torch.arange(step * count, (step + 1) * count)
        epochs = place // self.trained
        orders = [self._order(seed, epoch)[place[epochs == epoch] % self.trained] for epoch in epochs.unique().tolist()]
        return torch.cat(orders)

    def examples(self, seed: int, step: int, wants_source: Tensor, rows: slice) -> Examples:
        """Return this rank's rows of a step's batch; a sample that wants a source has an instruction as its prompt."""
        generator = generator_for(seed, "examples", step)
        clips = self._clips(seed, step, len(wants_source))
        which = torch.randint(self.bank.captions_per_clip, clips.shape, generator=generator)
        pairs = torch.randint(max(1, self._pairs), clips.shape, generator=generator)
        clips, which, pairs, wants = clips[rows], which[rows], pairs[rows], wants_source[rows] & (self._pairs > 0)
        clips[wants] = self.bank.paired[pairs[wants]]
        embeds, mask = self.bank.captions(clips, which)
        latents = self.bank.latents[clips].float()
        source = torch.zeros_like(latents)
        if wants.any():
            embeds[wants], mask[wants] = self.bank.instructions(pairs[wants])
            source[wants] = self.bank.before[pairs[wants]].float()
        return Examples(latents, embeds, mask, self.bank.scalars[clips], source, *self._placed(clips))

    def unseen(self, number: int, count: int) -> Examples:
        """Return a batch of clips held back from training, each with one of its captions."""
        held = len(self.bank) - self.trained
        place = torch.arange(number * count, (number + 1) * count)
        clips = self.trained + place % held
        embeds, mask = self.bank.captions(clips, place // held % self.bank.captions_per_clip)
        latents = self.bank.latents[clips].float()
        none = torch.zeros_like(latents)
        return Examples(latents, embeds, mask, self.bank.scalars[clips], none, *self._placed(clips))

    def _placed(self, clips: Tensor) -> tuple[Tensor, Tensor]:
        """Return where actors are, and which."""
        boxes = no_boxes(len(clips)) if self.bank.boxes is None else self.bank.boxes[clips].float()
        return boxes, unnamed(boxes) if self.bank.actors is None else self.bank.actors[clips]

    def empty_prompt(self) -> tuple[Tensor, Tensor]:
        """Return the features of the empty prompt."""
        return self.bank.empty()
