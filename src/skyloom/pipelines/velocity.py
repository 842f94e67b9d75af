"""A canvas as the transformer's conditions.

Turns prompts, known cells, source and scalars into what one call of the network takes, for several canvases of one
size at once, and hands the guided velocity to the sampler.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from skyloom.diffusion.distillation import JumpFn
from skyloom.errors import InvalidArgument
from skyloom.models.boxes import cover
from skyloom.models.text_encoder import TextFeatures
from skyloom.models.transformer import Transformer
from skyloom.pipelines.canvas import Canvas, PromptSpan
from skyloom.shapes import LatentSize

Encode = Callable[[Sequence[str]], TextFeatures]


@dataclass(frozen=True)
class Words:
    """Token states of each canvas's prompts: embeds (b, m, d), mask (b, m), and the latent frames each is for."""

    embeds: Tensor
    mask: Tensor
    first: Tensor
    end: Tensor

    @property
    def spanned(self) -> bool:
        """Whether any token is for a part of the video only."""
        return bool(self.first.any()) or len(self.end.unique()) > 1


@dataclass(frozen=True)
class Condition:
    """One branch of guidance: words, source (b, c, f, h, w) or None, whose boxes are whose (b, s, text_dim) or None."""

    words: Words
    source: Tensor | None
    names: Tensor | None = None


@dataclass(frozen=True)
class Pinned:
    """What all branches share: mask (b, 1, f, h, w), context_sigma (b,), scalars (b, 5), boxes (b, s, f, h, w)."""

    mask: Tensor | None
    context_sigma: Tensor
    scalars: Tensor
    boxes: Tensor | None = None


def encode_prompts(encode: Encode, prompts: Sequence[Sequence[PromptSpan]], frames: int) -> Words:
    """Encode the spans of every canvas and lay a canvas's spans one after the other."""
    texts = [span.text for spans in prompts for span in spans]
    features = encode(texts)
    features = TextFeatures(features.embeds.cpu(), features.mask.cpu())
    rows, marks, start = [], [], 0
    for spans in prompts:
        masks = features.mask[start : start + len(spans)]
        rows.append(features.embeds[start : start + len(spans)][masks])
        ends = [frames if span.end is None else span.end for span in spans]
        limits = torch.tensor([[span.first, end] for span, end in zip(spans, ends, strict=True)])
        marks.append(limits.repeat_interleave(masks.sum(1), dim=0))
        start += len(spans)
    pad = torch.nn.utils.rnn.pad_sequence
    lengths = torch.tensor([len(row) for row in rows])
    limits = pad(marks, batch_first=True)
    return Words(
        pad(rows, batch_first=True),
        torch.arange(int(lengths.max())) < lengths[:, None],
        limits[..., 0],
        torch.where(limits[..., 1] > 0, limits[..., 1], frames),
    )


def _widened(words: Words, length: int) -> Words:
    """Pad to `length` tokens."""
    spare = length - words.mask.shape[1]
    pad = torch.nn.functional.pad
    last = int(words.end.max())
    return Words(
        pad(words.embeds, (0, 0, 0, spare)),
        pad(words.mask, (0, spare)),
        pad(words.first, (0, spare)),
        pad(words.end, (0, spare), value=last),
    )


def stack(words: Sequence[Words]) -> Words:
    """Join batches of words into one."""
    length = max(item.mask.shape[1] for item in words)
    wide = [_widened(item, length) for item in words]
    return Words(*(torch.cat([getattr(item, name) for item in wide]) for name in ("embeds", "mask", "first", "end")))


def span_masks(words: Words, frames: int, cells: int) -> tuple[Tensor, Tensor]:
    """Return what tokens see, (b, l, m + l) bool, and what words see, (b, m, m) bool.

    A frame sees the words that are for it and every frame; words see the words of their own span.
    """
    frame = torch.arange(frames).repeat_interleave(cells)
    sees = (words.first[:, None] <= frame[:, None]) & (frame[:, None] < words.end[:, None])
    same = (words.first[:, :, None] == words.first[:, None]) & (words.end[:, :, None] == words.end[:, None])
    everything = torch.ones(len(sees), len(frame), len(frame), dtype=torch.bool)
    return torch.cat([sees, everything], dim=2), same


def pinned(canvases: Sequence[Canvas], slots: int = 0) -> Pinned:
    """Join what is known of canvases of one size; those that know nothing get a mask of zeros.

    slots: how many actors' boxes the network takes.
    """
    size = canvases[0].size
    if any(canvas.size != size for canvas in canvases):
        raise InvalidArgument("canvases", [canvas.size for canvas in canvases], "be of one size")
    blank = torch.zeros(1, 1, size.latent_frames, size.latent_height, size.latent_width)
    masks = [blank if canvas.mask is None else canvas.mask for canvas in canvases]
    return Pinned(
        torch.cat(masks) if any(canvas.mask is not None for canvas in canvases) else None,
        torch.tensor([canvas.context_sigma for canvas in canvases]),
        torch.cat([canvas.scalar_row() for canvas in canvases]),
        _covered(canvases, slots),
    )


