"""Two reports side by side, sample by sample.

Where both hold the same sample (the same prompt and seed, the same clip), the difference is taken within it, and the
interval is that of the mean of these differences: what two checkpoints share cancels.
"""

from __future__ import annotations

from pathlib import Path

from skyloom.errors import InvalidArgument
from skyloom.evaluation.figures import read_suite, sample_group, sample_scores
from skyloom.evaluation.metrics import bootstrap_interval
from skyloom.evaluation.report import Report, Table


def suite_names(folder: Path) -> list[str]:
    """Return the suites whose samples a report folder holds. Raises InvalidArgument for a folder without any."""
    names = sorted(path.stem for path in folder.glob("*.jsonl"))
    if not names:
        raise InvalidArgument("report", str(folder), "be a folder that `skyloom evaluate --out` wrote")
    return names


def differences(first: dict[str, dict], second: dict[str, dict]) -> dict[tuple[str, str], list[tuple[float, float]]]:
    """Return pairs of numbers of samples that both hold, by (group, measure).

    Measures that are the same in every sample (floors, trivial lines) are left out, unless all are.
    """
    pairs: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for name in first.keys() & second.keys():
        ours, theirs = sample_scores(first[name]), sample_scores(second[name])
        for measure in ours.keys() & theirs.keys():
            pairs.setdefault((sample_group(first[name]), measure), []).append((ours[measure], theirs[measure]))
    changed = {key: values for key, values in pairs.items() if any(a != b for a, b in values)}
    return dict(sorted((changed or pairs).items()))


def suite_table(suite: str, first: dict[str, dict], second: dict[str, dict], seed: int = 0) -> tuple[Table, dict]:
    """Return the table of one suite, and its numbers."""
    rows, numbers = [], {}
    for (group, measure), pairs in differences(first, second).items():
        ours, theirs = (sum(values) / len(pairs) for values in zip(*pairs, strict=True))
        low, high = bootstrap_interval([b - a for a, b in pairs], seed)
        sure = "" if low <= 0 <= high else "yes"
        label = f"{group}: {measure}" if group else measure
        change, interval = f"{theirs - ours:+.4g}", f"{low:+.4g} to {high:+.4g}"
        rows.append([label, f"{ours:.4g}", f"{theirs:.4g}", change, interval, sure, str(len(pairs))])
        numbers[label] = {"a": ours, "b": theirs, "low": low, "high": high, "samples": len(pairs)}
    header = ["", "A", "B", "B - A", "95 % of the difference", "beyond chance", "samples"]
    note = "Differences within the same sample; intervals by resampling samples."
    return Table(f"{suite}: A and B", header, rows, note), numbers


def compare(first: Path, second: Path, seed: int = 0) -> Report:
    """Compare two report folders. Raises InvalidArgument when they share no suite."""
    shared = [name for name in suite_names(first) if name in suite_names(second)]
    if not shared:
        raise InvalidArgument("report", str(second), f"hold one of {', '.join(suite_names(first))}")
    report = Report({"A": str(first), "B": str(second), "seed": seed})
    for name in shared:
        table, numbers = suite_table(name, *(read_suite(folder / f"{name}.jsonl") for folder in (first, second)), seed)
        report.tables.append(table)
        report.numbers[name] = numbers
    return report
