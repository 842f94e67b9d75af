"""Whether every task does what it says.

One checkpoint, one canvas, many tasks: each row of this suite tries one of them on held-out worlds and gives numbers
with known truth beside them. Rows are measured case by case and logged, so that a stopped run goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from skyloom.evaluation import tasks_suite_control, tasks_suite_edits, tasks_suite_joins, tasks_suite_masks
from skyloom.evaluation.samples import SampleLog
from skyloom.evaluation.task_bench import Bench, Row

ROWS: dict[str, Row] = {
    **tasks_suite_joins.ROWS,
    **tasks_suite_masks.ROWS,
    **tasks_suite_edits.ROWS,
    **tasks_suite_control.ROWS,
}


def steps_of(count: int, rows: dict[str, Row] = ROWS) -> int:
    """Return how many clips a run makes."""
    return sum(row.cases(count) * row.clips for row in rows.values())


def run(
    bench: Bench, log: SampleLog, advance: Callable[[int], None], rows: dict[str, Row] = ROWS
) -> list[dict[str, Any]]:
    """Measure what the log lacks and return all samples; `advance` is told how many clips were done."""
    samples = {sample["name"]: sample for sample in log.read()}
    wanted = []
    for name, row in rows.items():
        numbers = range(row.cases(bench.plan.count))
        wanted += [f"{name}/{number}" for number in numbers]
        left = [number for number in numbers if f"{name}/{number}" not in samples]
        advance((len(numbers) - len(left)) * row.clips)
        for first in range(0, len(left), bench.plan.batch_size):
            chosen = left[first : first + bench.plan.batch_size]
            found = zip(chosen, row.measure(bench, chosen), strict=True)
            fresh = [{"name": f"{name}/{number}", "row": name, "values": values} for number, values in found]
            log.append(fresh)
            samples |= {sample["name"]: sample for sample in fresh}
            advance(len(chosen) * row.clips)
    return [samples[name] for name in wanted]
