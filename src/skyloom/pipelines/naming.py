"""Whose box is whose: the actors that a prompt names, in its order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from skyloom.models.names import name_features
from skyloom.models.text_encoder import TextFeatures
from skyloom.world.matching import find


def actors_named(prompt: str, count: int | None = None) -> list[str]:
    """Return the world's names of the actors in a prompt, each once, in the order in which it speaks of them.

    count: how many of the first actors are known, None for all.
    """
    return list(dict.fromkeys(match.meaning.name for match in find(prompt, count) if match.meaning.kind == "actor"))


def names_of(
    encode: Callable[[Sequence[str]], TextFeatures], prompts: Sequence[str], slots: int, count: int | None = None
) -> Tensor | None:
    """Return the features (b, slots, d) of the first actors of each prompt, zeros for none; None without any.

    encode: the text encoder. count: as in `actors_named`.
    """
    told = [actors_named(prompt, count)[:slots] for prompt in prompts]
    words = list(dict.fromkeys(name for names in told for name in names))
    if not words:
        return None
    features = encode(words)
    table = name_features(features.embeds.cpu(), features.mask.cpu()).float()
    names = torch.zeros(len(prompts), slots, table.shape[1])
    for row, found in enumerate(told):
        for slot, name in enumerate(found):
            names[row, slot] = table[words.index(name)]
    return names
