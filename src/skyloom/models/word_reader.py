"""Reads what each word of a prompt speaks of, from the text encoder's features.

Axes: b prompts, l tokens, d width, k meanings. A token's neighbours two to the left and right are seen at each of two
layers, and the encoder's states know the whole sentence already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from einops import rearrange
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from skyloom.errors import CheckpointError


class WordReader(nn.Module):
    """Token features (b, l, embed_dim) to logits (b, l, k)."""

    def __init__(self, embed_dim: int, hidden_size: int, meanings: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(embed_dim)
        self.narrow = nn.Linear(embed_dim, hidden_size)
        self.layers = nn.ModuleList(nn.Conv1d(hidden_size, hidden_size, 5, padding=2) for _ in range(2))
        self.out = nn.Linear(hidden_size, meanings)
        self.dropout = nn.Dropout(0.2)

    def forward(self, features: Tensor) -> Tensor:
        """features: (b, l, d), zero behind a prompt's end. Returns logits (b, l, k)."""
        hidden = F.gelu(self.narrow(self.dropout(self.norm(features))))
        hidden = rearrange(hidden, "b l d -> b d l")
        for layer in self.layers:
            hidden = hidden + F.gelu(layer(self.dropout(hidden)))
        return self.out(self.dropout(rearrange(hidden, "b d l -> b l d")))


@dataclass(frozen=True)
class WordKnowledge:
    """A reader, what its outputs stand for, and the known nouns as vectors.

    meanings: "kind/name" of each output. nouns: (n, d) unit vectors. actors: (n) the index of each noun's actor.
    told: (m, d) unit vectors of the known phrases that are no nouns; means: (m) the index in meanings of each.
    centers: (2, 384) what is taken from features of nouns, and of phrases; basis: (384, d) to fewer axes.
    layer: (d + 1, k) phrase vectors to logits of meanings, which compare within one kind; the last row is added.
    phrases: a hash of all phrases it was made from.
    """

    reader: WordReader
    meanings: tuple[str, ...]
    nouns: Tensor
    actors: Tensor
    told: Tensor
    means: Tensor
    centers: Tensor
    basis: Tensor
    layer: Tensor
    phrases: str

    def noun_vectors(self, features: Tensor) -> Tensor:
        """Take pooled features (b, 384) to unit vectors that compare with `nouns`."""
        return F.normalize((features - self.centers[0]) @ self.basis, dim=-1)

    def phrase_vectors(self, features: Tensor) -> Tensor:
        """Take pooled features (b, 384) to unit vectors that compare with `told`."""
        return F.normalize((features - self.centers[1]) @ self.basis, dim=-1)

    def phrase_logits(self, vectors: Tensor) -> Tensor:
        """Take phrase vectors (..., d) to logits of meanings (..., k)."""
        return vectors @ self.layer[:-1] + self.layer[-1]


STEPS = 127


def write_knowledge(known: WordKnowledge, path: Path) -> None:
    """Write to one safetensors file, beside it first and then renamed; half precision, vectors in 8 bits."""
    tensors = {f"reader.{name}": value.half().contiguous() for name, value in known.reader.state_dict().items()}
    tensors |= {name: (getattr(known, name) * STEPS).round().to(torch.int8) for name in ("nouns", "told")}
    tensors |= {name: getattr(known, name).to(torch.int16) for name in ("actors", "means")}
    tensors |= {name: getattr(known, name).half().contiguous() for name in ("centers", "basis", "layer")}
    about = {"meanings": "\n".join(known.meanings), "phrases": known.phrases}
    beside = path.with_name(path.name + ".part")
    save_file(tensors, str(beside), about)
    beside.replace(path)


def read_knowledge(path: Path) -> WordKnowledge:
    """Read what `write_knowledge` wrote. Raises CheckpointError."""
    try:
        with safe_open(str(path), "pt") as file:
            about = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    state = {name.removeprefix("reader."): t.float() for name, t in tensors.items() if name.startswith("reader.")}
    meanings: Sequence[str] = about["meanings"].split("\n")
    hidden, width = state["narrow.weight"].shape
    reader = WordReader(width, hidden, len(meanings))
    reader.load_state_dict(state)
    return WordKnowledge(
        reader.eval().requires_grad_(False),
        tuple(meanings),
        tensors["nouns"].float() / STEPS,
        tensors["actors"].long(),
        tensors["told"].float() / STEPS,
        tensors["means"].long(),
        tensors["centers"].float(),
        tensors["basis"].float(),
        tensors["layer"].float(),
        about["phrases"],
    )
