"""How well motions are read in sentences, of paraphrases that were written to tune rewording by.

python scripts/wording_motions.py     about half a minute on one core
"""

from __future__ import annotations

import random

import torch

from skyloom.evaluation.paraphrases import TUNING_MOTIONS
from skyloom.evaluation.wording_suite import heard
from skyloom.models.text_encoder import load_text_encoder
from skyloom.pipelines.known_phrases import participle
from skyloom.pipelines.wording import Wording
from skyloom.presets import NANO
from skyloom.world.actors import article_for
from skyloom.world.grammar import third_person
from skyloom.world.vocabulary import MOTIONS

SHAPES = ("{a} is {ing} {place}", "{a} {third} {place}", "we see {a} {ing} {place}", "{place}, {a} is {ing}")
ACTORS = ("dog", "cat", "car", "robot", "balloon", "apple", "dancer", "rocket")
PLACES = ("in a meadow", "on the beach", "in the city", "in a kitchen", "on a stage")
EACH, SEED = 2, 3


def sentences() -> list[tuple[str, str]]:
    """Return sentences, and the motion that each says."""
    rng, found = random.Random(SEED), []
    for motion, phrases in TUNING_MOTIONS.items():
        for verb, space, after in (phrase.partition(" ") for phrase in phrases):
            for _ in range(EACH):
                actor = rng.choice(ACTORS)
                ing, third = (form(verb) + space + after for form in (participle, third_person))
                said = {"a": f"{article_for(actor)} {actor}", "ing": ing, "third": third, "place": rng.choice(PLACES)}
                found.append((rng.choice(SHAPES).format(**said), motion))
    return found


def main() -> None:
    """Print each sentence that is misread, and the share that is not."""
    torch.set_num_threads(1)
    wording, told = Wording(load_text_encoder(), NANO.world.actors, NANO.world.motions or MOTIONS), sentences()
    wrong = 0
    for text, motion in told:
        reworded = wording.reword(text).text
        if heard(reworded, wording.actors).get("motion") != [motion]:
            wrong += 1
            print(f"{motion}: {text} => {reworded}")
    print(f"{1 - wrong / len(told):.3f} of {len(told)} sentences say their motion")


if __name__ == "__main__":
    main()
