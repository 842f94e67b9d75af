"""Free wordings, told to the network in words it was trained with.

A prompt whose every word is known passes as it is. In any other, a small reader says of each word what it speaks of
(who, what motion, where, ...); the stretches with strange words are replaced by the nearest known phrase, and every
known phrase stays word by word, in its place. Nouns are found by meaning: the nearest known noun among the vectors of
the text encoder. What is not near anything is left alone.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

from skyloom.models.text_encoder import TextEncoder
from skyloom.models.word_reader import WordKnowledge, read_knowledge
from skyloom.pipelines.retelling import Surroundings, chinese, english
from skyloom.pipelines.word_spans import spans_of
from skyloom.world import thesaurus_en, thesaurus_zh
from skyloom.world.actors import ACTORS, article_for
from skyloom.world.matching import PLACEHOLDER, TABLES, UNIT, Match, Meaning, find, glue, known_phrases, verb_forms
from skyloom.world.nouns import nouns

SHIPPED = Path(__file__).parent.parent / "weights" / "wording" / "wording.safetensors"
MAX_TOKENS = 256
KEEP = 0.2
"""How probable the kind of a known word must be where it stands, to count as known there."""
SURE = 0.35
"""How probable a meaning must be among all of its kind, to be told in place of strange words."""
NEAR = 0.45
"""How near (cosine) a known noun must be, to be told in place of a strange one."""
SLOTS = ("actor", "motion", "place", "weather", "direction", "speed", "side", "camera", "style")
VERBS = ("motion", "camera")
NEIGHBOURS = 3
WARMTH = 0.08
"""Cosines that make one phrase e times as probable as another."""
TURN = 1.0
"""What a change of kind between neighbouring words costs, in nats."""
OTHER = "other"
TOLD = {
    "MOTION": "motion", "WHERE": "place", "PLACE": "place", "PLACE_NOUN": "place", "WEATHER": "weather",
    "DIRECTION": "direction", "CAMERA": "camera", "STYLE": "style", "SPEED": "speed", "SIDE": "side",
}  # fmt: skip
"""Tables of phrases, and the kind of meaning they have."""
FRAMING = ("begin", "lens", "look")


@dataclass(frozen=True)
class Word:
    """One unit of a prompt: where it stands, what it may speak of, and the known phrase it belongs to."""

    start: int
    end: int
    text: str  # lower case
    chances: Tensor  # (k) probabilities of the reader's meanings
    kind: str
    match: Match | None

    @property
    def strange(self) -> bool:
        """Whether neither a known phrase nor glue."""
        return self.match is None and self.text not in glue(language_of(self.text))


@dataclass(frozen=True)
class Change:
    """What was said, and what is told in its place."""

    start: int
    end: int
    said: str
    told: str
    kind: str


@dataclass(frozen=True)
class Reworded:
    """A prompt as it is told, and how it came from what was said."""

    text: str
    changes: tuple[Change, ...] = ()


def language_of(text: str) -> str:
    """Return "zh" for text that begins with a Chinese character, else "en"."""
    return "zh" if text[:1] >= "\u3400" else "en"


def named() -> list[tuple[str, int]]:
    """Return every known noun, of training and of the thesaurus, with its actor's index."""
    tables = ((nouns("en"), thesaurus_en.ACTOR), (nouns("zh"), thesaurus_zh.ACTOR))
    return [
        (noun, index)
        for rows, more in tables
        for index, (row, actor) in enumerate(zip(rows, ACTORS, strict=True))
        for noun in dict.fromkeys((*row.train, *more.get(actor.name, ())))
    ]


def phrased() -> list[tuple[str, Meaning]]:
    """Return every known phrase, of training and of the thesaurus, that is no noun; verbs as in "falling down"."""
    found: list[tuple[str, Meaning]] = []
    for language, more in (("en", thesaurus_en), ("zh", thesaurus_zh)):
        for name, kind in TOLD.items():
            own = vars(TABLES[language]).get(name, {})
            for row in dict.fromkeys((*own, *vars(more).get(name, {}))):
                said = (*(own[row].train if row in own else ()), *vars(more).get(name, {}).get(row, ()))
                verbs = language == "en" and kind in ("motion", "camera")
                texts = [verb_forms(text)[2] if verbs else PLACEHOLDER.sub("", text) for text in said]
                found += [(text, Meaning(kind, row)) for text in dict.fromkeys(texts)]
    return found


