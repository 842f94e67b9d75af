"""Make weights/wording: the reader of free wordings and the vectors of known nouns.

python scripts/build_wording.py                          about 15 minutes on one core
python scripts/build_wording.py --features F.pt          keeps the features of its sentences there for another run
python scripts/build_wording.py --keep-reader            makes all but the network anew: two minutes
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from skyloom.models.text_encoder import TextEncoder, load_text_encoder
from skyloom.models.word_reader import WordKnowledge, WordReader, read_knowledge, write_knowledge
from skyloom.pipelines.known_phrases import named, noun_features, phrase_features, phrased, phrases_hash
from skyloom.pipelines.word_spans import spans_of
from skyloom.pipelines.wording import SHIPPED
from skyloom.world.grammar import third_person
from skyloom.world.matching import Meaning
from wording_sentences import Pieces, sentences

COUNT, EPOCHS, BATCH, HIDDEN, SEED = 2400, 8, 32, 96, 1
MAX_TOKENS, CHUNK, AXES = 128, 64, 160
IGNORED = -100
LAYER_STEPS, LAYER_DECAY = 60, 1e-4
Example = tuple[Tensor, list[str]]
"""Features (l, 768) float16 of one sentence, and each token's label."""


def labels_of(pieces: Pieces, encoder: TextEncoder) -> list[str]:
    """Return the label of each token: that of its first character."""
    text = "".join(said for said, _ in pieces)
    letters = [label for said, label in pieces for _ in said]
    return [letters[min(start, len(letters) - 1)] for start, _ in spans_of(encoder.pieces(text), text)]


def examples(encoder: TextEncoder, count: int) -> list[Example]:
    """Encode sentences, short ones together."""
    told = sorted(sentences(count, SEED), key=lambda pieces: sum(len(said) for said, _ in pieces))
    found: list[Example] = []
    for first in range(0, count, CHUNK):
        rows = told[first : first + CHUNK]
        features = encoder.encode(["".join(said for said, _ in row) for row in rows], max_length=MAX_TOKENS)
        for row, embeds in zip(rows, features.embeds, strict=True):
            labels = labels_of(row, encoder)[: MAX_TOKENS - 1]
            found.append((embeds[1 : 1 + len(labels)].half(), labels))
        print(f"{len(found)} sentences", flush=True)
    return found


def padded(batch: Sequence[Example], number: dict[str, int]) -> tuple[Tensor, Tensor]:
    """Return features (b, l, 768) and numbers of labels (b, l), IGNORED behind a sentence's end."""
    features = torch.nn.utils.rnn.pad_sequence([x.float() for x, _ in batch], batch_first=True)
    wanted = [torch.tensor([number[label] for label in labels]) for _, labels in batch]
    return features, torch.nn.utils.rnn.pad_sequence(wanted, batch_first=True, padding_value=IGNORED)


