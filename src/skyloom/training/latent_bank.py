"""Clips encoded once, for training the transformer on a small machine.

A bank is a folder of safetensors shards, each with the latents of some clips, the scalars that tell of them, the text
features of several captions for each, and for some clips the latents of the same scene before an edit together with the
instruction's features. It is made shard by shard; what is whole is kept, so the same command goes on after a kill.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from skyloom.errors import CheckpointError, TrainingError
from skyloom.models.autoencoder import Autoencoder
from skyloom.training.checkpointing import write_json, write_tensors
from skyloom.training.distributed import Ranks
from skyloom.training.loop import autocast, device_of

SHARD_CLIPS = 256
STORED = torch.float16
EDITED = 0.1
"""Share of clips that are edits of another."""


@dataclass(frozen=True)
class CaptionedClips:
    """n clips with their words. The first p of them are edits of what `before` shows."""

    pixels: Tensor  # (n, 3, f, h, w) in [-1, 1]
    captions: Sequence[Sequence[str]]  # n lists of equal length
    scalars: Tensor  # (n, 5), see config.SCALARS
    before: Tensor | None = None  # (p, 3, f, h, w)
    instructions: Sequence[str] = ()  # p
    boxes: Tensor | None = None  # (n, s, f, 4), see models.boxes
    actors: Tensor | None = None  # (n, s) numbers of the boxes' actors in the world's vocabulary, -1 for none


CaptionedSource = Callable[[Tensor, int, int], CaptionedClips]
"""(indices (n,) int64, captions for each clip, p) to clips, of which the first p are edits; by the arguments alone."""

EncodePrompts = Callable[[list[str]], tuple[Tensor, Tensor]]
"""Prompts to their features: embeds (b, l, d) and mask (b, l) bool, which is True for the first tokens of a row."""


@torch.no_grad()
def encode_clips(autoencoder: Autoencoder, pixels: Tensor, precision: str = "fp32", batch: int = 16) -> Tensor:
    """Return standardised latents (n, c, f', h', w') float32."""
    device = device_of(autoencoder)
    with autocast(precision, device):
        return torch.cat([autoencoder.encode(part.to(device)).float() for part in pixels.split(batch)])


def pack_prompts(encode: EncodePrompts, prompts: list[str]) -> tuple[Tensor, Tensor]:
    """Return the features of prompts without padding, one after another (t, d), and where each starts (n + 1,)."""
    embeds, mask = encode(prompts)
    starts = torch.cat([torch.zeros(1, dtype=torch.int64), mask.sum(1).cpu().cumsum(0)])
    return embeds[mask].to(STORED).cpu(), starts


def make_shard(
    indices: Tensor, source: CaptionedSource, captions_per_clip: int, autoencoder: Autoencoder, encode: EncodePrompts,
    precision: str, edited: float = EDITED,
) -> dict[str, Tensor]:  # fmt: skip
    """Render, encode and caption some clips."""
    clips = source(indices, captions_per_clip, round(edited * len(indices)))
    flat = [caption for captions in clips.captions for caption in captions]
    tokens, starts = pack_prompts(encode, [*flat, *clips.instructions])
    before = clips.pixels[:0] if clips.before is None else clips.before
    latents = encode_clips(autoencoder, torch.cat([clips.pixels, before]), precision).to(STORED).cpu()
    parts = {
        "latents": latents[: len(indices)], "before": latents[len(indices) :], "scalars": clips.scalars.float().cpu(),
        "tokens": tokens, "starts": starts,
    }  # fmt: skip
    if clips.boxes is not None:
        parts["boxes"] = clips.boxes.to(STORED).cpu().contiguous()
    if clips.actors is not None:
        parts["actors"] = clips.actors.to(torch.int16).cpu().contiguous()
    return parts


def build_bank(
    folder: Path, clips: int, captions_per_clip: int, source: CaptionedSource, autoencoder: Autoencoder,
    encode: EncodePrompts, *, settings: Mapping[str, Any], precision: str = "fp32", ranks: Ranks = Ranks(),
    on_shard: Callable[[int, int], None] | None = None, edited: float = EDITED,
) -> None:  # fmt: skip
    """Make what is missing of a bank. Several ranks share the shards among them.

    settings: what the clips depend on (world, clip size, autoencoder), kept in bank.json. on_shard: told (made, all).
    edited: share of the clips that are edits.
    Raises TrainingError when the folder holds a bank of other settings.
    """
    wanted = json.loads(json.dumps({"clips": clips, "captions_per_clip": captions_per_clip, **settings}))
    described = folder / "bank.json"
    if described.exists() and json.loads(described.read_text()) != wanted:
        raise TrainingError(f"{folder} holds latents made with other settings (see bank.json); use another folder")
    ranks.wait()
    if ranks.leads:
        folder.mkdir(parents=True, exist_ok=True)
        tokens, starts = pack_prompts(encode, [""])
        write_tensors(folder / "empty.safetensors", {"tokens": tokens, "starts": starts})
        write_json(described, wanted)
    ranks.wait()
    first_clips = range(0, clips, SHARD_CLIPS)
    for number, first in list(enumerate(first_clips))[ranks.rank :: ranks.size]:
        path = folder / f"{number:06d}.safetensors"
        if not path.exists():
            indices = torch.arange(first, min(clips, first + SHARD_CLIPS))
            shard = make_shard(indices, source, captions_per_clip, autoencoder, encode, precision, edited)
            write_tensors(path, shard)
        if on_shard is not None:
            on_shard(number + 1, len(first_clips))
    ranks.wait()


class Prompts:
    """Packed features of prompts, read by number."""

    def __init__(self, packs: Sequence[tuple[Tensor, Tensor]], length: int) -> None:
        """packs: tokens (t, d) and starts (n + 1,) of consecutive prompts; length: tokens given for each prompt."""
        self._packs, self.length = packs, length
        counts = torch.tensor([len(starts) - 1 for _, starts in packs])
        self._first = torch.cat([counts.new_zeros(1), counts.cumsum(0)])

    def __len__(self) -> int:
        return int(self._first[-1])

    def at(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Return embeds (b, length, d) float32, zero past a prompt's end, and mask (b, length) bool."""
        width = self._packs[0][0].shape[1]
        embeds = torch.zeros(len(numbers), self.length, width)
        mask = torch.zeros(len(numbers), self.length, dtype=torch.bool)
        which = torch.searchsorted(self._first, numbers, right=True) - 1
        for pack in which.unique().tolist():
            rows = (which == pack).nonzero()[:, 0]
            tokens, starts = self._packs[pack]
            start = starts[numbers[rows] - self._first[pack]]
            end = starts[numbers[rows] - self._first[pack] + 1]
            place = start[:, None] + torch.arange(self.length)
            mask[rows] = place < end[:, None]
            embeds[rows] = tokens[place.clamp(max=len(tokens) - 1)].float() * mask[rows][..., None]
        return embeds, mask


class LatentBank:
    """A bank in memory; the packed text stays mapped from the files."""

    def __init__(self, folder: Path, text_tokens: int) -> None:
        """text_tokens: to how many tokens prompts are padded or cut. Raises CheckpointError for an unfinished bank."""
        described = folder / "bank.json"
        if not described.exists():
            raise CheckpointError(f"{folder} holds no latents")
        self.settings = json.loads(described.read_text())
        self.captions_per_clip, clips = self.settings["captions_per_clip"], self.settings["clips"]
        paths = [folder / f"{number:06d}.safetensors" for number in range(-(-clips // SHARD_CLIPS))]
        if missing := [path for path in paths if not path.exists()]:
            raise CheckpointError(f"{folder} is unfinished: {missing[0].name} is missing; make the bank first")
        shards = [load_file(path) for path in paths]
        self.latents = torch.cat([shard["latents"] for shard in shards])
        self.before = torch.cat([shard["before"] for shard in shards])
        self.scalars = torch.cat([shard["scalars"] for shard in shards])
        self.boxes = torch.cat([shard["boxes"] for shard in shards]) if "boxes" in shards[0] else None
        self.actors = torch.cat([shard["actors"] for shard in shards]).long() if "actors" in shards[0] else None
        firsts = torch.arange(len(shards)) * SHARD_CLIPS
        pairs = [torch.arange(len(shard["before"])) for shard in shards]
        self.paired = torch.cat([f + p for f, p in zip(firsts, pairs, strict=True)])
        """Rows of `latents` that are edits of the rows of `before`, in this order."""
        self._captions = Prompts([_part(s, 0, self.captions_per_clip * len(s["latents"])) for s in shards], text_tokens)
        self._instructions = Prompts(
            [_part(s, self.captions_per_clip * len(s["latents"]), None) for s in shards], text_tokens
        )
        self._empty = Prompts([_part(load_file(folder / "empty.safetensors"), 0, None)], text_tokens)

    def __len__(self) -> int:
        return len(self.latents)

    def captions(self, rows: Tensor, which: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features of caption `which` (b,) of clips `rows` (b,): embeds (b, l, d), mask (b, l)."""
        return self._captions.at(rows * self.captions_per_clip + which)

    def instructions(self, pairs: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features of the instructions of pairs (b,): embeds (b, l, d), mask (b, l)."""
        return self._instructions.at(pairs)

    def empty(self) -> tuple[Tensor, Tensor]:
        """Return the features of the empty prompt: embeds (1, l, d), mask (1, l)."""
        return self._empty.at(torch.zeros(1, dtype=torch.int64))


def _part(shard: Mapping[str, Tensor], first: int, last: int | None) -> tuple[Tensor, Tensor]:
    """Return tokens and starts of a shard's prompts from `first` to `last`."""
    return shard["tokens"], shard["starts"][first : None if last is None else last + 1]
