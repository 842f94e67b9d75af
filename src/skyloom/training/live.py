"""Samples made as they are needed, for machines whose GPU renders faster than it trains."""

from __future__ import annotations

import torch
from torch import Tensor

from skyloom.models.autoencoder import Autoencoder
from skyloom.training.batches import UNSEEN
from skyloom.training.examples import Examples
from skyloom.training.latent_bank import CaptionedSource, EncodePrompts, encode_clips


def padded(features: tuple[Tensor, Tensor], length: int) -> tuple[Tensor, Tensor]:
    """Pad features of prompts, embeds (b, l, d) and mask (b, l), to `length` tokens."""
    embeds, mask = features
    missing = length - mask.shape[1]
    return torch.nn.functional.pad(embeds, (0, 0, 0, missing)), torch.nn.functional.pad(mask, (0, missing))


class LiveDraw:
    """Renders, encodes and captions the clips of each step; no clip is seen twice."""

    def __init__(
        self, source: CaptionedSource, autoencoder: Autoencoder, encode: EncodePrompts, text_tokens: int, precision: str
    ) -> None:
        """`autoencoder` is frozen and finished; prompts are padded to `text_tokens`."""
        self._source, self._autoencoder, self._encode = source, autoencoder, encode
        self._length, self._precision = text_tokens, precision

    def _made(self, indices: Tensor, wants_source: Tensor) -> Examples:
        """Make samples; those that want a source are rendered first and put back in their place."""
        order = torch.argsort(wants_source.int(), descending=True, stable=True)
        pairs = int(wants_source.sum())
        clips = self._source(indices[order], 1, pairs)
        before = clips.pixels[:0] if clips.before is None else clips.before
        latents = encode_clips(self._autoencoder, torch.cat([clips.pixels, before]), self._precision, batch=64)
        source = torch.zeros_like(latents[: len(indices)])
        source[:pairs] = latents[len(indices) :]
        prompts = [*clips.instructions, *(captions[0] for captions in clips.captions[pairs:])]
        embeds, mask = padded(self._encode(prompts), self._length)
        device, back = latents.device, torch.argsort(order)
        parts = (latents[: len(indices)], embeds.float(), mask, clips.scalars, source)
        return Examples(*(part.to(device)[back.to(device)] for part in parts))

    def examples(self, seed: int, step: int, wants_source: Tensor, rows: slice) -> Examples:
        """Return this rank's rows of a step's clips, `step` * batch and following; `seed` changes nothing here."""
        indices = torch.arange(step * len(wants_source), (step + 1) * len(wants_source))
        return self._made(indices[rows], wants_source[rows])

    def unseen(self, number: int, count: int) -> Examples:
        """Return a batch of clips that no step trains on."""
        return self._made(UNSEEN + torch.arange(number * count, (number + 1) * count), torch.zeros(count).bool())

    def empty_prompt(self) -> tuple[Tensor, Tensor]:
        """Return the features of the empty prompt."""
        return padded(self._encode([""]), self._length)
