"""Keys and values of frames that are finished.

Latent frames are made one after another. Each reads the words, the first frame (an attention sink: Xiao et al. 2023,
arXiv 2309.17453), the last few frames, and itself. What is finished is never run again: every block keeps its keys and
values, not yet turned by their positions. They are turned when they are read, by the slots of the frame that reads
(Rolling Forcing, arXiv 2509.25161), so that no position grows with the length, and memory does not either.

    frame   0 (sink)   f - span + 2  ...  f - 1      f (being made)
    slot    0          1             ...  span - 2   span - 1
"""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import torch
from torch import Tensor

from skyloom.config import SCALARS
from skyloom.errors import InvalidArgument
from skyloom.models.layers import ReadingAttention, rotate
from skyloom.models.rope import rotation, token_positions
from skyloom.models.transformer import Block, Transformer
from skyloom.shapes import LatentSize

KeyValue = tuple[Tensor, Tensor]
"""(b, n, l, head_dim) each."""


def check_span(span: int) -> int:
    """Return `span`, how many frames a frame reads, itself and the first included. Raises InvalidArgument below 2."""
    if span < 2:
        raise InvalidArgument("span", span, "be at least 2: the first frame and the one that is made", 2)
    return span


def blocks_of(network: Transformer) -> list[Block]:
    """Return a network's blocks."""
    return [cast(Block, block) for block in network.blocks]


class Cache:
    """What the frames of b videos that are made side by side read: words, the first frame, the last ones."""

    def __init__(
        self, network: Transformer, frame: LatentSize, prompt_embeds: Tensor, prompt_mask: Tensor, *, span: int,
        scalars: Tensor | None = None, names: Tensor | None = None,
    ) -> None:  # fmt: skip
        """frame: the latent grid of one frame; prompt_embeds: (b, m, text_dim); prompt_mask: (b, m) bool.

        span: how many frames a frame reads, itself and the first included; scalars: (b, SCALARS), NaN for those not
        given; names: (b, s, text_dim), see models.names. Raises InvalidArgument.
        """
        self.network, self.span, self.made, self.names = network, check_span(span), 0, names
        untold = prompt_embeds.new_full((len(prompt_embeds), len(SCALARS)), float("nan"))
        self.scalars = untold if scalars is None else scalars
        self.mask = None if bool(prompt_mask.all()) else prompt_mask
        patch, device = network.config.patch_size, prompt_embeds.device
        self.grid = LatentSize(1, frame.latent_height // patch, frame.latent_width // patch)
        self._places = [token_positions(self.grid, slot, device) for slot in range(span)]
        self._turns = [rotation(places, network.config.head_dim) for places in self._places]
        words = network.read(prompt_embeds, prompt_mask)
        self._words = [block.attention.heard(words) for block in blocks_of(network)]
        self._held: list[list[KeyValue]] = [[] for _ in self._words]
        self._turned: list[KeyValue] = []

    @property
    def videos(self) -> int:
        """How many videos are made side by side."""
        return len(self.scalars)

    @property
    def slot(self) -> int:
        """Where the frame that is being made stands among those that it reads."""
        return min(self.made, self.span - 1)

    @property
    def numbers(self) -> int:
        """How many numbers are held of frames: no more after `span` frames than later."""
        return sum(key.numel() + value.numel() for frames in self._held for key, value in frames)

    def velocity(
        self, noisy: Tensor, sigma: Tensor, *, boxes: Tensor | None = None, rows: Tensor | None = None
    ) -> Tensor:
        """Return the velocity (b, c, 1, h, w) of the next frame; the cache stays as it is.

        noisy: (b, c, 1, h, w); sigma: (b,); boxes: (b, s, 1, h, w); rows: which of the videos these are, None for all.
        """
        x, levels, _ = self._run(noisy, sigma, boxes, known=False, rows=rows)
        return self.network.answer(x, levels, self.grid)

    def remember(self, latents: Tensor, *, boxes: Tensor | None = None) -> None:
        """Keep a finished frame (b, c, 1, h, w); where that is one too many, the one after the first leaves."""
        _, _, kept = self._run(latents, latents.new_zeros(len(latents)), boxes, known=True)
        for frames, pair in zip(self._held, kept, strict=True):
            frames.append(pair)
            if len(frames) == self.span:
                del frames[1]
        self.made += 1
        self._turned = []

    def _run(
        self, latents: Tensor, sigma: Tensor, boxes: Tensor | None, known: bool, rows: Tensor | None = None
    ) -> tuple[Tensor, Tensor, list[KeyValue]]:
        """Return the tokens after the last block, their levels, and each block's keys and values, not turned."""
        network, turn, kept = self.network, self._turns[self.slot], []
        mask = self._seen(_chosen(self.mask, rows))
        flag = torch.ones_like(latents[:, :1]) if known else None
        names = _chosen(self.names, rows)
        x = network.tokens(latents, self._places[self.slot], known=flag, boxes=boxes, names=names)
        levels = network.levels(sigma[:, None], _chosen(self.scalars, rows))

        def attend(normed: Tensor, attention: ReadingAttention, before: KeyValue) -> Tensor:
            query, key, value = attention.unturned(normed)
            kept.append((key, value))
            keys, values = (_chosen(part, rows) for part in before)
            keys, values = torch.cat([keys, rotate(key, *turn)], dim=2), torch.cat([values, value], dim=2)
            return attention.mix(rotate(query, *turn), keys, values, mask)

        for block, before in zip(blocks_of(network), self._read(), strict=True):
            x = block.around(x, levels, partial(attend, attention=block.attention, before=before))
        return x, levels, kept

    def _seen(self, words: Tensor | None) -> Tensor | None:
        """Return the mask (b, 1, 1, keys) of what a frame reads: all but padded words."""
        if words is None:
            return None
        frames = words.new_ones(len(words), (self.slot + 1) * self.grid.cells)
        return torch.cat([words, frames], dim=1)[:, None, None]

    def _read(self) -> list[KeyValue]:
        """Return each block's keys, turned, and values of words and of all frames held; joined once for every frame."""
        if not self._turned:
            for (said, meant), frames in zip(self._words, self._held, strict=True):
                turned = [rotate(key, *turn) for (key, _), turn in zip(frames, self._turns, strict=False)]
                values = [value for _, value in frames]
                self._turned.append((torch.cat([said, *turned], dim=2), torch.cat([meant, *values], dim=2)))
        return self._turned


def _chosen(tensor: Any, rows: Tensor | None) -> Any:
    """Return the rows of a tensor that are asked for, all for None; None for None."""
    return tensor if tensor is None or rows is None else tensor[rows]
