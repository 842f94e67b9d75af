"""Which words a world says, found by listening.

A machine that trains does not need the whole vocabulary of the text encoder, only the pieces that captions,
instructions and sample prompts are split into. Scenes are told in every language and detail of the mix until many
tellings in a row bring no piece that was not heard before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from skyloom.config import WorldConfig
from skyloom.seeds import generator_for
from skyloom.training.pictures import PROMPTS
from skyloom.world.captions import caption
from skyloom.world.edits import edited
from skyloom.world.facts import describe_all
from skyloom.world.instructions import LANGUAGES, instruction
from skyloom.world.stream import World

SCENES = 500
EDITED_SHARE = 0.4


@dataclass(frozen=True)
class Heard:
    """Tellings that hold all pieces between them, how many were listened to, and how many pieces there are."""

    texts: list[str]
    tellings: int
    pieces: int


def tellings(world: WorldConfig, mix: Sequence[tuple[str, str, int]], seconds: float) -> Iterator[list[str]]:
    """Yield, without end, all that is said of a batch of training scenes: a caption of each row of `mix` and edits."""
    stream, number = World(world), 0
    while True:
        indices = torch.arange(number * SCENES, (number + 1) * SCENES)
        scenes = stream.scenes(indices, "train")
        facts = describe_all(scenes, seconds)
        variants = torch.randint(2**62, (SCENES,), generator=generator_for(world.seed, "words", number)).tolist()
        told = zip(facts, variants, strict=True)
        said = [caption(f, language, detail, v) for f, v in told for language, detail, _ in mix]
        before = scenes.select(slice(0, round(EDITED_SHARE * SCENES)))
        after, kinds = edited(before, world.seed, world, "train")
        asked = zip(facts, describe_all(after, seconds), kinds, variants, strict=False)
        said += [instruction(a, b, kind, language, v) for a, b, kind, v in asked for language in LANGUAGES]
        yield said
        number += 1


def listen(
    token_ids: Callable[[str], Sequence[int]], world: WorldConfig, mix: Sequence[tuple[str, str, int]], seconds: float,
    *, most: int = 200_000, quiet: int = 20_000,
) -> Heard:  # fmt: skip
    """Listen until `quiet` tellings in a row bring nothing new, or to `most` of them.

    token_ids: the tokenizer. seconds: length of the clips; what happens later is not told.
    """
    known: set[int] = set()
    texts, count, last_new = [], 0, 0

    def hear(text: str) -> None:
        nonlocal last_new
        new = set(token_ids(text)) - known
        if new:
            known.update(new)
            texts.append(text)
            last_new = count

    for text in ("", *PROMPTS):
        hear(text)
    stream = tellings(world, mix, seconds)
    while count < most and count - last_new < quiet:
        for text in next(stream):
            count += 1
            hear(text)
    return Heard(texts, count, len(known))
