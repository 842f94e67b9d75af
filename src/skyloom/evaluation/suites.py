"""Which suites there are, how to run them."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from skyloom.config import WorldConfig
from skyloom.errors import CheckpointError, GenerationError, one_of
from skyloom.evaluation import (
    autoencoder_suite,
    captions_suite,
    failures_suite,
    few_steps_suite,
    marks_suite,
    minute_suite,
    permanence_suite,
    prompts_suite,
    speed,
    tables,
    tasks_suite,
    tasks_tables,
    wording_suite,
)
from skyloom.evaluation.machine import describe_machine
from skyloom.evaluation.oracle import SHIPPED, Oracle, load_oracle
from skyloom.evaluation.oracle_clips import vocabulary_of
from skyloom.evaluation.page import save_page
from skyloom.evaluation.published_suites import phyworld_steps, run_digits, run_phyworld
from skyloom.evaluation.report import Report, Table
from skyloom.evaluation.samples import SampleLog
from skyloom.evaluation.strips import keeping, save_strip
from skyloom.evaluation.task_bench import Bench, Row, TasksPlan
from skyloom.evaluation.together import Together
from skyloom.models.captioner import SHIPPED as CAPTIONER
from skyloom.models.captioner import load_captioner
from skyloom.pipelines.loading import load
from skyloom.pipelines.pipeline import Pipeline
from skyloom.pipelines.prompts import PromptWarning
from skyloom.pipelines.tasks import text_to_video

QUICK_SAMPLES, QUICK_ROUNDS, ROUNDS = 20, 3, 10
Advance = Callable[[int], None]
Found = tuple[list[Table], dict]
"""Tables, and all numbers."""
Plan = (
    prompts_suite.PromptsPlan
    | autoencoder_suite.AutoencoderPlan
    | failures_suite.FailuresPlan
    | minute_suite.MinutePlan
    | TasksPlan
)


@dataclass(frozen=True)
class Request:
    """What to evaluate and where to put it."""

    checkpoint: str | None
    out: Path
    count: int
    rounds: int
    seed: int


def judge_of(world: WorldConfig) -> Oracle:
    """Return the shipped oracle. Raises CheckpointError when it does not know every name of this world."""
    oracle = load_oracle(SHIPPED)
    wanted = vocabulary_of(world)
    for kind in ("actors", "motions"):
        strange = [name for name in getattr(wanted, kind) if name not in getattr(oracle.config, kind)]
        if strange:
            text = f"does not know {len(strange)} {kind} of this checkpoint's world, the first: {strange[0]}"
            raise CheckpointError(f"the shipped oracle {text}")
    return oracle


def generator_of(pipeline: Pipeline, reword: bool = True) -> prompts_suite.Generate:
    """Return the function that asks a pipeline, as a batch, at its own size and settings; as a user does, reworded."""
    room, request = pipeline.room(), pipeline.request()

    def generate(prompts: list[str], seeds: list[int]) -> torch.Tensor:
        told = [pipeline.reworded(prompt) if reword else prompt for prompt in prompts]
        canvases = [text_to_video(room, prompt) for prompt in told]
        pixels = pipeline.decode(pipeline.sample(canvases, seeds, request))
        if not pixels.isfinite().all():
            raise GenerationError("the network's answer is not finite; the checkpoint is damaged")
        return pixels.clamp(-1, 1)

    return generate


def _hash_of(folder: Path) -> str:
    return hashlib.sha256((folder / "oracle.safetensors").read_bytes()).hexdigest()[:16]


def _log(request: Request, pipeline: Pipeline, suite: str, plan: Plan) -> SampleLog:
    settings = {"checkpoint": pipeline.sha256, "oracle": _hash_of(SHIPPED), "plan": asdict(plan)}
    del settings["plan"]["count"], settings["plan"]["batch_size"]
    return SampleLog(request.out / f"{suite}.jsonl", settings)


def run_prompts(request: Request, advance: Advance) -> Found:
    """The prompts suite."""
    pipeline = load(request.checkpoint)
    preset = pipeline.preset
    plan = prompts_suite.PromptsPlan(preset.world, preset.clip, request.count, request.seed)
    log = _log(request, pipeline, "prompts", plan)

    def reconstruct(pixels: torch.Tensor) -> torch.Tensor:
        return pipeline.decode(pipeline.encode(pixels)).clamp(-1, 1)

    oracle = judge_of(preset.world)
    generate = keeping(generator_of(pipeline, plan.reword), request.out, "prompts")
    samples = prompts_suite.run(plan, oracle, generate, reconstruct, log, advance)
    scores = {group: prompts_suite.scores_of(samples, group) for group in prompts_suite.GROUPS}
    return tables.prompts_tables(scores, request.seed)


def run_few_steps(request: Request, advance: Advance) -> Found:
    """The few steps suite."""
    pipeline = load(request.checkpoint)
    preset = pipeline.preset
    plan = prompts_suite.PromptsPlan(preset.world, preset.clip, request.count, request.seed)
    log, ways = _log(request, pipeline, "few_steps", plan), few_steps_suite.ways_of(pipeline)
    samples = few_steps_suite.run(plan, judge_of(preset.world), ways, log, advance)
    return few_steps_suite.tables_of(samples, request.seed)


def run_autoencoder(request: Request, advance: Advance) -> Found:
    """The autoencoder suite."""
    pipeline = load(request.checkpoint)
    preset = pipeline.preset
    plan = autoencoder_suite.AutoencoderPlan(preset.world, preset.clip, request.count, request.seed)
    log = _log(request, pipeline, "autoencoder", plan)
    samples = autoencoder_suite.run(pipeline.autoencoder, judge_of(preset.world), plan, log, advance)
    ratio = autoencoder_suite.latent_ratio(pipeline.autoencoder, pipeline.room().size)
    return tables.autoencoder_tables(samples, ratio, request.seed)


def run_speed(request: Request, advance: Advance) -> Found:
    """The speed suite."""
    return tables.speed_tables(speed.run(request.checkpoint, request.rounds, request.seed, advance))


def run_rows(name: str, title: str, rows: Mapping[str, Row], request: Request, advance: Advance) -> Found:
    """Run a suite that is made of rows of tasks: its tables, and all numbers."""
    pipeline = load(request.checkpoint)
    preset = pipeline.preset
    plan = TasksPlan(preset.world, preset.clip, request.count, request.seed)
    log = _log(request, pipeline, name, plan)
    keep = partial(save_strip, request.out, name)
    bench = Bench(Together(pipeline), judge_of(preset.world), plan, keep)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PromptWarning)
        samples = tasks_suite.run(bench, log, advance, dict(rows))
    return tasks_tables.row_tables(title, rows, samples, request.seed)


def run_minute(request: Request, advance: Advance) -> Found:
    """The minute suite."""
    pipeline = load(request.checkpoint)
    preset, count = pipeline.preset, minute_suite.cases_for(request.count)
    plan = minute_suite.MinutePlan(preset.world, preset.clip, count, request.seed)
    log, make = _log(request, pipeline, "minute", plan), minute_suite.by_command(request.checkpoint, preset.clip)
    samples = minute_suite.run(plan, judge_of(preset.world), make, log, advance)
    found, numbers = tasks_tables.row_tables("A minute", minute_suite.SUBJECTS, samples, request.seed)
    return [*found, tasks_tables.over_time_table(samples, plan.long)], numbers


def run_wording(request: Request, advance: Advance) -> Found:
    """The wording suite."""
    pipeline = load(request.checkpoint)
    world, clip = pipeline.preset.world, pipeline.preset.clip
    told = wording_suite.told_groups(world, clip, request.count, request.seed)
    results = wording_suite.run(pipeline.wording, told, advance)
    return [wording_suite.table_of(results)], {result.group: asdict(result) for result in results}


def run_failures(request: Request, advance: Advance) -> Found:
    """The failures suite."""
    pipeline = load(request.checkpoint)
    preset = pipeline.preset
    plan = failures_suite.FailuresPlan(preset.world, preset.clip, request.count, request.seed)
    oracle, log = judge_of(preset.world), _log(request, pipeline, "failures", plan)
    samples = failures_suite.run(plan, oracle, generator_of(pipeline), log, advance)
    table, numbers = failures_suite.table_of(samples, failures_suite.noticed(oracle, plan), request.seed)
    return [table], numbers


def run_captions(request: Request, advance: Advance) -> Found:
    """The captions suite, on the checkpoint's world."""
    preset = load(request.checkpoint).preset
    plan = captions_suite.CaptionsPlan(preset.world, preset.clip, request.count, request.seed)
    log = captions_suite.log_of(plan, CAPTIONER, request.out / "captions.jsonl")
    samples = captions_suite.run(plan, load_captioner(CAPTIONER), log, advance)
    table, numbers = captions_suite.table_of(samples, request.seed)
    return [table], numbers


