"""Whether a law of motion was found, in range and beyond.

Three frames are shown and twenty-nine asked for. Beside the checkpoint's clips stand the floor (the real clip, read by
the same parser) and three lines that know nothing of pictures to come: the pace of the three frames carried on, the
same pace held within the trained range, and the last known frame repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from skyloom.data.phyworld import FRAME_SECONDS, KNOWN_FRAMES, NUM_FRAMES, SCENARIOS, scenario
from skyloom.data.phyworld_pictures import FULL
from skyloom.data.phyworld_questions import GROUPS, Questions, questions
from skyloom.evaluation.phyworld_parsers import published, unbiased
from skyloom.evaluation.phyworld_scores import errors, truths
from skyloom.evaluation.samples import SampleLog
from skyloom.evaluation.strips import save_strip
from skyloom.pipelines.phyworld import Continuer, rendered
from skyloom.seeds import derive_seed

PARSERS = {"published": published, "unbiased": unbiased}
SIZES = {"published": FULL, "unbiased": 64}
LINES = ("real clip", "pace of three frames", "that pace, within the trained range", "last frame repeated")


@dataclass(frozen=True)
class PhyWorldAsked:
    """What is asked, how often: `count` clips of each group of each scenario."""

    scenarios: tuple[str, ...] = tuple(SCENARIOS)
    count: int = 200
    seed: int = 0
    batch_size: int = 4


def carried_on(name: str, places: Tensor, clamp: bool) -> Tensor:
    """Carry three frames' places (b, 3, k, 2) on at their mean pace, (b, NUM_FRAMES, k, 2).

    Gravity is not known to it, nor another disc. clamp: hold the pace along x within the scenario's trained speeds.
    """
    pace = (places[:, -1] - places[:, 0]) / ((KNOWN_FRAMES - 1) * FRAME_SECONDS)
    if clamp:
        low, high = scenario(name).speed
        speed = pace[..., 0]
        sign = torch.tensor([1.0, -1.0])[: speed.shape[1]]
        pace = torch.stack([sign * (sign * speed).clamp(low, high), pace[..., 1]], -1)
    since = (torch.arange(NUM_FRAMES) - (KNOWN_FRAMES - 1)) * FRAME_SECONDS
    return places[:, -1:] + pace[:, None] * since[:, None, None]


def lines(asked: Questions, parser: str) -> dict[str, Tensor]:
    """Return the places (b, f, k, 2) that the floor and the trivial lines come to."""
    discs = asked.motion.radius.shape[1]
    real = PARSERS[parser](rendered(asked.motion, SIZES[parser], NUM_FRAMES), discs)
    known = real[:, :KNOWN_FRAMES]
    return {
        "real clip": real,
        "pace of three frames": carried_on(asked.name, known, clamp=False),
        "that pace, within the trained range": carried_on(asked.name, known, clamp=True),
        "last frame repeated": known[:, -1:].expand_as(real),
    }


def measure(plan: PhyWorldAsked, asked: Questions, group: str, model: Continuer | None, out: Path) -> list[dict]:
    """Ask one batch of clips: one sample for each, with the errors by parser and line."""
    seen = {parser: lines(asked, parser) for parser in PARSERS}
    if model is not None:
        real = rendered(asked.motion, model.codec.size, NUM_FRAMES)
        seeds = [derive_seed(plan.seed, f"phyworld {asked.name}", number) for number in asked.numbers]
        made = model.generate(real[:, :, :KNOWN_FRAMES], seeds)
        for parser, read in PARSERS.items():
            seen[parser]["checkpoint"] = read(made, real_discs(asked))
        for row, number in enumerate(asked.numbers):
            save_strip(out, "phyworld", f"{asked.name}/{group}/{number}", torch.stack([real[row], made[row]]))
    return [_sample(asked, group, row, seen) for row in range(len(asked))]


def real_discs(asked: Questions) -> int:
    """Return how many discs a clip has."""
    return asked.motion.radius.shape[1]


def _sample(asked: Questions, group: str, row: int, seen: dict[str, dict[str, Tensor]]) -> dict:
    truth = truths(asked.motion.select(slice(row, row + 1)))[0]
    found = {parser: {line: errors(p[row], truth) for line, p in read.items()} for parser, read in seen.items()}
    name = f"{asked.name}/{group}/{asked.numbers[row]}"
    return {"name": name, "scenario": asked.name, "group": group, "kind": asked.kinds[row], "errors": found}


def run(
    plan: PhyWorldAsked, model: Continuer | None, log: SampleLog, out: Path, advance: Callable[[int], None]
) -> list[dict]:
    """Measure what the log lacks and return all samples; `advance` is told how many were done."""
    samples = {sample["name"]: sample for sample in log.read()}
    order = []
    for name in plan.scenarios:
        for group in GROUPS:
            asked = questions(name, group, plan.count, plan.seed)
            names = [f"{name}/{group}/{number}" for number in asked.numbers]
            order += names
            left = [row for row, said in enumerate(names) if said not in samples]
            advance(len(names) - len(left))
            for first in range(0, len(left), plan.batch_size):
                rows = left[first : first + plan.batch_size]
                fresh = measure(plan, asked.select(rows), group, model, out)
                log.append(fresh)
                samples |= {sample["name"]: sample for sample in fresh}
                advance(len(fresh))
    return [samples[name] for name in order]
