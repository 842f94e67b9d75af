"""Suites whose numbers stand beside published ones."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from skyloom.data.moving_mnist import FRAMES, GIVEN
from skyloom.evaluation import moving_mnist_suite, phyworld_suite, phyworld_tables
from skyloom.evaluation.report import Table
from skyloom.evaluation.samples import SampleLog
from skyloom.pipelines.loading import load
from skyloom.pipelines.phyworld import Continuer, is_continuer, load_continuer
from skyloom.pipelines.pipeline import Pipeline
from skyloom.pipelines.tasks import extend
from skyloom.video import Video

Advance = Callable[[int], None]
DIGITS_PROMPT = "two white digits drift and bounce on black"


def _log(out: Path, suite: str, plan: Any, checkpoint: str) -> SampleLog:
    settings = {name: value for name, value in asdict(plan).items() if name not in ("count", "batch_size")}
    return SampleLog(out / f"{suite}.jsonl", {"checkpoint": checkpoint, "plan": settings})


def continuer_of(checkpoint: str | None) -> Continuer | None:
    """Return a checkpoint trained on PhyWorld, or None for any other, which the table then does without."""
    folder = None if checkpoint is None else Path(checkpoint)
    return load_continuer(folder) if folder is not None and is_continuer(folder) else None


def _hash_of(checkpoint: str | None) -> str:
    names = ("config.json", "codec.safetensors", "transformer.safetensors")
    return hashlib.sha256(b"".join((Path(str(checkpoint)) / name).read_bytes() for name in names)).hexdigest()


def run_phyworld(
    checkpoint: str | None, out: Path, count: int, seed: int, advance: Advance
) -> tuple[list[Table], dict]:  # fmt: skip
    """The PhyWorld suite: the scenario that a checkpoint was trained on; floors and lines of all without one."""
    model = continuer_of(checkpoint)
    plan = phyworld_suite.PhyWorldAsked(count=count, seed=seed)
    if model is not None:
        plan = phyworld_suite.PhyWorldAsked((model.name,), count, seed)
    log = _log(out, "phyworld", plan, _hash_of(checkpoint) if model else "none")
    samples = phyworld_suite.run(plan, model, log, out, advance)
    return phyworld_tables.phyworld_tables(samples, model.about if model else {}, seed)


def phyworld_steps(checkpoint: str | None, count: int) -> int:
    """Return how many clips the suite asks at most."""
    return 2 * count * (1 if continuer_of(checkpoint) else 3)


def going_on(pipeline: Pipeline) -> moving_mnist_suite.Continue:
    """Return the function that extends clips by a pipeline, window after window."""
    room, request = pipeline.room(), pipeline.request()
    stride = room.strides.temporal
    known = 1 + (GIVEN - 1) // stride

    def go_on(given: Tensor, seeds: list[int]) -> Tensor:
        clips = given
        while clips.shape[2] < FRAMES:
            canvases = [extend(room, DIGITS_PROMPT, Video.from_pixels(clip, room.fps), known) for clip in clips]
            made = pipeline.decode(pipeline.sample(canvases, seeds, request)).clamp(-1, 1)
            clips = torch.cat([clips, made[:, :, 1 + stride * (known - 1) :]], 2)
        return clips[:, :, GIVEN:FRAMES]

    return go_on


def run_digits(
    checkpoint: str | None, out: Path, count: int, seed: int, advance: Advance
) -> tuple[list[Table], dict]:  # fmt: skip
    """The Moving MNIST suite: a checkpoint of videos extends ten frames, untrained on digits."""
    pipeline = None if continuer_of(checkpoint) else load(checkpoint)
    samples = 1 if count < phyworld_suite.PhyWorldAsked.count else moving_mnist_suite.SAMPLES
    plan = moving_mnist_suite.DigitsAsked(count, seed, samples=samples)
    log = _log(out, "moving-mnist", plan, pipeline.sha256 if pipeline else "none")
    found = moving_mnist_suite.run(plan, going_on(pipeline) if pipeline else None, log, out, advance)
    return moving_mnist_suite.digits_tables(found, seed)
