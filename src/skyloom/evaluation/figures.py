"""Which samples of a report are worth a look: best, median, worst."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from skyloom.errors import CheckpointError
from skyloom.evaluation.scoring import score
from skyloom.evaluation.strips import ranked, strip_path

IDENTITY = ("name", "scene", "seed", "kind")
RANKED_BY = {
    "prompts": ("all", True),
    "phyworld": ("errors.unbiased.checkpoint.speed", False),
    "moving-mnist": ("errors.checkpoint", False),
    "marks": ("values.made.right", True),
    "permanence": ("values.made.right", True),
}
"""Suite to the number its strips are ranked by, and whether most is best."""
SAME_SEEDS = "same-seeds.webp"
"""Clips of the same seeds by several runs."""


@dataclass(frozen=True)
class Figure:
    """A strip to show: its file and what it is."""

    path: Path
    caption: str


def sample_scores(sample: dict) -> dict[str, float]:
    """Return all numbers of one sample, by dotted name; readings of prompts are scored."""
    if "readings" in sample:
        return score(sample["readings"]["generated"], sample["wanted"])
    return _leaves({key: value for key, value in sample.items() if key not in IDENTITY})


def _leaves(values: dict, prefix: str = "") -> dict[str, float]:
    found: dict[str, float] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            found |= _leaves(value, f"{prefix}{key}.")
        elif isinstance(value, int | float):
            found[prefix + key] = float(value)
    return found


def sample_group(sample: dict) -> str:
    """Return the part of its suite that a sample belongs to, "" where there is one part only."""
    return ", ".join(str(sample[key]) for key in ("scenario", "group", "task", "row") if key in sample)


def read_suite(path: Path) -> dict[str, dict]:
    """Read a suite's samples by name; samples without one are numbered. Raises CheckpointError."""
    try:
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()[1:]]
    except ValueError as error:
        raise CheckpointError(f"{path} is damaged: {error}") from error
    return {str(line.get("name", line.get("scene", number))): line for number, line in enumerate(lines)}


def strip_name(sample: dict) -> str:
    """Return the name that a sample's strip is kept under: a prompt's clip goes by its seed."""
    return str(sample["seed"] if "prompt" in sample else sample.get("name", ""))


def figures_of(folder: Path) -> dict[str, list[Figure]]:
    """Return the strips of the best, the median and the worst sample of every group of every suite that keeps some."""
    found: dict[str, list[Figure]] = {}
    for suite, (measure, most_is_best) in RANKED_BY.items():
        log = folder / f"{suite}.jsonl"
        samples = read_suite(log) if log.exists() else {}
        for group in dict.fromkeys(map(sample_group, samples.values())):
            scores = {name: _rank(s, measure) for name, s in samples.items() if sample_group(s) == group}
            kept = {name: strip_path(folder, suite, strip_name(sample)) for name, sample in samples.items()}
            usable = {name: value for name, value in scores.items() if value is not None and kept[name].exists()}
            for place, name in ranked(usable, most_is_best).items():
                words = samples[name].get("prompt") or f"truth above, made below ({name})"
                caption = f"{place} of {group or suite}: {words} [{measure} {usable[name]:.3g}]"
                found.setdefault(suite, []).append(Figure(kept[name], caption))
    if (folder / SAME_SEEDS).exists():
        found["scaling"] = [Figure(folder / SAME_SEEDS, "the same prompts and seeds, a column for each run")]
    return found


def _rank(sample: dict, measure: str) -> float | None:
    """Return the number a sample is ranked by; ties of prompts go by the share of slots that are right."""
    scores = sample_scores(sample)
    if measure not in scores:
        return None
    rest = [value for name, value in scores.items() if name not in (measure, "order")]
    return scores[measure] + (sum(rest) / len(rest) / 100 if measure == "all" and rest else 0.0)