@dataclass(frozen=True)
class Suite:
    """How to run a suite, and how many steps its progress bar has."""

    run: Callable[[Request, Advance], Found]
    steps: Callable[[Request], int]


def suite_of_rows(name: str, title: str, rows: dict[str, Row]) -> Suite:
    """Return a suite that is made of rows of tasks."""
    return Suite(partial(run_rows, name, title, rows), lambda request: tasks_suite.steps_of(request.count, rows))


SUITES = {
    "prompts": Suite(run_prompts, lambda request: request.count * len(prompts_suite.GROUPS)),
    "few_steps": Suite(run_few_steps, lambda request: request.count * len(few_steps_suite.SUITE_GROUPS)),
    "autoencoder": Suite(run_autoencoder, lambda request: request.count),
    "tasks": suite_of_rows("tasks", "Tasks", tasks_suite.ROWS),
    "marks": suite_of_rows("marks", "Marks", marks_suite.ROWS),
    "permanence": suite_of_rows("permanence", "Permanence", permanence_suite.ROWS),
    "minute": Suite(run_minute, lambda request: minute_suite.cases_for(request.count)),
    "phyworld": Suite(
        lambda r, advance: run_phyworld(r.checkpoint, r.out, r.count, r.seed, advance),
        lambda r: phyworld_steps(r.checkpoint, r.count),
    ),
    "moving-mnist": Suite(
        lambda r, advance: run_digits(r.checkpoint, r.out, r.count, r.seed, advance), lambda request: request.count
    ),
    "wording": Suite(run_wording, lambda request: request.count * wording_suite.GROUP_COUNT),
    "failures": Suite(run_failures, lambda request: request.count * len(failures_suite.GROUPS)),
    "captions": Suite(run_captions, lambda request: request.count),
    "speed": Suite(run_speed, lambda request: request.rounds),
}


def default_suites() -> list[str]:
    """Return the suites that run when none is named: all but few_steps, and captions where no captioner is shipped."""
    return [name for name in SUITES if name != "few_steps" and (name != "captions" or CAPTIONER.is_dir())]


def run_suites(names: list[str], request: Request, console: Console) -> Report:
    """Run the suites (all for an empty list), print and save the report after each. Raises InvalidArgument."""
    chosen = [one_of("suite", name, SUITES) for name in names] or default_suites()
    about = {"checkpoint": request.checkpoint or "the default", "seed": request.seed, "samples": request.count}
    report = Report(about | describe_machine())
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    for name in chosen:
        with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
            task = progress.add_task(name, total=SUITES[name].steps(request))
            found, numbers = SUITES[name].run(request, lambda steps, task=task: progress.advance(task, steps))
        report.tables += found
        report.numbers[name] = numbers
        report.save(request.out)
        save_page(report, request.out)
    report.show(console)
    return report
