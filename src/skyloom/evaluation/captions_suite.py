"""What the captioner says against what is true.

    python -m skyloom.evaluation.captions_suite --folder src/skyloom/weights/captioner

Held-out renders are captioned. Each said fact is right or not (precision), each true fact is said or not (coverage);
hallucination is the share of captions with someone who is not there; order is how often two actors that are told apart
by their sides are on the right ones. Said actors are matched to true ones so that most agrees; weather, camera and
style count where they are not the usual, which captions leave unsaid.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import permutations
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from skyloom.config import ClipConfig, WorldConfig
from skyloom.data.softening import soften
from skyloom.evaluation.cards import save_card, training_text
from skyloom.evaluation.oracle_clips import batches, render_scenes
from skyloom.evaluation.report import Table, markdown_table, printable, score_text
from skyloom.evaluation.samples import SampleLog
from skyloom.evaluation.scoring import Score, summed_up
from skyloom.models.captioner import NAME, SHIPPED, USUAL, Captioner, load_captioner
from skyloom.presets import preset
from skyloom.seeds import generator_for
from skyloom.world.captions import caption
from skyloom.world.facts import ActorFacts, Facts

SLOTS = ("actor", "motion", "direction", "speed", "place", *USUAL)
LOOKS = {"render": "renders", "soft": "softened renders", "other": "another clip's caption"}
Pairs = list[tuple[ActorFacts | None, ActorFacts | None]]


@dataclass(frozen=True)
class CaptionsPlan:
    """Which clips are captioned."""

    world: WorldConfig
    clip: ClipConfig
    count: int
    seed: int = 0
    batch_size: int = 25


def matched(said: Sequence[ActorFacts], true: Sequence[ActorFacts]) -> Pairs:
    """Pair said actors with true ones so that most agrees; None stands for nobody."""
    size = max(len(said), len(true))
    padded = [*true, *[None] * (size - len(true))]
    options = ([*zip([*said, *[None] * (size - len(said))], order, strict=True)] for order in permutations(padded))
    return max(options, key=lambda pairs: sum(_agreement(a, b) for a, b in pairs))


def _agreement(said: ActorFacts | None, true: ActorFacts | None) -> int:
    if said is None or true is None:
        return 0
    return 4 * (said.name == true.name) + 2 * (said.motion == true.motion) + (said.direction == true.direction)


def _facts_by_slot(said: Facts, true: Facts) -> Iterator[tuple[str, str | None, str | None]]:
    """Slot by slot what is said and what is true; None where there is nothing."""
    for a, b in matched(said.actors, true.actors):
        for slot, field in (("actor", "name"), ("motion", "motion"), ("direction", "direction")):
            yield slot, getattr(a, field, None), getattr(b, field, None)
        yield "speed", _unless(getattr(a, "speed", None), "normal"), _unless(getattr(b, "speed", None), "normal")
    yield "place", said.place, true.place
    for name, usual in USUAL.items():
        yield name, _unless(getattr(said, name), usual), _unless(getattr(true, name), usual)


def _unless(value: str | None, usual: str) -> str | None:
    return None if value == usual else value


def compare(said: Facts, true: Facts) -> dict[str, list[float]]:
    """Return 1 or 0 for every said fact ("precision SLOT") and every true one ("coverage SLOT"), and the rest."""
    found: dict[str, list[float]] = {}
    for slot, a, b in _facts_by_slot(said, true):
        right = float(a == b)
        if a is not None:
            found.setdefault(f"precision {slot}", []).append(right)
        if b is not None:
            found.setdefault(f"coverage {slot}", []).append(right)
    names = {actor.name for actor in true.actors}
    found["hallucination"] = [float(any(actor.name not in names for actor in said.actors))]
    pairs = [(a, b) for a, b in matched(said.actors, true.actors) if a and b and a.name == b.name]
    if len(pairs) == 2 and all(b.side != "middle" for _, b in pairs):
        found["order"] = [float(all(a.side == b.side for a, b in pairs))]
    return found


def run(plan: CaptionsPlan, captioner: Captioner, log: SampleLog, advance: Callable[[int], None]) -> list[dict]:
    """Caption `count` held-out renders, sharp and softened; return the samples, going on from the log."""
    done = log.read()
    advance(len(done))
    left = batches(
        plan.world, plan.clip, "heldout", plan.count - len(done), plan.batch_size, plan.seed * 1_000_000 + len(done)
    )
    for scenes, true in left:
        pixels = render_scenes(scenes, plan.clip)
        said = captioner.describe(pixels)
        first = int(scenes.index[0]) - plan.seed * 1_000_000
        soft = captioner.describe(soften(pixels, generator_for(plan.seed, "captions", first)))
        rows = zip(scenes.index.tolist(), said, soft, [*said[1:], said[0]], true, strict=True)
        log.append([_sample(*row) for row in rows])
        advance(len(scenes))
    return log.read()


def _sample(index: int, said: Facts, soft: Facts, other: Facts, true: Facts) -> dict[str, Any]:
    looks = {"render": compare(said, true), "soft": compare(soft, true), "other": compare(other, true)}
    return {
        "scene": index,
        "caption": caption(said, "en", "plain", 0),
        "truth": caption(true, "en", "plain", 0),
    } | looks


def summary(samples: list[dict], look: str, seed: int = 0) -> dict[str, Score]:
    """Return the mean of every measure over all facts of all samples, with its interval."""
    values: dict[str, list[float]] = {}
    for sample in samples:
        for name, found in sample[look].items():
            values.setdefault(name, []).extend(found)
    return {name: score for name, found in values.items() if (score := summed_up(found, seed))}


def table_of(samples: list[dict], seed: int = 0) -> tuple[Table, dict]:
    """Return the table of measures against looks, and all numbers."""
    means = {look: summary(samples, look, seed) for look in LOOKS}
    names = [f"{kind} {slot}" for slot in SLOTS for kind in ("coverage", "precision")] + ["hallucination", "order"]
    rows = [[name, *(score_text(means[look].get(name)) for look in LOOKS)] for name in names]
    note = f"{len(samples)} held-out clips; 95 % bootstrap intervals over facts. Hallucination: less is better."
    numbers = {look: {name: asdict(score) for name, score in found.items()} for look, found in means.items()}
    return Table("Captions", ["measure", *LOOKS.values()], rows, note), numbers


def log_of(plan: CaptionsPlan, folder: Path, path: Path) -> SampleLog:
    """Return the log of a plan's samples by the captioner in a folder."""
    weights = (folder / f"{NAME}.safetensors").read_bytes()
    settings = asdict(replace(plan, count=0, batch_size=0)) | {"captioner": hashlib.sha256(weights).hexdigest()[:16]}
    return SampleLog(path, settings)


