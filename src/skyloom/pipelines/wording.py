"""Free wordings, told to the network in words it was trained with.

A prompt whose every word is known passes as it is. In any other, a small reader says of each word what it speaks of
(who, what motion, where, ...); the stretches with strange words are replaced by the nearest known phrase, and every
known phrase stays word by word, in its place. Nouns are found by meaning: the nearest known noun among the vectors of
the text encoder. What is not near anything is left alone.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

from skyloom.models.text_encoder import TextEncoder
from skyloom.models.word_reader import WordKnowledge, read_knowledge
from skyloom.pipelines.around import Guess, choices, chosen, sure
from skyloom.pipelines.clauses import led, likened
from skyloom.pipelines.known_phrases import MAX_TOKENS, language_of, phrase_features, pictured
from skyloom.pipelines.retelling import Surroundings, chinese, english
from skyloom.pipelines.stretches import (
    FRAMING,
    Word,
    agrees,
    halves,
    loose,
    own_matches,
    said_in,
    strange_text,
    stretches,
    surroundings,
    unlike_training,
)
from skyloom.pipelines.word_kinds import SILENT, most_probable
from skyloom.pipelines.word_spans import spans_of
from skyloom.world.actors import ACTORS, article_for
from skyloom.world.matching import UNIT, Match, Meaning, find, glue

SHIPPED = Path(__file__).parent.parent / "weights" / "wording" / "wording.safetensors"
LIKELY = 0.5
"""Above this probability a strange word names somebody, whatever else the sentence lacks."""
KEEP = 0.2
"""How probable the kind of a known word must be where it stands, to count as known there."""
SURE = {"motion": 0.0}
"""How probable a meaning must be among its like, to be told in place of strange words: any verb is some motion."""
SURE_OTHER = 0.35
NEAR = 0.45
"""How near (cosine) a known noun must be, to be told in place of a strange one."""
SLOTS = ("actor", "motion", "place", "weather", "direction", "speed", "side", "camera", "style")
VERBS = ("motion", "camera")
AROUND = ("place", "weather")
"""Kinds that stand in the same places of a sentence: which of the two it is, its meaning says."""
NEIGHBOURS = 3
WARMTH = 0.08
"""Cosines that make one phrase e times as probable as another."""
READER = {"motion": 0.5}
"""What the reader weighs beside the known phrases, 1 where nothing is said: it learnt fewer verbs than they hold."""
OTHER = "other"


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
        fixed = [None if match is None or loose(match) else match.meaning.kind for match in kept]
        joined = [not prompt[a.end() : b.start()].strip() for a, b in pairwise(units)]
        texts = [unit[0] for unit in units]
        telling = [
            match is not None or text not in glue(language_of(text)) for text, match in zip(texts, kept, strict=True)
        ]
        read = self._kinds(chances, fixed, joined, telling)
        firm = [kind is not None and kind != "direction" for kind in fixed]
        kinds = likened(led(read, texts, joined, firm), texts, joined)
        return [
            Word(*unit.span(), unit[0], chance, kind, match if match and agrees(match, kind) else None)
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

    def _kinds(
        self, chances: list[Tensor], fixed: list[str | None], joined: list[bool], telling: list[bool]
    ) -> list[str]:
        """Return the most probable kind of each unit, chosen together.

        A word that more likely than not names somebody, or the only one that does, is not made a motion for want of
        one: "a red ball" has no verb.
        """
        names = list(self._of_kind)
        groups = list(self._of_kind.values())
        scores = torch.stack([torch.stack([c[g].sum() for g in groups]).clamp(min=1e-4).log() for c in chances])
        for row, kind in enumerate(fixed):
            if kind is not None:
                scores[row] = -1e9
                scores[row, names.index(kind if kind in names else OTHER)] = 0.0
        motion, actor = names.index("motion"), names.index("actor")
        told, resting = (most_probable(scores, joined, motion, silent, telling) for silent in (SILENT, 0.0))
        likely = scores[:, actor].exp() > LIKELY
        kept = [a if a == actor and is_one else b for a, b, is_one in zip(resting, told, likely.tolist(), strict=True)]
        return [names[kind] for kind in (resting if actor in resting and actor not in kept else kept)]

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
        found = [chunk for chunk in stretches(prompt, words) if unlike_training(words[chunk])]
        parts = [chunk for whole in found for chunk in ([whole, *halves(words, whole)])]
        queries = {(c.start, c.stop): self._query(prompt, words[c]) for c in parts}
        asked = [query for query in dict.fromkeys(queries.values()) if query]
        vectors = dict(zip(asked, phrase_features(self.encoder, asked) if asked else (), strict=True))

        def guessed(chunk: slice) -> list[Guess]:
            return self._guesses(words[chunk], vectors.get(queries[chunk.start, chunk.stop]))

        around = [whole for whole in found if words[whole.start].kind in AROUND]
        known = {(w.match.start, w.match.meaning.kind) for w in _outside(words, found) if w.match}
        ways = [choices(whole, halves(words, whole), guessed) for whole in around]
        picked = zip(around, chosen(ways, [kind for _, kind in known if kind in AROUND]), strict=True)
        parts_of = {whole.start: choice.parts for whole, choice in picked}
        changes: list[Change] = []
        for whole in found:
            for chunk, guess in parts_of.get(whole.start) or ((whole, guessed(whole)[0]),):
                meaning = guess[0] if whole not in around or sure(guess) else None
                told = None if meaning is None else self._told(prompt, words, chunk, meaning)
                if told is not None:
                    said = words[chunk]
                    changes.append(Change(said[0].start, said[-1].end, said_in(prompt, said), told, said[0].kind))
        return changes

    @staticmethod
    def _query(prompt: str, chunk: list[Word]) -> str:
        """Return what to look up for a stretch by its meaning; nothing where it names its meaning itself."""
        if chunk[0].kind not in SLOTS or own_matches(chunk):
            return ""
        return pictured(strange_text(chunk)) if chunk[0].kind == "actor" else said_in(prompt, chunk).lower()

    def _guesses(self, chunk: list[Word], features: Tensor | None) -> list[Guess]:
        """Return what a stretch may say: the known phrase in it, or the most probable name if sure.

        About place and weather, the best of either. The reader, which sees the sentence, and the known phrases, which
        do not, are asked both.
        """
        kind = chunk[0].kind
        if features is None:
            named = own_matches(chunk) if kind not in VERBS else []  # a known verb stays, with what stands around it
            return [(named[-1].meaning if named else Meaning(kind, "") if kind in FRAMING else None, 1.0, 1.0)]
        if kind == "actor":
            return [(self._nearest_noun(features), 1.0, 1.0)]
        kinds = AROUND if kind in AROUND else (kind,)
        places = [place for like in kinds for place in self._of_kind[like]]
        read = torch.stack([word.chances[places] for word in chunk]).clamp(min=1e-6).log().mean(0).log_softmax(-1)
        both = READER.get(kind, 1.0) * read + self._alone(features, places)
        share = dict(zip(places, both.softmax(-1).tolist(), strict=True))
        found: list[Guess] = []
        for like in kinds:
            best = max(self._of_kind[like], key=share.__getitem__)
            of_kind = share[best] / max(sum(share[place] for place in self._of_kind[like]), 1e-9)
            meaning = self.meanings[best]
            told = kind in AROUND or share[best] >= SURE.get(kind, SURE_OTHER)
            found.append((meaning if told else None, share[best], of_kind))
        return found

    def _alone(self, features: Tensor, places: list[int]) -> Tensor:
        """Return log probabilities (k) of what a phrase means by itself: by its neighbours and by the layer."""
        near = (self._nearness(features, places) / WARMTH).log_softmax(-1)
        return near + self.known.phrase_logits(self.known.phrase_vectors(features))[places].log_softmax(-1)

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
        said, near = words[chunk], surroundings(prompt, words, chunk)
        named = [prompt[match.start : match.end] for match in own_matches(said)[-1:]]
        if meaning.kind in FRAMING:
            return _framed_zh(meaning.kind) if language_of(said[0].text) == "zh" else _framed(meaning.kind, near)
        if language_of(said[0].text) == "zh":
            return named[0] if named and meaning.kind == "actor" else chinese(meaning, said_in(prompt, said))
        texts = [word.text for word in said]
        if meaning.kind != "actor":
            return english(meaning, texts, near)
        article = texts[:1] if texts[0] in ("a", "an", "the") else []
        colors = [word.text for word in said if word.match and word.match.meaning.kind == "color"]
        noun = " ".join([*colors, *(named or [english(meaning, texts[len(article) :], near)])])
        return f"{article_for(noun) if article != ['the'] else 'the'} {noun}" if article else noun


def _outside(words: list[Word], found: list[slice]) -> list[Word]:
    """Return the words of no stretch that is told anew."""
    inside = {k for chunk in found for k in range(chunk.start, chunk.stop)}
    return [word for k, word in enumerate(words) if k not in inside]


def _framed(kind: str, near: Surroundings) -> str:
    """Return a usual beginning or name of the camera; a link to a style is not needed at all."""
    if kind == "begin":
        return "we see" if near.breaks else "there is"
    return {"lens": "the camera", "look": ""}[kind]


def _framed_zh(kind: str) -> str:
    return {"lens": "镜头", "look": "", "begin": "我们看到"}[kind]


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
