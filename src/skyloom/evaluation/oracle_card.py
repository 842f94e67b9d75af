"""Measures the judge and writes its card.

python -m skyloom.evaluation.oracle_card --folder src/skyloom/weights/oracle
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from torch import Tensor

from skyloom.config import ClipConfig, WorldConfig
from skyloom.data.softening import soften
from skyloom.evaluation.cards import save_card, training_text
from skyloom.evaluation.faults import FAULTS
from skyloom.evaluation.oracle import SHIPPED, Oracle, load_oracle
from skyloom.evaluation.oracle_clips import batches, render_scenes, suited
from skyloom.evaluation.report import markdown_table
from skyloom.evaluation.scoring import Score, asked, score, summarise
from skyloom.presets import preset
from skyloom.seeds import generator_for
from skyloom.world.facts import Facts

BATCH = 50


def score_clips(oracle: Oracle, pixels: Tensor, facts: list[Facts]) -> list[dict[str, float]]:
    """Score clips against all that is true of them, the usual too."""
    readings = oracle.read(pixels)
    return [score(reading.as_dict(), asked(fact, {})) for reading, fact in zip(readings, facts, strict=True)]


def accuracy(
    oracle: Oracle, world: WorldConfig, clip: ClipConfig, split: str, count: int
) -> dict[str, dict[str, Score]]:
    """Return the accuracy by slot on `count` new renders, sharp and softened."""
    sharp, soft = [], []
    for scenes, facts in batches(world, clip, split, count, BATCH):
        pixels = render_scenes(scenes, clip)
        sharp += score_clips(oracle, pixels, facts)
        soft += score_clips(oracle, soften(pixels, generator_for(0, "card", int(scenes.index[0]))), facts)
    return {"sharp": summarise(sharp), "softened": summarise(soft)}


def detection(oracle: Oracle, world: WorldConfig, clip: ClipConfig, count: int) -> dict[str, dict[str, float]]:
    """Return, for each planted fault, how often it is noticed, and how often clean clips raise the same alarm."""
    table = {}
    for name, fault in FAULTS.items():
        noticed, alarms = [], []
        for scenes, facts in suited(world, clip, "heldout", fault.applies, BATCH):
            spoiled = fault.spoil(scenes, clip, len(oracle.config.actors))
            noticed += [fault.noticed(s) for s in score_clips(oracle, spoiled, facts)]
            alarms += [fault.noticed(s) for s in score_clips(oracle, render_scenes(scenes, clip), facts)]
            if len(noticed) >= count:
                break
        table[name] = {
            "detected": sum(noticed) / len(noticed), "false_alarms": sum(alarms) / len(alarms), "clips": len(noticed),
        }  # fmt: skip
    return table


def measure(oracle: Oracle, world: WorldConfig, clip: ClipConfig, count: int) -> dict:
    """Return everything the card says, as JSON values."""
    splits = {split: accuracy(oracle, world, clip, split, count) for split in ("seen", "heldout")}
    tables = {
        f"{split}, {look}": {slot: asdict(value) for slot, value in slots.items()}
        for split, looks in splits.items()
        for look, slots in looks.items()
    }
    return {"count": count, "accuracy": tables, "faults": detection(oracle, world, clip, count // 3)}


CARD = """# Oracle

Judge of the `{preset}` world: reads a clip, resampled to {frames} x {height} x {width}, and names count, actors,
motions, directions, place, weather, camera, style, and whether the frames are in their order. {parameters:,}
parameters, bf16. Trained on renders with their truth and on nothing else; never on a generated clip. Softened renders
(blurred, resampled, stripped of fine frequencies, smeared in time, tinted, noisy) were two thirds of its training.
{training}

    skyloom train oracle {preset} runs/oracle
    python -m skyloom.evaluation.oracle_card --folder runs/oracle --preset {preset} --count {count}

## Accuracy on new renders
{count} clips a row; "heldout" are combinations of actor, motion and place that training never shows.

{accuracy}

## Planted faults
Spoiled clips scored against the scene as it was meant: how often the spoiled slot is marked wrong, and how often it is
marked wrong on the same clips unspoiled.

{faults}
"""


def write_card(oracle: Oracle, found: dict, name: str, training: str) -> str:
    """Return the card's text."""
    slots = list(next(iter(found["accuracy"].values())))
    accuracy_rows = [
        [title, *(f"{table[slot]['mean']:.3f}" if slot in table else "" for slot in slots)]
        for title, table in found["accuracy"].items()
    ]
    fault_rows = [
        [title, f"{row['detected']:.3f}", f"{row['false_alarms']:.3f}", str(row["clips"])]
        for title, row in found["faults"].items()
    ]
    config = oracle.config
    return CARD.format(
        preset=name, training=training, count=found["count"],
        frames=config.num_frames, height=config.height, width=config.width,
        parameters=sum(p.numel() for p in oracle.networks.parameters()),
        accuracy=markdown_table(["renders", *slots], accuracy_rows),
        faults=markdown_table(["fault", "detected", "false alarms", "clips"], fault_rows),
    )  # fmt: skip


def main(
    folder: Annotated[Path, typer.Option(help="the oracle's folder")] = SHIPPED,
    name: Annotated[str, typer.Option("--preset", help="whose world to measure on")] = "nano",
    count: Annotated[int, typer.Option(help="clips in each row")] = 1000,
) -> None:
    """Measure an oracle on held-out renders and planted faults; write card.md and card.json."""
    oracle, row = load_oracle(folder), preset(name)
    found = measure(oracle, row.world, row.clip, count)
    text = write_card(oracle, found, name, training_text(folder))
    save_card(folder, found, text)
    print(text)


if __name__ == "__main__":
    typer.run(main)
