"""How well phrases are read that the file of wordings does not hold: each family of strange words left out in turn.

python scripts/wording_left_out.py [--cache FILE]     about two minutes on one core

A phrase is hidden with all others that share one of its words which training never says; it is then read by its nearest
neighbours alone, and by them and the layer, as `skyloom.pipelines.wording` does without the sentence around it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from build_wording import AXES, CHUNK, layer_of
from skyloom.models.text_encoder import load_text_encoder
from skyloom.pipelines.known_phrases import language_of, named, noun_features, phrase_features, phrased
from skyloom.pipelines.wording import NEIGHBOURS, WARMTH
from skyloom.presets import NANO
from skyloom.world.actors import ACTORS
from skyloom.world.words import stem, unknown_words

FOLDS = 10
KINDS = ("motion", "place", "weather", "actor")
Row = tuple[str, str]
"""A phrase, and "kind/name"."""


def family(text: str) -> frozenset[str]:
    """Return the stems of a phrase's words that training never says; of Chinese, the characters."""
    strange = unknown_words(text)
    return frozenset("".join(strange)) if language_of(text) == "zh" else frozenset(map(stem, strange))


def encoded(path: Path | None) -> tuple[list[Row], Tensor]:
    """Return every known phrase and noun, and their features."""
    if path and path.exists():
        return torch.load(path)
    encoder = load_text_encoder(dtype=torch.bfloat16)
    told = [(text, f"{meaning.kind}/{meaning.name}") for text, meaning in phrased()]
    count = NANO.world.actors or len(ACTORS)
    nouns = [(noun, f"actor/{ACTORS[index].name}") for noun, index in named() if index < count]
    found = []
    for features, rows in ((phrase_features, told), (noun_features, nouns)):
        found += [features(encoder, [text for text, _ in rows[k : k + CHUNK]]) for k in range(0, len(rows), CHUNK)]
    if path:
        torch.save(([*told, *nouns], torch.cat(found)), path)
    return [*told, *nouns], torch.cat(found)


def read(vectors: Tensor, asked: Tensor, kept: Tensor, means: Tensor, allowed: list[int], layer: Tensor) -> Tensor:
    """Return log probabilities (2, q, k) of the allowed meanings: by neighbours alone, and by the layer too."""
    near = vectors[asked] @ vectors[kept].T
    groups = [near[:, means[kept] == place] for place in allowed]
    tops = [g.topk(min(NEIGHBOURS, g.shape[1])).values.mean(1) if g.shape[1] else near.min(1).values for g in groups]
    alone = (torch.stack(tops, 1) / WARMTH).log_softmax(-1)
    logits = vectors[asked] @ layer[:-1, allowed] + layer[-1, allowed]
    return torch.stack([alone, alone + logits.log_softmax(-1)])


def measure(kind: str, rows: list[Row], features: Tensor) -> None:
    """Print the shares of left-out phrases of a kind that are read right."""
    own = torch.tensor([k for k, (_, meaning) in enumerate(rows) if meaning.startswith(f"{kind}/")])
    said, moved = [rows[int(k)] for k in own], features[own] - features[own].mean(0)
    vectors = F.normalize(moved @ torch.linalg.svd(moved, full_matrices=False)[2][:AXES].T, dim=-1)
    meanings = sorted({meaning for _, meaning in said})
    means = torch.tensor([meanings.index(meaning) for _, meaning in said])
    names = [meaning.partition("/")[2] for meaning in meanings]
    allowed = [k for k, name in enumerate(names) if kind != "motion" or name in (NANO.world.motions or ())]
    families = [family(text) for text, _ in said]
    asked = [k for k in range(len(said)) if families[k] and int(means[k]) in allowed]
    asked.sort(key=lambda k: min(families[k]))
    rights: dict[str, list[Tensor]] = {"en": [], "zh": []}
    for fold in range(FOLDS):
        left_out = asked[fold * len(asked) // FOLDS : (fold + 1) * len(asked) // FOLDS]
        hidden = frozenset().union(*(families[k] for k in left_out))
        kept = torch.tensor([k for k in range(len(said)) if not families[k] & hidden])
        layer = layer_of(vectors[kept], means[kept], meanings)
        best = (
            torch.tensor(allowed)[read(vectors, torch.tensor(left_out), kept, means, allowed, layer).argmax(-1)]
            == means[torch.tensor(left_out)]
        )
        for right, k in zip(best.T, left_out, strict=True):
            rights[language_of(said[k][0])].append(right)
    for language, found in rights.items():
        neighbours, both = torch.stack(found).float().mean(0).tolist()
        print(f"{kind} {language}: {len(found)} phrases, neighbours {neighbours:.3f}, with the layer {both:.3f}")


def main() -> None:
    """Measure every kind."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cache", type=Path, help="keeps the features there for another run")
    torch.set_num_threads(1)
    rows, features = encoded(parser.parse_args().cache)
    for kind in KINDS:
        measure(kind, rows, features)


if __name__ == "__main__":
    main()
