"""How often a checkpoint's clips show each of the known failures.

    python -m skyloom.evaluation.failures_suite        floors on real renders, and planted faults

The floor is the rate on real renders of the same scenes. Every failure is also planted into renders, and how often it
is noticed stands beside it: a rate means little where that is low.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Annotated

import torch
import typer
from rich.console import Console
from torch import Tensor

from skyloom.config import ClipConfig, WorldConfig
from skyloom.evaluation import prompts_suite
from skyloom.evaluation.failures import FAILURES, failures
from skyloom.evaluation.faults import FAULTS, missing_actor, shuffled, wrong_actor
from skyloom.evaluation.oracle import Oracle, load_oracle
from skyloom.evaluation.oracle_clips import batches, numbered_scenes, render_scenes, suited
from skyloom.evaluation.report import Table, printable, score_text
from skyloom.evaluation.samples import SampleLog
from skyloom.evaluation.scoring import summed_up
from skyloom.presets import preset
from skyloom.world.facts import Facts
from skyloom.world.scene import Scenes

GROUPS = ("seen", "two")
COLUMNS = {"generated": "generated", "render": "floor: the real render", "planted": "noticed when planted"}
SWELL = 1.9


def from_the_middle(before: Tensor, after: Tensor) -> Tensor:
    """Take the first half of one clip's frames and the second half of another's: (b, 3, f, h, w) each."""
    half = before.shape[2] // 2
    return torch.cat([before[:, :, :half], after[:, :, half:]], 2)


def faded(pixels: Tensor) -> Tensor:
    """Let the picture grow brighter and flatter from the first frame to the last."""
    share = torch.linspace(0, 0.5, pixels.shape[2])[:, None, None]
    return pixels * (1 - share) + 0.6 * share


def swollen(scenes: Scenes, clip: ClipConfig, known: int) -> Tensor:
    """Let every actor be SWELL times its size from the middle on."""
    return render_scenes(replace(scenes, scale=scenes.scale * SWELL), clip)


@dataclass(frozen=True)
class Planted:
    """How a failure is planted into real renders, and the scenes on which it can be seen."""

    spoil: Callable[[Scenes, ClipConfig, int, Tensor], Tensor]
    suits: Callable[[Facts], bool]


PLANTED = {
    "appearing": Planted(
        lambda scenes, clip, known, real: from_the_middle(missing_actor(scenes, clip, known), real),
        lambda facts: facts.count == 2,
    ),
    "morphing": Planted(
        lambda scenes, clip, known, real: from_the_middle(real, wrong_actor(scenes, clip, known)),
        lambda facts: facts.count == 1,
    ),
    "rigidity": Planted(
        lambda scenes, clip, known, real: from_the_middle(real, swollen(scenes, clip, known)),
        lambda facts: facts.count == 1 and facts.actors[0].motion not in ("grow", "shrink"),
    ),
    "drift": Planted(lambda scenes, clip, known, real: faded(real), lambda facts: True),
    "order": Planted(
        lambda scenes, clip, known, real: shuffled(scenes, clip, known), FAULTS["shuffled time"].applies
    ),
}  # fmt: skip


@dataclass(frozen=True)
class FailuresPlan:
    """Which scenes are looked at."""

    world: WorldConfig
    clip: ClipConfig
    count: int
    seed: int = 0
    batch_size: int = 8


def noticed(oracle: Oracle, plan: FailuresPlan) -> dict[str, list[float]]:
    """Return for each failure, 1 or 0 a clip, how often it is seen where it was planted."""
    found: dict[str, list[float]] = {}
    step = max(8, min(64, plan.count))
    for name, planted in PLANTED.items():
        values: list[float] = []
        for scenes, _ in suited(plan.world, plan.clip, "seen", planted.suits, step, plan.seed * 1_000_000):
            spoiled = planted.spoil(scenes, plan.clip, len(oracle.config.actors), render_scenes(scenes, plan.clip))
            values += [float(clip[name]) for clip in failures(oracle, spoiled)]
            if len(values) >= plan.count:
                break
        found[name] = values[: plan.count]
    return found


def run(
    plan: FailuresPlan, oracle: Oracle, generate: prompts_suite.Generate, log: SampleLog, advance: Callable[[int], None]
) -> list[dict]:
    """Look at generated clips and at the real renders of their scenes; return the samples, going on from the log."""
    asked = prompts_suite.PromptsPlan(plan.world, plan.clip, plan.count, plan.seed)
    prompts = [prompt for group in GROUPS for prompt in prompts_suite.choose_prompts(asked, group)]
    done = {sample["name"] for sample in log.read()}
    advance(len(done))
    for group in GROUPS:
        left = [prompt for prompt in prompts if prompt.group == group and prompt.name not in done]
        kind = prompts_suite.GROUPS[group]
        for first in range(0, len(left), plan.batch_size):
            some = left[first : first + plan.batch_size]
            made = generate([prompt.text for prompt in some], [prompt.seed for prompt in some])
            indices = torch.tensor([prompt.scene for prompt in some])
            scenes = numbered_scenes(prompts_suite.world_of(asked, kind), plan.clip, indices, kind.split)
            rows = zip(some, failures(oracle, made), failures(oracle, render_scenes(scenes, plan.clip)), strict=True)
            log.append([{"name": p.name, "prompt": p.text, "generated": a, "render": b} for p, a, b in rows])
            advance(len(some))
    return log.read()


def table_of(samples: list[dict], planted: dict[str, list[float]], seed: int = 0) -> tuple[Table, dict]:
    """Return the table of failures against columns, and all numbers; columns without samples stay empty."""
    values = {
        name: {column: [float(sample[column][name]) for sample in samples if column in sample] for column in COLUMNS}
        | {"planted": planted[name]}
        for name in FAILURES
    }
    means = {
        name: {column: score for column, found in row.items() if (score := summed_up(found, seed))}
        for name, row in values.items()
    }
    rows = [[name, *(score_text(means[name].get(column)) for column in COLUMNS)] for name in FAILURES]
    note = "Share of clips that show the failure; 95 % bootstrap intervals. Less is better, but where it was planted."
    numbers = {name: {column: asdict(value) for column, value in row.items()} for name, row in means.items()}
    return Table("Failures", ["failure", *COLUMNS.values()], rows, note), numbers


def floors(oracle: Oracle, plan: FailuresPlan) -> list[dict]:
    """Return samples of real renders alone."""
    samples = []
    for scenes, _ in batches(plan.world, plan.clip, "seen", plan.count, 50, plan.seed * 1_000_000):
        samples += [{"render": found} for found in failures(oracle, render_scenes(scenes, plan.clip))]
    return samples


def main(
    name: Annotated[str, typer.Option("--preset", help="whose world to measure on")] = "nano",
    count: Annotated[int, typer.Option(help="clips of each kind")] = 200,
) -> None:
    """Print how often real renders seem to fail, and how often a planted failure is noticed."""
    row, oracle = preset(name), load_oracle()
    plan = FailuresPlan(row.world, row.clip, count)
    table, _ = table_of(floors(oracle, plan), noticed(oracle, plan))
    Console().print(printable(table))


if __name__ == "__main__":
    typer.run(main)
