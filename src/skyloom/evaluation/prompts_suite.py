"""Whether a clip shows what its prompt says.

Five groups of prompts: new scenes of combinations seen in training, held-out combinations (actor x motion x place never
trained together), two actors, free wording (synonyms and sentence shapes that training never uses), Chinese. The last
two tell the scenes of the first in other words. A prompt speaks only of slots that are scored: scenes are of normal
speed, without events or cuts. (Some prompts about two actors also say which one is on the left: that is not scored.)

Beside the generated clip stand the floor, which is the oracle's score on the real render of the same scene, and two
trivial lines: the render of the group's next scene, and the autoencoder's reconstruction of the right render.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from skyloom.config import ClipConfig, WorldConfig
from skyloom.evaluation.oracle import Oracle
from skyloom.evaluation.oracle_clips import numbered_scenes, render_scenes
from skyloom.evaluation.samples import SampleLog
from skyloom.evaluation.scoring import asked, score
from skyloom.seeds import derive_seed
from skyloom.world.captions import caption
from skyloom.world.facts import Facts, describe_all

Generate = Callable[[list[str], list[int]], Tensor]
"""Prompts and seeds to pixels (b, 3, f, h, w) in [-1, 1]."""
Reconstruct = Callable[[Tensor], Tensor]
"""Pixels to what the autoencoder keeps of them."""
COLUMNS = ("generated", "render", "reconstruction")
SEARCH = 64
"""Scenes looked at in one go when a group's scenes are chosen."""


@dataclass(frozen=True)
class Group:
    """One kind of prompt."""

    split: str
    actors: int
    language: str = "en"
    synonyms: str = "train"


GROUPS = {
    "seen": Group("seen", 1),
    "heldout": Group("heldout", 1),
    "two": Group("seen", 2),
    "free": Group("seen", 1, synonyms="heldout"),
    "chinese": Group("seen", 1, language="zh"),
}


@dataclass(frozen=True)
class PromptsPlan:
    """What is asked, how often; reword: whether free words are told in known ones first, as for a user."""

    world: WorldConfig
    clip: ClipConfig
    count: int = 200
    seed: int = 0
    batch_size: int = 8
    reword: bool = True


@dataclass(frozen=True)
class Prompt:
    """One sample: a scene of the world and the words about it."""

    name: str
    group: str
    scene: int
    text: str
    wanted: dict
    seed: int


def world_of(plan: PromptsPlan, group: Group) -> WorldConfig:
    """Return the plan's world with the group's number of actors only."""
    two = 1.0 if group.actors == 2 else 0.0
    return replace(plan.world, two_actors=two, three_actors=0.0, event=0.0, cut=0.0)


def _fits(facts: Facts, group: Group) -> bool:
    return facts.count == group.actors and all(actor.speed == "normal" for actor in facts.actors)


def choose_prompts(plan: PromptsPlan, name: str) -> list[Prompt]:
    """Return the prompts of a group; the first n are the same for any count above n."""
    group, world, prompts = GROUPS[name], world_of(plan, GROUPS[name]), []
    first = plan.seed * 1_000_000
    while len(prompts) < plan.count:
        scenes = numbered_scenes(world, plan.clip, torch.arange(first, first + SEARCH), group.split)
        for row, facts in enumerate(describe_all(scenes)):
            if _fits(facts, group):
                prompts.append(_prompt(plan, name, group, first + row, facts))
        first += SEARCH
    return prompts[: plan.count]


def _prompt(plan: PromptsPlan, name: str, group: Group, scene: int, facts: Facts) -> Prompt:
    variant = derive_seed(plan.seed, f"prompt {name}", scene)
    text = caption(facts, group.language, "plain", variant, group.synonyms)
    seed = derive_seed(plan.seed, f"sample {name}", scene) % 2**31
    return Prompt(f"{name}/{scene}", name, scene, text, asked(facts), seed)


def measure(
    plan: PromptsPlan, prompts: list[Prompt], oracle: Oracle, generate: Generate, reconstruct: Reconstruct
) -> list[dict]:
    """Generate and read one batch of prompts of one group: one sample for each, with the readings of every column."""
    group = GROUPS[prompts[0].group]
    indices = torch.tensor([prompt.scene for prompt in prompts])
    scenes = numbered_scenes(world_of(plan, group), plan.clip, indices, group.split)
    real = render_scenes(scenes, plan.clip)
    made = generate([prompt.text for prompt in prompts], [prompt.seed for prompt in prompts])
    columns = [[r.as_dict() for r in oracle.read(clips)] for clips in (made, real, reconstruct(real))]
    samples = []
    for prompt, *readings in zip(prompts, *columns, strict=True):
        said = {"name": prompt.name, "group": prompt.group, "prompt": prompt.text, "seed": prompt.seed}
        samples.append(said | {"wanted": prompt.wanted, "readings": dict(zip(COLUMNS, readings, strict=True))})
    return samples


def run(
    plan: PromptsPlan,
    oracle: Oracle,
    generate: Generate,
    reconstruct: Reconstruct,
    log: SampleLog,
    advance: Callable[[int], None],
) -> list[dict]:
    """Measure what the log lacks and return all samples; `advance` is told how many were done."""
    wanted = [prompt for group in GROUPS for prompt in choose_prompts(plan, group)]
    samples = {sample["name"]: sample for sample in log.read()}
    left = [prompt for prompt in wanted if prompt.name not in samples]
    advance(len(wanted) - len(left))
    for group in GROUPS:
        mine = [prompt for prompt in left if prompt.group == group]
        for first in range(0, len(mine), plan.batch_size):
            fresh = measure(plan, mine[first : first + plan.batch_size], oracle, generate, reconstruct)
            log.append(fresh)
            samples |= {sample["name"]: sample for sample in fresh}
            advance(len(fresh))
    return [samples[prompt.name] for prompt in wanted]


def scores_of(samples: list[dict], group: str) -> dict[str, list[dict[str, float]]]:
    """Score a group's samples, column by column, from what is in the log; "another render" included."""
    chosen = [sample for sample in samples if sample["group"] == group]
    table = {name: [score(s["readings"][name], s["wanted"]) for s in chosen] for name in COLUMNS}
    following = chosen[1:] + chosen[:1]
    pairs = zip(chosen, following, strict=True)
    return table | {"another render": [score(other["readings"]["render"], s["wanted"]) for s, other in pairs]}
