"""What fewer steps cost: prompts at 1 to 40 of them.

The same prompts with the same noise are made by the network that jumps, in 1, 2, 4 and 8 steps, and by the many-step
network with the checkpoint's guidance (two answers a step) in 4, 8 and 40. A checkpoint that cannot jump is measured by
the latter alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from torch import Tensor

from skyloom.errors import GenerationError
from skyloom.evaluation.oracle import Oracle
from skyloom.evaluation.prompts_suite import Generate, Prompt, PromptsPlan, choose_prompts
from skyloom.evaluation.report import Table, score_text
from skyloom.evaluation.samples import SampleLog
from skyloom.evaluation.scoring import SLOT_NAMES, Score, score, summarise, summed_up
from skyloom.evaluation.tables import TITLES
from skyloom.pipelines.pipeline import Pipeline
from skyloom.pipelines.tasks import text_to_video

SUITE_GROUPS = ("seen", "two")
JUMPS, GUIDED = (1, 2, 4, 8), (4, 8, 40)
COMPARED, REFERENCE = "4 jumps", "40 guided"


def ways_of(pipeline: Pipeline) -> dict[str, Generate]:
    """Return the columns: a name, and what makes pixels (b, 3, f, h, w) in [-1, 1] of prompts and seeds."""
    scale = pipeline.sampling.guidance_scale
    jumps = JUMPS if pipeline.few_step is not None else ()
    ways = {f"{steps} jumps": _way(pipeline, steps, None) for steps in jumps}
    return ways | {f"{steps} guided": _way(pipeline, steps, scale) for steps in GUIDED}


def _way(pipeline: Pipeline, steps: int, guidance_scale: float | None) -> Generate:
    room, request = pipeline.room(), pipeline.request(steps, guidance_scale)

    def generate(prompts: list[str], seeds: list[int]) -> Tensor:
        canvases = [text_to_video(room, pipeline.reworded(prompt)) for prompt in prompts]
        pixels = pipeline.decode(pipeline.sample(canvases, seeds, request))
        if not pixels.isfinite().all():
            raise GenerationError("the network's answer is not finite; the checkpoint is damaged")
        return pixels.clamp(-1, 1)

    return generate


def measure(prompts: list[Prompt], oracle: Oracle, ways: Mapping[str, Generate]) -> list[dict]:
    """Make and read a batch of prompts in every way; seconds are those of a clip, decoding included."""
    texts, seeds = [prompt.text for prompt in prompts], [prompt.seed for prompt in prompts]
    readings: dict[str, list[dict]] = {}
    seconds: dict[str, float] = {}
    for name, generate in ways.items():
        begun = time.perf_counter()
        made = generate(texts, seeds)
        seconds[name] = (time.perf_counter() - begun) / len(prompts)
        readings[name] = [reading.as_dict() for reading in oracle.read(made)]
    samples = []
    for row, prompt in enumerate(prompts):
        said = {"name": prompt.name, "group": prompt.group, "prompt": prompt.text, "seed": prompt.seed}
        read = {name: found[row] for name, found in readings.items()}
        samples.append(said | {"wanted": prompt.wanted, "readings": read, "seconds": seconds})
    return samples


def run(
    plan: PromptsPlan, oracle: Oracle, ways: Mapping[str, Generate], log: SampleLog, advance: Callable[[int], None]
) -> list[dict]:
    """Measure what the log lacks and return all samples; `advance` is told how many were done."""
    wanted = [prompt for group in SUITE_GROUPS for prompt in choose_prompts(plan, group)]
    samples = {sample["name"]: sample for sample in log.read()}
    left = [prompt for prompt in wanted if prompt.name not in samples]
    advance(len(wanted) - len(left))
    for first in range(0, len(left), plan.batch_size):
        fresh = measure(left[first : first + plan.batch_size], oracle, ways)
        log.append(fresh)
        samples |= {sample["name"]: sample for sample in fresh}
        advance(len(fresh))
    return [samples[prompt.name] for prompt in wanted]


def difference(samples: list[dict], slot: str, seed: int) -> Score | None:
    """Return by how much COMPARED scores above REFERENCE, prompt by prompt; None where either is missing."""
    pairs = [[score(s["readings"][way], s["wanted"]).get(slot) for way in (COMPARED, REFERENCE)] for s in samples]
    values = [mine - other for mine, other in pairs if mine is not None and other is not None]
    return summed_up(values, seed)


def tables_of(samples: list[dict], seed: int) -> tuple[list[Table], dict]:
    """Return a table for each group, and all numbers."""
    groups = {group: [s for s in samples if s["group"] == group] for group in SUITE_GROUPS}
    tables, numbers = zip(*(_group_table(group, mine, seed) for group, mine in groups.items()), strict=True)
    return list(tables), dict(zip(SUITE_GROUPS, numbers, strict=True))


def _group_table(group: str, samples: list[dict], seed: int) -> tuple[Table, dict]:
    """Return one group's scores by steps, what four jumps lose, and the seconds of a clip."""
    ways = list(samples[0]["readings"])
    means = {way: summarise([score(s["readings"][way], s["wanted"]) for s in samples], seed) for way in ways}
    compared = COMPARED in ways
    lost = {slot: difference(samples, slot, seed) if compared else None for slot in (*SLOT_NAMES, "all", "order")}
    rows = [[slot, *(score_text(means[way].get(slot)) for way in ways), _signed(lost[slot])] for slot in lost]
    seconds = {way: sum(s["seconds"][way] for s in samples) / len(samples) for way in ways}
    rows.append(["seconds a clip", *(f"{seconds[way]:.2f}" for way in ways), ""])
    note = (
        f"{len(samples)} prompts, the same noise in every column; mean and 95 % bootstrap interval, where a prompt "
        f"names the slot. Jumps ask the few-step network once a step, guided steps ask the many-step one twice."
    )
    numbers = {way: {slot: found.mean for slot, found in slots.items()} for way, slots in means.items()}
    table = Table(f"Few steps: {TITLES[group]}", ["slot", *ways, f"{COMPARED} - {REFERENCE}"], rows, note)
    return table, {"scores": numbers, "seconds": seconds, "lost": {k: v and v.mean for k, v in lost.items()}}


def _signed(value: Score | None) -> str:
    return "" if value is None else f"{value.mean:+.3f} ({value.low:+.3f} to {value.high:+.3f})"
