"""Where actors go, as samples for a planner.

A planner is a Transformer whose latents are boxes of actors over time (models.boxes), one cell for each frame and slot,
with the same words, names, noise levels and known frames as the one that makes pictures.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from skyloom.errors import TrainingError
from skyloom.models.boxes import plan_slots, to_plan
from skyloom.training.batches import UNSEEN
from skyloom.training.examples import Draw, Examples
from skyloom.training.latent_bank import EncodePrompts
from skyloom.training.live import padded
from skyloom.training.sources import WorldSource


class PlanDraw:
    """The samples of another draw with their plans in place of their pictures."""

    def __init__(self, draw: Draw, slots: int, stride: int) -> None:
        """slots: how many actors a plan has room for; stride: pixel frames of a latent frame."""
        self._draw, self._slots, self._stride = draw, slots, stride

    def _planned(self, examples: Examples) -> Examples:
        """Replace latents by plans, and boxes by whose cell is whose; no source. Raises TrainingError without boxes."""
        if examples.boxes.shape[1] < self._slots:
            raise TrainingError(f"the clips have boxes of {examples.boxes.shape[1]} actors, {self._slots} are wanted")
        plans = to_plan(examples.boxes[:, : self._slots], self._stride)
        cells = plan_slots(len(plans), self._slots, examples.boxes.shape[2])
        return dataclasses.replace(examples, latents=plans, source=torch.zeros_like(plans), boxes=cells)

    def examples(self, seed: int, step: int, wants_source: Tensor, rows: slice) -> Examples:
        """Return this rank's rows of a step's batch."""
        return self._planned(self._draw.examples(seed, step, wants_source & False, rows))

    def unseen(self, number: int, count: int) -> Examples:
        """Return a batch that no step trains on."""
        return self._planned(self._draw.unseen(number, count))

    def empty_prompt(self) -> tuple[Tensor, Tensor]:
        """Return the features of the empty prompt."""
        return self._draw.empty_prompt()


class ToldDraw:
    """Words and boxes of the world's clips, no pictures; no clip is seen twice."""

    def __init__(self, source: WorldSource, encode: EncodePrompts, text_tokens: int) -> None:
        """Prompts are padded to `text_tokens`."""
        self._source, self._encode, self._length = source, encode, text_tokens

    def _made(self, indices: Tensor) -> Examples:
        captions, scalars, boxes, actors = self._source.outlined(indices)
        embeds, mask = padded(self._encode(captions), self._length)
        nothing = torch.zeros(len(indices), 0, 1, 1, 1)
        return Examples(nothing, embeds.float(), mask, scalars, nothing, boxes, actors)

    def examples(self, seed: int, step: int, wants_source: Tensor, rows: slice) -> Examples:
        """Return this rank's rows of a step's clips, `step` * batch and following; `seed` changes nothing here."""
        count = len(wants_source)
        return self._made(torch.arange(step * count, (step + 1) * count)[rows])

    def unseen(self, number: int, count: int) -> Examples:
        """Return a batch of clips that no step trains on."""
        return self._made(UNSEEN + torch.arange(number * count, (number + 1) * count))

    def empty_prompt(self) -> tuple[Tensor, Tensor]:
        """Return the features of the empty prompt."""
        return padded(self._encode([""]), self._length)