CARD = """# Captioner

Reads slots off clips of the `{preset}` world, 17 frames of 64 x 64 at 8 fps, and tells them in English and Chinese.
{parameters:,} parameters, bf16. Trained on renders with their truth; its weights and scenes are not the judge's.
{training}

    skyloom train captioner {preset} runs/captioner
    python -m skyloom.evaluation.captions_suite --folder runs/captioner --preset {preset} --count {count}

{note}

{table}
"""


def main(
    folder: Annotated[Path, typer.Option(help="the captioner's folder")] = SHIPPED,
    name: Annotated[str, typer.Option("--preset", help="whose world to measure on")] = "nano",
    count: Annotated[int, typer.Option(help="clips")] = 500,
) -> None:
    """Measure a captioner on held-out renders; write card.md, card.json and samples.jsonl beside it."""
    captioner, row = load_captioner(folder), preset(name)
    plan = CaptionsPlan(row.world, row.clip, count)
    samples = run(plan, captioner, log_of(plan, folder, folder / "samples.jsonl"), lambda steps: None)[:count]
    table, numbers = table_of(samples)
    text = CARD.format(
        preset=name, count=count, parameters=sum(p.numel() for p in captioner.watcher.parameters()), note=table.note,
        training=training_text(folder), table=markdown_table(table.header, table.rows),
    )  # fmt: skip
    save_card(folder, numbers, text)
    Console().print(printable(table))


if __name__ == "__main__":
    typer.run(main)
