"""Rows of the tasks and minute suites turned into tables."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from skyloom.evaluation.report import Table, score_text
from skyloom.evaluation.scoring import Score, summed_up
from skyloom.evaluation.task_bench import Goal, Subject

LINES = {
    "made": "made",
    "render": "floor: the real render",
    "autoencoder": "autoencoder of the render",
}
"""Headers of the lines that are not named as they read."""
LEGEND = (
    "Means (or medians, where said) with 95 % bootstrap intervals. pinned, gap, outside: dB; gap is what the "
    "autoencoder alone is better by. seam: the step across the seam over the median step elsewhere; jump: the largest "
    "step of what was made over the median. colour, distance, apart: shares of the range of colours."
)


def statistic_of(row: Subject, measure: str) -> str:
    """Return how a measure's values are summed up: by the goal's statistic, else the mean."""
    return next((goal.statistic for goal in row.goals if goal.measure == measure), "mean")


def collect(samples: Sequence[Mapping[str, Any]], row: Subject, seed: int) -> dict[str, dict[str, Score]]:
    """Return scores by line and measure."""
    values: dict[str, dict[str, list[float]]] = {}
    for sample in samples:
        for line, measures in sample["values"].items():
            for name, value in measures.items():
                values.setdefault(line, {}).setdefault(name, []).append(value)
    return {
        line: {name: score for name, v in measures.items() if (score := summed_up(v, seed, statistic_of(row, name)))}
        for line, measures in values.items()
    }


def reached(goal: Goal, score: Score | None) -> bool | None:
    """Tell whether a goal is reached; None where nothing was measured."""
    if score is None:
        return None
    return score.mean <= goal.value if goal.relation == "<=" else score.mean >= goal.value


def row_table(row: Subject, scores: Mapping[str, Mapping[str, Score]]) -> Table:
    """Return measures against lines."""
    measures = list(dict.fromkeys(name for found in scores.values() for name in found))
    rows = []
    for name in measures:
        label = name if statistic_of(row, name) == "mean" else f"{name} (median)"
        counts = [found[name].samples for found in scores.values() if name in found]
        rows.append([label, *(score_text(found.get(name)) for found in scores.values()), str(max(counts))])
    header = ["measure", *(LINES.get(line, line) for line in scores), "samples"]
    return Table(row.title[0].upper() + row.title[1:], header, rows, row.note)


def goals_table(
    title: str, rows: Mapping[str, Subject], scores: Mapping[str, Mapping[str, Mapping[str, Score]]]
) -> Table:
    """Return every goal with what was reached."""
    lines = []
    for name, row in rows.items():
        for goal in row.goals:
            score = scores.get(name, {}).get("made", {}).get(goal.measure)
            met = {True: "yes", False: "no", None: "not measured"}[reached(goal, score)]
            label = goal.measure if goal.statistic == "mean" else f"{goal.measure} ({goal.statistic})"
            wanted = f"{goal.relation} {goal.value:g}"
            lines.append([row.title, label, score_text(score), wanted, met, str(score.samples if score else 0)])
    return Table(title, ["task", "measure", "made", "goal", "reached", "samples"], lines, LEGEND)


def over_time_table(samples: Sequence[Mapping[str, Any]], seconds: float, bins: int = 6) -> Table:
    """Return what becomes of each measure over a long video: means over equal parts of it."""
    series = [sample["over time"] for sample in samples]
    rows = []
    for name in series[0]:
        parts = [[] for _ in range(bins)]
        for one in series:
            for place, value in enumerate(one[name]):
                parts[place * bins // len(one[name])].append(value)
        rows.append([name, *(f"{statistics.fmean(part):.3f}" if part else "" for part in parts)])
    edges = [f"{seconds * k / bins:.0f}-{seconds * (k + 1) / bins:.0f} s" for k in range(bins)]
    note = f"Means over {len(samples)} videos, read clip by clip. as at first: the actor is named as in the first clip."
    return Table("Over time", ["measure", *edges], rows, note)


def row_tables(
    title: str, rows: Mapping[str, Subject], samples: Sequence[Mapping[str, Any]], seed: int
) -> tuple[list[Table], dict]:
    """Return the goals, one table for each row, and all numbers."""
    scores = {
        name: collect([sample for sample in samples if sample["row"] == name], row, seed) for name, row in rows.items()
    }
    tables = [goals_table(title, rows, scores), *(row_table(row, scores[name]) for name, row in rows.items())]
    numbers = {
        name: {line: {measure: asdict(score) for measure, score in found.items()} for line, found in lines.items()}
        for name, lines in scores.items()
    }
    return tables, numbers
