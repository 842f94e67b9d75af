"""Known nouns and phrases, and where they lie among the vectors of the text encoder."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence

from torch import Tensor

from skyloom.models.text_encoder import TextEncoder
from skyloom.world import thesaurus_en, thesaurus_zh
from skyloom.world.actors import ACTORS
from skyloom.world.grammar import present_participle
from skyloom.world.matching import PLACEHOLDER, TABLES, Meaning, known_phrases
from skyloom.world.nouns import nouns

MAX_TOKENS = 256
TOLD = {
    "MOTION": "motion", "WHERE": "place", "PLACE": "place", "PLACE_NOUN": "place", "WEATHER": "weather",
    "DIRECTION": "direction", "CAMERA": "camera", "STYLE": "style", "SPEED": "speed", "SIDE": "side",
}  # fmt: skip
"""Tables of phrases, and the kind of meaning they have."""
DOUBLED = re.compile(r"[^aeiou]*[aeiou][^aeiouwxy]")
"""Verbs whose last letter is said twice: trot, trotting."""


def language_of(text: str) -> str:
    """Return "zh" for text that begins with a Chinese character, else "en"."""
    return "zh" if text[:1] >= "\u3400" else "en"


def participle(verb: str) -> str:
    """Return the -ing form of any verb, of those too that training has no rule for."""
    return verb + verb[-1] + "ing" if DOUBLED.fullmatch(verb) else present_participle(verb)


def named() -> list[tuple[str, int]]:
    """Return every known noun, of training and of the thesaurus, with its actor's index."""
    tables = ((nouns("en"), thesaurus_en.ACTOR), (nouns("zh"), thesaurus_zh.ACTOR))
    return [
        (noun, index)
        for rows, more in tables
        for index, (row, actor) in enumerate(zip(rows, ACTORS, strict=True))
        for noun in dict.fromkeys((*row.train, *more.get(actor.name, ())))
    ]


def phrased(form: Callable[[str], str] = participle) -> list[tuple[str, Meaning]]:
    """Return every known phrase, of training and of the thesaurus, that is no noun; English verbs in a form."""
    found: list[tuple[str, Meaning]] = []
    for language, more in (("en", thesaurus_en), ("zh", thesaurus_zh)):
        for name, kind in TOLD.items():
            own = vars(TABLES[language]).get(name, {})
            for row in dict.fromkeys((*own, *vars(more).get(name, {}))):
                said = (*(own[row].train if row in own else ()), *vars(more).get(name, {}).get(row, ()))
                verbs = language == "en" and kind in ("motion", "camera")
                texts = [_formed(text, form) if verbs else PLACEHOLDER.sub("", text) for text in said]
                found += [(text, Meaning(kind, row)) for text in dict.fromkeys(texts)]
    return found


def _formed(phrase: str, form: Callable[[str], str]) -> str:
    """Give a phrase's verb a form, as in "falling down"; up to its object, if any."""
    verb, space, after = phrase.partition("{o}")[0].strip().partition(" ")
    return form(verb) + space + after


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