def _covered(canvases: Sequence[Canvas], slots: int) -> Tensor | None:
    """Join what boxes cover; zeros, which the network takes for untold, where a canvas has none."""
    if not slots or all(canvas.boxes is None for canvas in canvases):
        return None
    size = canvases[0].size
    covered = torch.zeros(len(canvases), slots, size.latent_frames, size.latent_height, size.latent_width)
    for row, canvas in enumerate(canvases):
        if canvas.boxes is not None:
            found = cover(canvas.boxes[:, :slots], size)
            covered[row, : found.shape[1]] = found[0]
    return covered


def source_of(canvases: Sequence[Canvas], like: Tensor) -> Tensor | None:
    """Join the sources; zeros, which the network takes for none, where a canvas has none."""
    if all(canvas.source is None for canvas in canvases):
        return None
    return torch.cat([torch.zeros_like(like[:1]) if c.source is None else c.source.to(like) for c in canvases])


def joined(parts: Sequence[Tensor | None]) -> Tensor | None:
    """Join what the branches have, zeros for those that have none; None where no branch has any."""
    given = next((part for part in parts if part is not None), None)
    return None if given is None else torch.cat([torch.zeros_like(given) if part is None else part for part in parts])


def velocity_of(transformer: Transformer, shared: Pinned) -> Callable[..., Tensor]:
    """Return the function that `diffusion.guidance` asks: latents of all branches, branch after branch, in one call.

    A network that jumps is given a fourth argument, the level that it leads down to, (n * b,). Everything comes from
    the CPU and goes back there, wherever the network is. What no noise level changes is made in the first call with
    the same conditions, and kept.
    """
    device = transformer.out.weight.device
    kept: list[tuple[Sequence[Condition], dict[str, Tensor | None]]] = []

    def told_of(conditions: Sequence[Condition], noisy: Tensor) -> dict[str, Tensor | None]:
        for known, told in kept:
            if len(known) == len(conditions) and all(a is b for a, b in zip(known, conditions, strict=True)):
                return told
        kept.append((conditions, told_once(transformer, shared, conditions, transformer.grid(noisy))))
        return kept[-1][1]

    def call(
        noisy: Tensor, sigma: Tensor, conditions: Sequence[Condition], target_sigma: Tensor | None = None
    ) -> Tensor:
        led = None if target_sigma is None else target_sigma.to(device)
        told: dict[str, Any] = dict(told_of(conditions, noisy))
        embeds, mask = told.pop("prompt_embeds"), told.pop("prompt_mask")
        return transformer(noisy.to(device), sigma.to(device), embeds, mask, target_sigma=led, **told).to(noisy)

    return call


def told_once(
    transformer: Transformer, shared: Pinned, conditions: Sequence[Condition], grid: LatentSize
) -> dict[str, Tensor | None]:
    """Return what the network is told of a batch of branches at every noise level, where the network is.

    grid: in tokens. The words come refined, as `Transformer.read` makes them.
    """
    count, device = len(conditions), transformer.out.weight.device
    words = stack([condition.words for condition in conditions])
    attention = among = None
    if words.spanned:
        attention, among = span_masks(words, grid.latent_frames, grid.latent_height * grid.latent_width)
    told = {
        "prompt_embeds": words.embeds,
        "prompt_mask": words.mask,
        "known": None if shared.mask is None else shared.mask.repeat(count, 1, 1, 1, 1),
        "context_sigma": shared.context_sigma.repeat(count),
        "source": joined([condition.source for condition in conditions]),
        "boxes": None if shared.boxes is None else shared.boxes.repeat(count, 1, 1, 1, 1),
        "names": joined([condition.names for condition in conditions]),
        "scalars": shared.scalars.repeat(count, 1),
        "attention_mask": attention,
        "word_mask": among,
    }
    moved = {name: None if part is None else part.to(device) for name, part in told.items()}
    read = transformer.read(words.embeds.to(device), words.mask.to(device), moved["word_mask"])
    return moved | {"words": read}


def jump_of(network: Transformer, shared: Pinned, condition: Condition) -> JumpFn:
    """Return the function that `diffusion.distillation` asks, for a network that jumps: one condition, no guidance."""
    ask = velocity_of(network, shared)
    return lambda noisy, sigma, target: ask(noisy, sigma, [condition], target)


def without_source(condition: Condition) -> Condition:
    """Return the same words without the source."""
    return replace(condition, source=None)
