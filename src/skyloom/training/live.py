"""Samples made as they are needed, for machines whose GPU renders faster than it trains.

A clip is made in two parts: `tell` (scenes and words, on a CPU, by worker processes ahead of time) and `show` (motion
and pictures, on the source's device). Both are functions of their arguments alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from skyloom.config import TaskMix, TrainConfig
from skyloom.models.autoencoder import Autoencoder
from skyloom.models.boxes import no_boxes
from skyloom.training.ahead import InOrder
from skyloom.training.batches import UNSEEN
from skyloom.training.examples import Examples, unnamed
from skyloom.training.latent_bank import CaptionedClips, EncodePrompts, encode_clips
from skyloom.training.tasks_mix import TASKS, draw_step

ENCODED_AT_ONCE = 64


class ClipSource(Protocol):
    """A CaptionedSource in two parts."""

    def tell(self, indices: Tensor, count: int, pairs: int) -> Any:
        """Make what a CPU makes of clips (n,) with `count` captions each, of which the first `pairs` are edits."""
        ...

    def show(self, told: Any) -> CaptionedClips:
        """Make the clips of it."""
        ...


def padded(features: tuple[Tensor, Tensor], length: int) -> tuple[Tensor, Tensor]:
    """Pad features of prompts, embeds (b, l, d) and mask (b, l), to `length` tokens."""
    embeds, mask = features
    missing = length - mask.shape[1]
    return torch.nn.functional.pad(embeds, (0, 0, 0, missing)), torch.nn.functional.pad(mask, (0, missing))


def sources_first(wants_source: Tensor) -> Tensor:
    """Return the order (b,) in which the samples that want a source come first."""
    return torch.argsort(wants_source.int(), descending=True, stable=True)


def _clips_of(step: int, count: int) -> Tensor:
    return torch.arange(step * count, (step + 1) * count)


@dataclass(frozen=True)
class Telling:
    """Step number to what `tell` makes of this rank's clips of that step."""

    source: ClipSource
    tasks: TaskMix
    config: TrainConfig
    rows: slice

    def __call__(self, step: int) -> Any:
        wants = (draw_step(self.tasks, self.config, step)[2] == TASKS.index("source"))[self.rows]
        indices = _clips_of(step, self.config.batch_size)[self.rows]
        return self.source.tell(indices[sources_first(wants)], 1, int(wants.sum()))


class LiveDraw:
    """Renders, encodes and captions the clips of each step; no clip is seen twice."""

    def __init__(
        self, source: ClipSource, autoencoder: Autoencoder, encode: EncodePrompts, text_tokens: int, precision: str,
        told: InOrder[Any] | None = None,
    ) -> None:  # fmt: skip
        """`autoencoder` is frozen and finished; prompts are padded to `text_tokens`.

        told: a Telling of the very run that draws from here, made ahead; None tells each step when it is drawn.
        """
        self._source, self._autoencoder, self._encode, self._told = source, autoencoder, encode, told
        self._length, self._precision = text_tokens, precision
        self._unseen: dict[tuple[int, int], Examples] = {}

    def _made(self, told: Any, wants_source: Tensor) -> Examples:
        """Make samples of what was told, those that want a source first, and put them back in their place."""
        order, pairs, count = sources_first(wants_source), int(wants_source.sum()), len(wants_source)
        clips = self._source.show(told)
        before = clips.pixels[:0] if clips.before is None else clips.before
        pixels = torch.cat([clips.pixels, before])
        latents = encode_clips(self._autoencoder, pixels, self._precision, batch=ENCODED_AT_ONCE)
        source = torch.zeros_like(latents[:count])
        source[:pairs] = latents[count:]
        prompts = [*clips.instructions, *(captions[0] for captions in clips.captions[pairs:])]
        embeds, mask = padded(self._encode(prompts), self._length)
        device, back = latents.device, torch.argsort(order)
        boxes = no_boxes(count) if clips.boxes is None else clips.boxes.float()
        actors = unnamed(boxes) if clips.actors is None else clips.actors
        parts = (latents[:count], embeds.float(), mask, clips.scalars, source, boxes, actors)
        return Examples(*(part.to(device)[back.to(device)] for part in parts))

    def examples(self, seed: int, step: int, wants_source: Tensor, rows: slice) -> Examples:
        """Return this rank's rows of a step's clips, `step` * batch and following; `seed` changes nothing here."""
        wants = wants_source[rows]
        if self._told is not None:
            return self._made(self._told.at(step), wants)
        indices = _clips_of(step, len(wants_source))[rows]
        return self._made(self._source.tell(indices[sources_first(wants)], 1, int(wants.sum())), wants)

    def unseen(self, number: int, count: int) -> Examples:
        """Return a batch of clips that no step trains on; kept, since every average is measured on the same."""
        if (number, count) not in self._unseen:
            told = self._source.tell(UNSEEN + _clips_of(number, count), 1, 0)
            self._unseen[number, count] = self._made(told, torch.zeros(count).bool())
        return self._unseen[number, count]

    def empty_prompt(self) -> tuple[Tensor, Tensor]:
        """Return the features of the empty prompt."""
        return padded(self._encode([""]), self._length)
