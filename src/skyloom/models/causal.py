"""All frames of clips at once, each reading the past alone.

What `models.cache` does frame after frame, done for whole clips in one pass, as training needs it: a clip stands in the
sequence twice, once finished (the history that is read) and once noisy (the frames that are asked for). A noisy frame
reads the words, the finished frames before it, and itself; a finished one reads those before it, and itself.

    history, noisy (b c f h w) -> tokens (b 2 l d) -> blocks -> velocity of the noisy ones (b c f h w)
    keys: words, and the first frame, once for each distance that they are to keep; history; noisy
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from einops import rearrange
from torch import Tensor

from skyloom.config import SCALARS
from skyloom.models.cache import KeyValue, blocks_of, check_span
from skyloom.models.layers import ReadingAttention, rotate
from skyloom.models.rope import rotation, token_positions
from skyloom.models.transformer import Transformer
from skyloom.shapes import LatentSize


def causal_velocity(
    network: Transformer, noisy: Tensor, sigma: Tensor, history: Tensor, prompt_embeds: Tensor, prompt_mask: Tensor,
    *, span: int, boxes: Tensor | None = None, names: Tensor | None = None, scalars: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Return the velocity (b, c, f, h, w) of frames that read finished frames and no noisy one but themselves.

    noisy, history: (b, c, f, h, w); sigma: (b,); span: how many frames a frame reads, itself and the first included.
    The others as for Transformer. Raises InvalidArgument.
    """
    grid = network.grid(noisy)
    line = _Line.of(grid, check_span(span), network.config.head_dim, prompt_mask)
    parts = [(history, torch.ones_like(history[:, :1])), (noisy, None)]
    told = {"boxes": boxes, "names": names}
    x = torch.stack([network.tokens(part, line.places, known=known, **told) for part, known in parts], dim=1)
    scalars = sigma.new_full((len(sigma), len(SCALARS)), float("nan")) if scalars is None else scalars
    levels = network.levels(torch.stack([torch.zeros_like(sigma), sigma], dim=1), scalars)[:, :, None]
    words = network.read(prompt_embeds, prompt_mask)
    for block in blocks_of(network):
        attention = block.attention
        x = block.around(x, levels, partial(_attend, attention=attention, said=attention.heard(words), line=line))
    return network.answer(x[:, 1], levels[:, 1], grid)


@dataclass(frozen=True)
class _Line:
    """Who reads whom, and where: l tokens of finished frames, then l of noisy ones.

    places: (l, 3), where a token is told to be; turn: how queries and keys (2 l) are turned; moved: how words, and the
    first frame, are turned for readers that have moved on by 1, 2 ... frames; seen: (b, 1, 2 l, keys) bool.
    """

    places: Tensor
    turn: KeyValue
    moved: list[tuple[KeyValue, KeyValue]]
    seen: Tensor

    @staticmethod
    def of(grid: LatentSize, span: int, head_dim: int, prompt_mask: Tensor) -> _Line:
        device, frames = prompt_mask.device, grid.latent_frames
        positions, first = token_positions(grid, device=device), LatentSize(1, grid.latent_height, grid.latent_width)
        places = positions.clone()
        places[:, 0].clamp_(max=span - 1)
        cos, sin = (torch.cat([part, part]) for part in rotation(positions, head_dim))
        origin, moved = torch.zeros(1, 3, device=device), []
        for gone in range(1, 1 + max(0, frames - span)):
            shift = origin.new_tensor([gone, 0.0, 0.0])
            moved.append((rotation(origin + shift, head_dim), rotation(positions[: first.cells] + shift, head_dim)))
        by_distance, seen = frames_seen(frames, span, device)
        by_distance, seen = (part.repeat_interleave(first.cells, 0) for part in (by_distance, seen))
        heard = by_distance[None, :, :, None] & prompt_mask[:, None, None, :]  # (b, 2 l, distances, m)
        shown = torch.cat([by_distance[:, 1:], seen], dim=1).repeat_interleave(first.cells, 1)
        read = torch.cat([heard.flatten(2), shown.expand(len(heard), -1, -1)], dim=2)
        return _Line(places, (cos, sin), moved, read[:, None])


def frames_seen(frames: int, span: int, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
    """Return how far frames have moved on, (2 f, distances) bool, and which frames they read, (2 f, 2 f) bool.

    Of 2 f frames the first f are finished, the others noisy. From frame `span` on, a frame stays at place span - 1: for
    it words and the first frame move along (distance 1, 2 ...), and those between the first and the window are gone.
    """
    number = torch.arange(frames, device=device)
    reader, read = number[:, None], number[None, :]
    gone = (reader - span + 1).clamp(min=0)
    near, itself = (gone == 0) | (read > gone), reader == read
    finished = torch.cat([near & (read <= reader), itself & False], dim=1)
    noisy = torch.cat([near & (read < reader), itself], dim=1)
    by_distance = gone == torch.arange(1 + max(0, frames - span), device=device)
    return torch.cat([by_distance, by_distance]), torch.cat([finished, noisy])


def _attend(normed: Tensor, attention: ReadingAttention, said: KeyValue, line: _Line) -> Tensor:
    """normed: (b, 2, l, d). Returns the same shape. Keys: words and first frame for each distance, then all frames."""
    query, key, value = attention.unturned(rearrange(normed, "b two l d -> b (two l) d"))
    heard, meant = said
    cells = len(line.moved[0][1][0]) if line.moved else 0
    keys = [heard, *(rotate(heard, *turn) for turn, _ in line.moved)]
    keys += [*(rotate(key[:, :, :cells], *turn) for _, turn in line.moved), rotate(key, *line.turn)]
    values = [meant] * (1 + len(line.moved)) + [value[:, :, :cells]] * len(line.moved) + [value]
    mixed = attention.mix(rotate(query, *line.turn), torch.cat(keys, dim=2), torch.cat(values, dim=2), line.seen)
    return rearrange(mixed, "b (two l) d -> b two l d", two=2)
