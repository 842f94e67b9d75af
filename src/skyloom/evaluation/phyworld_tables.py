"""PhyWorld's table: floors, lines, the published models, ours."""

from __future__ import annotations

from dataclasses import asdict

from skyloom.data.phyworld_questions import GROUPS
from skyloom.evaluation.phyworld_scores import MEASURES
from skyloom.evaluation.phyworld_suite import LINES, PARSERS
from skyloom.evaluation.report import Table
from skyloom.evaluation.scoring import Score, summed_up

SIZES_PUBLISHED = ("30k", "300k", "3M")
PUBLISHED_FLOORS = {"uniform": 0.0099, "collision": 0.0117, "parabola": 0.0210}
PUBLISHED = {
    "uniform": {
        "DiT-S 22.5M": ((0.0221, 0.0184, 0.0149), (0.435, 0.293, 0.288)),
        "DiT-B 89.5M": ((0.0166, 0.0148, 0.0138), (0.433, 0.328, 0.358)),
        "DiT-L 310M": ((0.0150, 0.0140, 0.0124), (0.378, 0.385, 0.427)),
    },
    "collision": {
        "DiT-S 22.5M": ((0.0267, 0.0241, 0.0227), (0.187, 0.200, 0.153)),
        "DiT-B 89.5M": ((0.0302, 0.0193, 0.0181), (0.241, 0.166, 0.211)),
        "DiT-L 310M": ((0.0240, 0.0158, 0.0153), (0.270, 0.173, 0.161)),
    },
    "parabola": {
        "DiT-S 22.5M": ((0.0509, 0.0493, 0.0472), (0.307, 0.285, 0.307)),
        "DiT-B 89.5M": ((0.0430, 0.0381, 0.0358), (0.317, 0.376, 0.288)),
        "DiT-L 310M": ((0.0379, 0.0345, 0.0331), (0.314, 0.352, 0.338)),
    },
}
"""Velocity errors of arXiv 2411.02385, after 100k steps of batch 256 on 32 A100: in range, out of range."""
HEADER = ["", "in range", "out of range", "in, unbiased", "out, unbiased"]
NOTE = (
    "Error of the mean speed along x in world units a second, with 95 % bootstrap intervals. The first two columns use "
    "the published parser at 256 x 256, and stand beside the published numbers; the others a soft-mask centre of mass "
    "at 64 x 64."
)
FURTHER = [
    "", "place x, in", "place x, out", "place y, in", "place y, out", "each frame, in", "each frame, out", "lost, out",
]  # fmt: skip
FURTHER_NOTE = (
    "Place: mean over frames of the distance along x and y, published parser (the published parabola figures fit this "
    "error of x, not one of speed). Each frame: mean error of each frame's own speed, unbiased parser. Lost: share of "
    "frames in which a disc can't be seen."
)


def four(score: Score | None) -> str:
    """Write a score to four places, with its interval."""
    if score is None:
        return ""
    return f"{score.mean:.4f} ({score.low:.4f}-{score.high:.4f})".replace("0.", ".")


def means(samples: list[dict], seed: int) -> dict:
    """Return the mean of every measure by line, group, parser, and within "out of range" by what is out."""
    table: dict = {}
    rows = [line for line in (*LINES, "checkpoint") if line in samples[0]["errors"]["published"]]
    kinds = {kind: [s for s in samples if s["kind"] == kind] for kind in ("radius", "speed", "both", "at rest")}
    parts = {group: [s for s in samples if s["group"] == group] for group in GROUPS} | kinds
    for line in rows:
        for part, chosen in parts.items():
            for parser in PARSERS:
                found = [s["errors"][parser][line] for s in chosen if s["errors"][parser][line]]
                scores = {m: summed_up([f[m] for f in found], seed) for m in MEASURES}
                table.setdefault(line, {}).setdefault(part, {})[parser] = scores
    return table


def phyworld_tables(samples: list[dict], about: dict, seed: int) -> tuple[list[Table], dict]:
    """Return three tables for each scenario (itself, by what is out of range, places), and all numbers."""
    tables, numbers = [], {}
    for name in PUBLISHED:
        chosen = [sample for sample in samples if sample["scenario"] == name]
        if chosen:
            found = means(chosen, seed)
            tables += [_main(name, found, about, len(chosen)), _by_kind(name, found), _further(name, found)]
            numbers[name] = _plain(found)
    return tables, numbers | {"checkpoint": about}


def _plain(found: dict) -> dict:
    if isinstance(found, dict):
        return {key: _plain(value) for key, value in found.items()}
    return found and asdict(found)


def _main(name: str, found: dict, about: dict, count: int) -> Table:
    rows = []
    for line, parts in found.items():
        cells = [parts[group][parser]["speed"] for parser in PARSERS for group in GROUPS]
        rows.append([line, *(four(cell) for cell in cells)])
    rows.append(["published floor", f"{PUBLISHED_FLOORS[name]:.4f}".lstrip("0"), *[""] * 3])
    for model, (inner, outer) in PUBLISHED[name].items():
        for size, within, beyond in zip(SIZES_PUBLISHED, inner, outer, strict=True):
            texts = (f"{within:.4f}".lstrip("0"), f"{beyond:.3f}".lstrip("0"))
            rows.append([f"{model}, {size} (published)", *texts, "", ""])
    said = " Checkpoint: " + "; ".join(f"{key}: {value}" for key, value in about.items()) + "." if about else ""
    return Table(f"PhyWorld: {name}", HEADER, rows, f"{count} clips. {NOTE}{said}")


def _further(name: str, found: dict) -> Table:
    columns = [("published", "place_x"), ("published", "place_y"), ("unbiased", "frame_speed")]
    rows = []
    for line, parts in found.items():
        cells = [parts[group][parser][measure] for parser, measure in columns for group in GROUPS]
        rows.append([line, *(four(cell) for cell in (*cells, parts[GROUPS[1]]["unbiased"]["lost"]))])
    return Table(f"PhyWorld: {name}, places and single frames", FURTHER, rows, FURTHER_NOTE)


def _by_kind(name: str, found: dict) -> Table:
    kinds = ("radius", "speed", "both", "at rest")
    rows = [[line, *(four(parts[kind]["unbiased"]["speed"]) for kind in kinds)] for line, parts in found.items()]
    note = "Error of the mean speed, unbiased parser, by what lies out of the trained range."
    return Table(f"PhyWorld: {name}, out of range", ["", *kinds], rows, note)