def phrases_hash() -> str:
    """Return a hash of all that the shipped file was made from: known phrases, thesaurus, nouns."""
    tables = [vars(module) for module in (thesaurus_en, thesaurus_zh)]
    more = [sorted((name, table) for name, table in rows.items() if name.isupper()) for rows in tables]
    return hashlib.sha256(repr((sorted(known_phrases()), more, named())).encode()).hexdigest()


def noun_features(encoder: TextEncoder, said: Sequence[str]) -> Tensor:
    """Return the mean last state of each noun's tokens, (b, 384), English nouns within a phrase that makes them so."""
    return phrase_features(encoder, [pictured(noun) for noun in said])


def pictured(noun: str) -> str:
    """Return a noun within a phrase that makes it one; a Chinese one as it is."""
    return noun if language_of(noun) == "zh" else f"a picture of a {noun}"


def phrase_features(encoder: TextEncoder, said: Sequence[str]) -> Tensor:
    """Return the mean last state of each phrase's tokens, (b, 384)."""
    features = encoder.encode(said, max_length=MAX_TOKENS)
    own = features.mask.clone()
    own[:, 0] = False
    total = (features.embeds * own[..., None]).sum(1) / own.sum(1, keepdim=True)
    return total[:, encoder.embed_dim // 2 :]


class Wording:
    """Rewords prompts for a checkpoint that knows the first `actors` actors and the named motions."""

    def __init__(self, encoder: TextEncoder, actors: int | None, motions: Sequence[str], path: Path = SHIPPED) -> None:
        self.encoder, self.actors, self.motions, self.path = encoder, actors or len(ACTORS), motions, path

    @functools.cached_property
    def known(self) -> WordKnowledge:
        """The reader and the known nouns, read when the first strange word comes."""
        return read_knowledge(self.path)

    @functools.cached_property
    def meanings(self) -> list[Meaning]:
        """What each output of the reader stands for."""
        pairs = [meaning.partition("/") for meaning in self.known.meanings]
        return [Meaning(kind, name) for kind, _, name in pairs]

    @functools.cached_property
    def _of_kind(self) -> dict[str, list[int]]:
        """The outputs of each kind; of motions, those that the checkpoint knows."""
        found: dict[str, list[int]] = {}
        for place, meaning in enumerate(self.meanings):
            if meaning.kind != "motion" or meaning.name in self.motions:
                found.setdefault(meaning.kind, []).append(place)
        return found

    @torch.no_grad()
    def reword(self, prompt: str) -> Reworded:
        """Return the prompt in known words; itself where it holds no others."""
        matches = find(prompt, self.actors)
        taken = {place for match in matches for place in range(match.start, match.end)}
        units = UNIT.findall(prompt.lower())
        free = [u for u in UNIT.finditer(prompt.lower()) if u.start() not in taken]
        if not units or all(unit[0] in glue(language_of(unit[0])) for unit in free):
            return Reworded(prompt)
        changes = self._changes(prompt, self._words(prompt, matches))
        return Reworded(_applied(prompt, changes), tuple(changes))

    # -- reading

    def _words(self, prompt: str, matches: list[Match]) -> list[Word]:
        """Read a prompt's units; of known phrases, keep those that fit where they stand."""
        units = list(UNIT.finditer(prompt.lower()))
        chances = self._chances(prompt, [unit.span() for unit in units])
        by_place = {place: match for match in matches for place in range(match.start, match.end)}
        kept: list[Match | None] = []
        for unit in units:
            match = by_place.get(unit.start())
            members = [c for u, c in zip(units, chances, strict=True) if match and match.start <= u.start() < match.end]
            kept.append(match if match and self._fits(match, members) else None)
        fixed = [match.meaning.kind if match and match.meaning.kind != "color" else None for match in kept]
        joined = [not prompt[a.end() : b.start()].strip() for a, b in pairwise(units)]
        kinds = self._kinds(chances, fixed, joined)
        return [
            Word(*unit.span(), unit[0], chance, kind, match)
            for unit, chance, kind, match in zip(units, chances, kinds, kept, strict=True)
        ]

    def _chances(self, prompt: str, units: list[tuple[int, int]]) -> list[Tensor]:
        """Return each unit's probabilities (k), the mean over its tokens."""
        features = self.encoder.encode([prompt], max_length=MAX_TOKENS)
        found = self.known.reader(features.embeds[:, 1:])[0].softmax(-1)
        spans = spans_of(self.encoder.pieces(prompt), prompt)[: len(found)]
        result, nothing = [], torch.zeros(len(self.meanings))
        for start, end in units:
            rows = [row for row, (first, last) in enumerate(spans) if first < end and max(last, first + 1) > start]
            result.append(found[rows].mean(0) if rows else nothing)
        return result

    def _kinds(self, chances: list[Tensor], fixed: list[str | None], joined: list[bool]) -> list[str]:
        """Return the most probable kind of each unit, where a change between neighbours costs TURN (Viterbi)."""
        names = list(self._of_kind)
        groups = list(self._of_kind.values())
        scores = torch.stack([torch.stack([c[g].sum() for g in groups]).clamp(min=1e-4).log() for c in chances])
        for row, kind in enumerate(fixed):
            if kind is not None:
                scores[row] = -1e9
                scores[row, names.index(kind if kind in names else OTHER)] = 0.0
        came: list[Tensor] = []
        best = scores[0]
        for row in range(1, len(chances)):
            turn = TURN * (1 - torch.eye(len(names))) if joined[row - 1] else torch.zeros(len(names), len(names))
            found = (best[:, None] - turn).max(0)
            came.append(found.indices)
            best = found.values + scores[row]
        path = [int(best.argmax())]
        for step in reversed(came):
            path.append(int(step[path[-1]]))
        return [names[k] for k in reversed(path)]

    def _fits(self, match: Match, members: list[Tensor]) -> bool:
        """Tell whether a known phrase means here what it usually does: long ones always do."""
        kind = match.meaning.kind
        if (len(members) > 1 and kind != "frame") or kind not in self._of_kind:
            return kind != "frame" or len(members) > 1
        mean = torch.stack(members).mean(0)
        return mean[self._of_kind[kind]].sum().item() >= KEEP

    # -- telling

    def _changes(self, prompt: str, words: list[Word]) -> list[Change]:
        """Return what to replace, in order."""
        chunks = [chunk for chunk in _chunks(prompt, words) if _unlike_training(words[chunk])]
        queries = [self._query(prompt, words[chunk]) for chunk in chunks]
        asked = [query for query in queries if query]
        vectors = iter(phrase_features(self.encoder, asked) if asked else ())
        changes: list[Change] = []
        for chunk, query in zip(chunks, queries, strict=True):
            meaning = self._meaning(words[chunk], next(vectors) if query else None)
            told = None if meaning is None else self._told(prompt, words, chunk, meaning)
            if told is not None:
                said = words[chunk]
                changes.append(Change(said[0].start, said[-1].end, _text(prompt, said), told, said[0].kind))
        return changes

    @staticmethod
    def _query(prompt: str, chunk: list[Word]) -> str:
        """Return what to look up for a stretch by its meaning; nothing where it names its meaning itself."""
        if chunk[0].kind not in SLOTS or _named(chunk):
            return ""
        return pictured(_strange_text(chunk)) if chunk[0].kind == "actor" else _text(prompt, chunk).lower()

    def _meaning(self, chunk: list[Word], features: Tensor | None) -> Meaning | None:
        """Return what a stretch of one kind says: the known phrase in it, or the most probable name if sure.

        The reader, which sees the sentence, and the nearest known phrases, which do not, are asked both.
        """
        kind = chunk[0].kind
        if features is None:
            named = _named(chunk) if kind not in VERBS else []  # a known verb stays, with what stands around it
            return named[-1].meaning if named else Meaning(kind, "") if kind in FRAMING else None
        if kind == "actor":
            return self._nearest_noun(features)
        places = self._of_kind[kind]
        read = torch.stack([word.chances[places] for word in chunk]).clamp(min=1e-6).log().mean(0).log_softmax(-1)
        best = (read + self._nearness(features, places) / WARMTH).softmax(-1).max(0)
        return self.meanings[places[int(best.indices)]] if best.values.item() >= SURE else None

    def _nearness(self, features: Tensor, places: list[int]) -> Tensor:
        """Return how near a phrase is to the NEIGHBOURS nearest known ones of each meaning, (k) cosines."""
        near = self.known.told @ self.known.phrase_vectors(features)
        groups = [near[self.known.means == place] for place in places]
        return torch.stack([g.topk(min(NEIGHBOURS, len(g))).values.mean() if len(g) else near.min() for g in groups])

    def _nearest_noun(self, features: Tensor) -> Meaning | None:
        """Return the actor whose name is nearest, None where none is near."""
        scores = self.known.nouns @ self.known.noun_vectors(features)
        best = scores.masked_fill(self.known.actors >= self.actors, -1).max(0)
        actor = int(self.known.actors[best.indices])
        return Meaning("actor", ACTORS[actor].name) if best.values.item() >= NEAR else None

    def _told(self, prompt: str, words: list[Word], chunk: slice, meaning: Meaning) -> str | None:
        """Return the words for one stretch."""
        said, near = words[chunk], _near(prompt, words, chunk)
        named = [prompt[match.start : match.end] for match in _named(said)[-1:]]
        if meaning.kind in FRAMING:
            return _framed_zh(meaning.kind) if language_of(said[0].text) == "zh" else _framed(meaning.kind, near)
        if language_of(said[0].text) == "zh":
            return named[0] if named and meaning.kind == "actor" else chinese(meaning, _text(prompt, said))
        texts = [word.text for word in said]
        if meaning.kind != "actor":
            return english(meaning, texts, near)
        article = texts[:1] if texts[0] in ("a", "an", "the") else []
        colors = [word.text for word in said if word.match and word.match.meaning.kind == "color"]
        noun = " ".join([*colors, *(named or [english(meaning, texts[len(article) :], near)])])
        return f"{article_for(noun) if article != ['the'] else 'the'} {noun}" if article else noun


def _framed(kind: str, near: Surroundings) -> str:
    """Return a usual beginning or name of the camera; a link to a style is not needed at all."""
    if kind == "begin":
        return "we see" if near.breaks else "there is"
    return {"lens": "the camera", "look": ""}[kind]


def _framed_zh(kind: str) -> str:
    return {"lens": "镜头", "look": "", "begin": "我们看到"}[kind]


def _named(chunk: list[Word]) -> list[Match]:
    """Return the known phrases of a stretch that say what it speaks of."""
    return [word.match for word in chunk if word.match and word.match.meaning.kind == chunk[0].kind]


def _strange_text(chunk: list[Word]) -> str:
    """Return the words of a stretch that are not known, without glue at its edges."""
    strange = [k for k, word in enumerate(chunk) if word.strange]
    said = [word.text for word in chunk[strange[0] : strange[-1] + 1] if not word.match]
    return ("" if language_of(said[0]) == "zh" else " ").join(said)


def _unlike_training(chunk: list[Word]) -> bool:
    """Tell whether a stretch holds a strange word, or frames what is shown as no known phrase does."""
    framing = chunk[0].kind in FRAMING and not any(word.match for word in chunk)
    return framing or any(word.strange for word in chunk)


def _chunks(prompt: str, words: list[Word]) -> Iterator[slice]:
    """Cut into stretches of one kind, within one language and between marks of punctuation."""
    start = 0
    for k in range(1, len(words) + 1):
        joined = k < len(words) and words[k].kind == words[k - 1].kind and not _breaks(prompt, words, k)
        if not joined or language_of(words[k].text) != language_of(words[k - 1].text):
            yield slice(start, k)
            start = k


def _breaks(prompt: str, words: list[Word], k: int) -> bool:
    """Tell whether more than a space stands before word k."""
    return k == 0 or bool(prompt[words[k - 1].end : words[k].start].strip())


def _near(prompt: str, words: list[Word], chunk: slice) -> Surroundings:
    before = words[chunk.start - 1].text if chunk.start and not _breaks(prompt, words, chunk.start) else ""
    after = words[chunk.stop].text if chunk.stop < len(words) and not _breaks(prompt, words, chunk.stop) else ""
    return Surroundings(before, after, _breaks(prompt, words, chunk.start))


def _text(prompt: str, words: list[Word]) -> str:
    return prompt[words[0].start : words[-1].end]


def _applied(prompt: str, changes: list[Change]) -> str:
    """Return the prompt with its changes made, and articles agreeing with what follows them."""
    text, end = "", 0
    for change in changes:
        text += prompt[end : change.start]
        stem, space, article = text.rstrip().rpartition(" ")
        if change.kind == "actor" and article.lower() in ("a", "an"):
            fitting = article_for(change.told)
            text = stem + space + (fitting.capitalize() if article[0].isupper() else fitting) + " "
        first = change.said[0].isupper() and not text.strip()
        text += change.told[:1].upper() + change.told[1:] if first else change.told
        end = change.end + (not change.told and prompt[change.end : change.end + 1] == " ")
    return text + prompt[end:]
