"""Whether free wordings are understood: no video, only words.

Scenes are told in words that training never uses, reworded, and read back with the world's own lists of known phrases.
A slot of a sample is right when its names come in the order of the scene's: of two actors, each with its own motion.
Beside the held-out wordings stand sentences of paraphrases that were written to tune the rewording.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch

from skyloom.config import ClipConfig, WorldConfig
from skyloom.evaluation import paraphrases
from skyloom.evaluation.oracle_clips import numbered_scenes
from skyloom.evaluation.prompts_suite import Group, PromptsPlan, world_of
from skyloom.evaluation.report import Table
from skyloom.evaluation.scoring import USUAL
from skyloom.pipelines.wording import Wording
from skyloom.seeds import derive_seed
from skyloom.world.actors import article_for
from skyloom.world.captions import caption
from skyloom.world.chinese import classifier
from skyloom.world.facts import Facts, describe_all
from skyloom.world.grammar import present_participle, third_person
from skyloom.world.matching import find

GROUPS = {
    "free": Group("seen", 1, synonyms="heldout"),
    "free, two actors": Group("seen", 2, synonyms="heldout"),
    "free, Chinese": Group("seen", 1, language="zh", synonyms="heldout"),
}
SLOTS = ("actor", "motion", "direction", "place", "weather", "camera", "style")
GROUP_COUNT = len(GROUPS) + 2
SEARCH = 64
Wanted = dict[str, list[str]]
"""What a text says: slot to names, in order; a slot of which nothing is said is left out."""


@dataclass(frozen=True)
class Telling:
    """A text and what it says."""

    text: str
    wanted: Wanted


def heard(text: str, actors: int) -> Wanted:
    """Return what the known phrases of a text say, each name once where it is repeated at once."""
    said: Wanted = {}
    for match in find(text, actors):
        names = said.setdefault(match.meaning.kind, [])
        if not names or names[-1] != match.meaning.name:
            names.append(match.meaning.name)
    return {slot: said[slot] for slot in SLOTS if slot in said}


def _once(names: Iterable[str | None]) -> list[str]:
    told = [name for name in names if name]
    return [name for k, name in enumerate(told) if k == 0 or told[k - 1] != name]


def asked_of(facts: Facts) -> Wanted:
    """Return what a caption of these facts says; actors that do the same are told together."""
    same = facts.count == 2 and len({(a.motion, a.direction, a.speed) for a in facts.actors}) == 1
    doing = facts.actors[:1] if same or facts.partner_as_usual else facts.actors
    usual = {name: [getattr(facts, name)] for name in USUAL if getattr(facts, name) != USUAL[name]}
    said = {
        "actor": _once(actor.name for actor in facts.actors),
        "motion": _once(actor.motion for actor in doing),
        "direction": _once(actor.direction for actor in doing),
        "place": [facts.place],
        **usual,
    }
    return {slot: names for slot, names in said.items() if names}


def tellings(plan: PromptsPlan, group: Group, name: str) -> list[Telling]:
    """Tell `plan.count` scenes of a group, those of the prompts suite where it has the group too."""
    world, found, first = world_of(plan, group), [], plan.seed * 1_000_000
    while len(found) < plan.count:
        scenes = numbered_scenes(world, plan.clip, torch.arange(first, first + SEARCH), group.split)
        for row, facts in enumerate(describe_all(scenes)):
            if facts.count == group.actors and all(actor.speed == "normal" for actor in facts.actors):
                variant = derive_seed(plan.seed, f"prompt {name}", first + row)
                text = caption(facts, group.language, "plain", variant, group.synonyms)
                found.append(Telling(text, asked_of(facts)))
        first += SEARCH
    return found[: plan.count]


def paraphrased(count: int, language: str, seed: int = 0) -> list[Telling]:
    """Return sentences of one actor in the paraphrases' own words and shapes."""
    rng = random.Random(seed)
    return [_paraphrased(rng, language) for _ in range(count)]


def _paraphrased(rng: random.Random, language: str) -> Telling:
    table = paraphrases.ENGLISH if language == "en" else paraphrases.CHINESE
    wanted: Wanted = {}

    def said(kind: str) -> str:
        name = rng.choice(list(table[kind]))
        wanted[kind] = [name]
        return rng.choice(table[kind][name])

    actor, motion, place = said("actor"), said("motion"), said("place")
    if wanted["motion"][0] in ("walk", "run", "roll", "fly") and rng.random() < 0.5:
        motion = f"{motion} {said('direction')}" if language == "en" else said("direction") + motion
    more = ""
    comma = ", " if language == "en" else "，"
    if rng.random() < 0.25:
        more += comma + said("weather")
    if rng.random() < 0.25:
        camera = said("camera")
        more += rng.choice(paraphrases.CAMERA_FRAMES[language]).format(verb=_form(camera, third_person, language))
    if rng.random() < 0.25:
        more += rng.choice(paraphrases.STYLE_FRAMES[language]).format(style=said("style"))
    actor = f"{article_for(actor)} {actor}" if language == "en" else "一" + classifier(actor, "animal") + actor
    frame = rng.choice(paraphrases.FRAMES[language])
    text = frame.format(actor=actor, motion=_form(motion, present_participle, language), place=place, more=more)
    return Telling(text, wanted)


def _form(phrase: str, form: Callable[[str], str], language: str) -> str:
    verb, space, after = phrase.partition(" ")
    return phrase if language == "zh" else form(verb) + space + after


def shares(told: list[Telling], texts: list[str], actors: int) -> dict[str, tuple[float, int]]:
    """Return for each slot the share of texts that say it right, and of how many."""
    result = {}
    for slot in SLOTS:
        rights = [
            heard(text, actors).get(slot) == telling.wanted[slot]
            for telling, text in zip(told, texts, strict=True)
            if slot in telling.wanted
        ]
        if rights:
            result[slot] = (sum(rights) / len(rights), len(rights))
    return result


@dataclass(frozen=True)
class Result:
    """What is understood of a group as it was told, and after rewording."""

    group: str
    before: dict[str, tuple[float, int]]
    after: dict[str, tuple[float, int]]


def told_groups(world: WorldConfig, clip: ClipConfig, count: int, seed: int = 0) -> dict[str, list[Telling]]:
    """Return every group's tellings."""
    plan = PromptsPlan(world, clip, count, seed)
    told = {name: tellings(plan, group, name) for name, group in GROUPS.items()}
    return told | {f"paraphrases, {language}": paraphrased(count, language, seed) for language in ("en", "zh")}


def run(wording: Wording, told: dict[str, list[Telling]], advance: Callable[[int], None]) -> list[Result]:
    """Measure every group; `advance` is told how many were done."""
    results = []
    for name, group in told.items():
        texts = [telling.text for telling in group]
        reworded = []
        for text in texts:
            reworded.append(wording.reword(text).text)
            advance(1)
        before, after = (shares(group, said, wording.actors) for said in (texts, reworded))
        results.append(Result(name, before, after))
    return results


def table_of(results: list[Result]) -> Table:
    """Return slots by groups: what is understood after rewording, and before."""
    rows = [[slot, *(_cell(result, slot) for result in results)] for slot in SLOTS]
    note = "Share of texts that say the slot right, read by the known phrases: reworded (as told). No video is made."
    return Table("Wording", ["slot", *(result.group for result in results)], rows, note)


def _cell(result: Result, slot: str) -> str:
    if slot not in result.after:
        return ""
    after, before = result.after[slot], result.before[slot]
    return f"{after[0]:.2f} ({before[0]:.2f}) of {after[1]}"
