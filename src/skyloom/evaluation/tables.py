"""Samples of each suite turned into tables."""

from __future__ import annotations

import statistics
from dataclasses import asdict

from skyloom.evaluation.autoencoder_suite import FOREGROUND_STEP, MEASURES
from skyloom.evaluation.report import Table, score_text
from skyloom.evaluation.scoring import SLOT_NAMES, Score, summarise, summed_up

TITLES = {
    "seen": "one actor, combinations seen in training",
    "heldout": "one actor, held-out combinations",
    "two": "two actors",
    "free": "one actor, free wording",
    "chinese": "one actor, Chinese",
}
PROMPT_COLUMNS = {
    "generated": "generated",
    "render": "floor: the real render",
    "reconstruction": "autoencoder of the render",
    "another render": "another prompt's render",
}
CODES = ("autoencoder", "averaged down", "first frame")


def prompts_tables(scores: dict[str, dict[str, list[dict[str, float]]]], seed: int) -> tuple[list[Table], dict]:
    """Return one table for each group of prompts, a summary, and all numbers. scores: by group and column."""
    means = {
        group: {column: summarise(values, seed) for column, values in columns.items()}
        for group, columns in scores.items()
    }
    found = [_summary(means), *(_group_table(group, columns) for group, columns in means.items())]
    numbers = {
        group: {column: {slot: asdict(value) for slot, value in slots.items()} for column, slots in columns.items()}
        for group, columns in means.items()
    }
    return found, numbers


def _summary(means: dict[str, dict[str, dict[str, Score]]]) -> Table:
    """The generated clips of every group side by side."""
    rows = [
        [slot, *(score_text(columns["generated"].get(slot)) for columns in means.values())]
        for slot in (*SLOT_NAMES, "all", "order")
    ]
    note = "Generated clips, read by the oracle; mean and 95 % bootstrap interval, where a prompt names the slot."
    return Table("Prompts", ["slot", *means], rows, note)


def _group_table(group: str, columns: dict[str, dict[str, Score]]) -> Table:
    rows = [
        [slot, *(score_text(columns[column].get(slot)) for column in PROMPT_COLUMNS), _samples(columns, slot)]
        for slot in (*SLOT_NAMES, "all", "order")
    ]
    return Table(f"Prompts: {TITLES[group]}", ["slot", *PROMPT_COLUMNS.values(), "samples"], rows)


def _samples(columns: dict[str, dict[str, Score]], slot: str) -> str:
    return str(columns["generated"][slot].samples) if slot in columns["generated"] else "0"


def autoencoder_tables(samples: list[dict], ratio: float, seed: int) -> tuple[list[Table], dict]:
    """Return the table of codes against measures, and all numbers."""

    def mean_of(code: str, name: str) -> Score | None:
        return summed_up([s[code][name] for s in samples if s[code][name] is not None], seed)

    means = {code: {name: mean_of(code, name) for name in MEASURES} for code in CODES}
    rows = [[code, *(_measure_text(means[code][name], name) for name in MEASURES)] for code in CODES]
    note = (
        f"{len(samples)} held-out clips; {ratio:.1f} pixel values for one latent value. Means over clips with 95 % "
        "bootstrap intervals. Foreground: pixels that differ by more than "
        f"{FOREGROUND_STEP:g} (range 2) from the clip rendered without its moving actors. Slots: share of clips "
        "off which the oracle reads every slot right."
    )
    numbers = {code: {name: value and asdict(value) for name, value in row.items()} for code, row in means.items()}
    table = Table("Autoencoder", ["code", "PSNR dB", "SSIM", "foreground PSNR dB", "slots"], rows, note)
    return [table], {"ratio": ratio, "codes": numbers}


def _measure_text(score: Score | None, name: str) -> str:
    if score is None or not name.endswith("psnr"):
        return score_text(score)
    return f"{score.mean:.2f} ({score.low:.2f}-{score.high:.2f})"


def speed_tables(found: dict) -> tuple[list[Table], dict]:
    """Return the table of stages, and all numbers."""
    rows = [["load", f"{found['load']:.3f}", "", ""]]
    for stage, times in found["stages"].items():
        rows.append([stage, *(f"{times[name]:.3f}" for name in ("p50", "p95", "processor"))])
    frames, height, width = found["size"]
    rates = found["matmul_gflops"]
    note = (
        f"{found['num_inference_steps']} steps at guidance {found['guidance_scale']:g}, {found['rounds']} rounds. "
        f"{found['video_seconds_per_second']:.2f} seconds of video a second. Denoising: "
        f"{found['denoise_gflop']:.1f} GFLOP at {found['denoise_share']:.0%} of the machine's own rate "
        f"({found['denoise_share_processor']:.0%} by seconds of the processor), "
        f"{statistics.median(rates):.0f} GFLOP/s ({min(rates):.0f} to {max(rates):.0f}) of {found['matmul_dtype']} "
        f"matrix products. Peak memory of the process {found['peak_memory_mb']:.0f} MB."
    )
    title = f"Speed, {width} x {height}, {frames} frames, {found['checkpoint']}"
    return [Table(title, ["stage", "p50 s", "p95 s", "processor s"], rows, note)], found