def trained(data: list[Example], meanings: list[str]) -> WordReader:
    """Train a reader; print how many tokens of sentences kept back it reads right."""
    torch.manual_seed(SEED)
    number = {meaning: k for k, meaning in enumerate(meanings)}
    order = torch.randperm(len(data)).tolist()
    held, kept = [data[k] for k in order[: len(data) // 12]], [data[k] for k in order[len(data) // 12 :]]
    reader = WordReader(data[0][0].shape[1], HIDDEN, len(meanings))
    optimizer = torch.optim.AdamW(reader.parameters(), lr=2e-3, weight_decay=0.05)
    steps = EPOCHS * (len(kept) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for epoch in range(EPOCHS):
        order = torch.randperm(len(kept)).tolist()
        for first in range(0, len(kept) // BATCH * BATCH, BATCH):
            features, wanted = padded([kept[k] for k in order[first : first + BATCH]], number)
            features = features + 0.15 * features.std() * torch.randn_like(features) * (features != 0)
            loss = F.cross_entropy(reader(features).flatten(0, 1), wanted.flatten(), label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        print(
            f"epoch {epoch}: {float(loss.detach()):.3f}, right of those kept back {right(reader, held, number):.3f}",
            flush=True,
        )
    return reader.eval()


def label_of(meaning: Meaning) -> str:
    """Return the label of a meaning in sentences."""
    return f"{meaning.kind}/{meaning.name}"


@torch.no_grad()
def right(reader: WordReader, data: list[Example], number: dict[str, int]) -> float:
    """Return the share of tokens read right."""
    features, wanted = padded(data, number)
    found = reader.eval()(features).argmax(-1)
    reader.train()
    real = wanted != IGNORED
    return (found == wanted)[real].float().mean().item()


def layer_of(vectors: Tensor, means: Tensor, meanings: Sequence[str]) -> Tensor:
    """Fit a layer (d + 1, k) that tells the meanings of each kind apart, each meaning weighing the same."""
    layer = torch.zeros(vectors.shape[1] + 1, len(meanings))
    kinds = [meaning.partition("/")[0].replace("weather", "place") for meaning in meanings]  # told apart as one
    for kind in sorted({kinds[place] for place in means.tolist()}):
        places = [place for place in sorted(set(means.tolist())) if kinds[place] == kind]
        rows = torch.isin(means, torch.tensor(places))
        wanted = torch.searchsorted(torch.tensor(places), means[rows])
        layer[:, places] = _fitted(vectors[rows], wanted, len(places))
    return layer


def _fitted(vectors: Tensor, wanted: Tensor, count: int) -> Tensor:
    """Return multinomial logistic regression with a bias in the last row, (d + 1, count)."""
    found = torch.zeros(vectors.shape[1] + 1, count, requires_grad=True)
    weight = 1 / torch.bincount(wanted, minlength=count).float()
    weight = weight / weight[wanted].mean()
    optimizer = torch.optim.LBFGS([found], max_iter=LAYER_STEPS, history_size=8)

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(vectors @ found[:-1] + found[-1], wanted, weight=weight)
        value = value + LAYER_DECAY * found[:-1].square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    return found.detach()


def read_anew(encoder: TextEncoder, path: Path | None) -> tuple[WordReader, list[str]]:
    """Train a reader on sentences, whose features are kept at `path`; return it and its meanings."""
    if path and path.exists():
        data = torch.load(path)
    else:
        data = examples(encoder, COUNT)
        if path:
            torch.save(data, path)
    meanings = sorted({label for _, labels in data for label in labels})
    return trained(data, meanings), meanings


def knowledge(encoder: TextEncoder, reader: WordReader, meanings: list[str]) -> WordKnowledge:
    """Encode the known nouns and phrases, and fit the layer, for which English verbs are in two forms."""
    nouns, told = named(), list(dict.fromkeys(row for row in phrased() if label_of(row[1]) in meanings))
    every = list(dict.fromkeys([*told, *(row for row in phrased(third_person) if label_of(row[1]) in meanings)]))
    vectors = [
        torch.cat([features(encoder, rows[k : k + CHUNK]) for k in range(0, len(rows), CHUNK)])
        for features, rows in ((noun_features, [noun for noun, _ in nouns]), (phrase_features, [t for t, _ in every]))
    ]
    centers = torch.stack([rows.mean(0) for rows in vectors])
    moved = [rows - center for rows, center in zip(vectors, centers, strict=True)]
    basis = torch.linalg.svd(torch.cat(moved), full_matrices=False)[2][:AXES].T
    unit = [F.normalize(rows @ basis, dim=-1) for rows in moved]
    means = torch.tensor([meanings.index(label_of(meaning)) for _, meaning in every])
    count = len(told)
    return WordKnowledge(
        reader, tuple(meanings), unit[0], torch.tensor([actor for _, actor in nouns]), unit[1][:count], means[:count],
        centers, basis, layer_of(unit[1], means, meanings), phrases_hash(),
    )  # fmt: skip


def main() -> None:
    """Build, and say how large the file is."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--features", type=Path)
    parser.add_argument("--keep-reader", action="store_true", help="take the reader from the shipped file")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    encoder = load_text_encoder(dtype=torch.bfloat16)
    if arguments.keep_reader:
        shipped = read_knowledge(SHIPPED)
        reader, meanings = shipped.reader, list(shipped.meanings)
    else:
        reader, meanings = read_anew(encoder, arguments.features)
    known = knowledge(encoder, reader, meanings)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    write_knowledge(known, arguments.out)
    size = arguments.out.stat().st_size / 1e6
    print(f"{arguments.out}: {len(known.nouns)} nouns, {len(known.told)} phrases, {size:.2f} MB")


if __name__ == "__main__":
    main()
