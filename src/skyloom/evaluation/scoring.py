"""Readings against what was asked.

Only what a prompt says is scored. Actors are matched to readings so that most names agree; motion and direction then
belong to the matched actor. The score of a slot that several actors have is the share of them that are right. "all" is
1 when every slot that was asked for is right, and 0 otherwise. "order" is 1 when the frames look like frames in their
order in time, which every clip should and no prompt says, so it stands outside of "all".
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

from skyloom.evaluation.metrics import bootstrap_interval
from skyloom.world.facts import Facts

SLOT_NAMES = ("count", "actor", "motion", "direction", "place", "weather", "camera", "style")
USUAL = {"weather": "clear", "camera": "still", "style": "3d render"}
"""What a plain caption leaves unsaid."""


@dataclass(frozen=True)
class Score:
    """Mean of one slot over samples, with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float
    samples: int


def asked(facts: Facts, unsaid: dict[str, str] = USUAL) -> dict:
    """Return what a plain caption of these facts asks for, as JSON values; `unsaid` values are not asked for."""
    actors = [{"name": a.name, "motion": a.motion, "direction": a.direction} for a in facts.actors]
    said = {name: getattr(facts, name) for name in USUAL if getattr(facts, name) != unsaid.get(name)}
    return {"count": facts.count, "actors": actors, "place": facts.place, **said}


def score(reading: dict, wanted: dict) -> dict[str, float]:
    """Compare one reading (`Reading.as_dict`) to what was asked: slot name to a value in [0, 1], and "all"."""
    result = {"count": float(reading["count"] == wanted["count"])}
    result |= _score_actors(reading["actors"], wanted["actors"])
    for name in ("place", "weather", "camera", "style"):
        if name in wanted:
            result[name] = float(reading[name] == wanted[name])
    return result | {"all": float(all(value == 1 for value in result.values())), "order": float(reading["in_order"])}


def _score_actors(seen: Sequence[dict], wanted: Sequence[dict]) -> dict[str, float]:
    """Try every assignment of readings to the actors that were asked for; keep the best."""
    padded = [*seen, *[None] * max(0, len(wanted) - len(seen))]
    options = (_score_pairs(list(zip(chosen, wanted, strict=True))) for chosen in permutations(padded, len(wanted)))
    return max(options, key=lambda option: (option["actor"], option["motion"], option.get("direction", 1.0)))


def _score_pairs(pairs: list[tuple[dict | None, dict]]) -> dict[str, float]:
    """Score actors that are matched already; None stands for an actor that was not seen."""
    result = {"actor": _share([s is not None and s["name"] == w["name"] for s, w in pairs])}
    result["motion"] = _share([s is not None and s["motion"] == w["motion"] for s, w in pairs])
    directed = [(s, w) for s, w in pairs if w["direction"]]
    if directed:
        result["direction"] = _share([s is not None and s["direction"] == w["direction"] for s, w in directed])
    return result


def _share(values: list[bool]) -> float:
    return sum(values) / len(values)


def summed_up(values: Sequence[float], seed: int = 0, statistic: str = "mean") -> Score | None:
    """Return mean or median of some numbers with its interval; None for none."""
    if not values:
        return None
    middle = statistics.median(values) if statistic == "median" else sum(values) / len(values)
    return Score(middle, *bootstrap_interval(list(values), seed, statistic=statistic), len(values))


def summarise(scores: list[dict[str, float]], seed: int = 0) -> dict[str, Score]:
    """Average samples slot by slot; a slot counts the samples that asked for it."""
    table = {}
    for name in (*SLOT_NAMES, "all", "order"):
        found = summed_up([sample[name] for sample in scores if name in sample], seed)
        if found:
            table[name] = found
    return table
