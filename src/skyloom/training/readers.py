"""The judge and the captioner as training runs.

Two watchers that share nothing but their shape: other seeds, so other first weights and draws, and other scenes.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from skyloom.config import Preset, to_dict
from skyloom.errors import one_of
from skyloom.models.watcher import Watcher, save_watcher, vocabulary_of
from skyloom.seeds import derive_seed
from skyloom.training.checkpointing import write_json
from skyloom.training.watcher import CLOCK, EYE, WatcherPlan, train_watcher
from skyloom.world.vocabulary import SPEEDS


@dataclass(frozen=True)
class Reader:
    """What tells one watcher from the other."""

    seed: int
    first_scene: int
    speeds: tuple[str, ...]


READERS = {"oracle": Reader(0, 0, ()), "captioner": Reader(1, 10_000_000, SPEEDS)}


def reader_plan(name: str, preset: Preset, share: float = 1.0) -> WatcherPlan:
    """Return the plan of a reader for a preset's world; share: of the full number of steps and clips, 1 at least."""
    reader = READERS[one_of("reader", name, READERS)]
    eye, clock = (
        dataclasses.replace(stage, steps=max(1, round(share * stage.steps)), seed=reader.seed) for stage in (EYE, CLOCK)
    )
    plan = WatcherPlan(preset.world, first_scene=reader.first_scene, eye=eye, clock=clock)
    return dataclasses.replace(plan, clips=max(1, round(share * plan.clips)))


def new_reader(name: str, preset: Preset) -> Watcher:
    """Return a reader's networks as they are drawn, knowing every name of the preset's world."""
    reader = READERS[one_of("reader", name, READERS)]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(reader.seed, f"{name} weights"))
        return Watcher(vocabulary_of(preset.world, reader.speeds))


def train_reader(name: str, preset: Preset, run_dir: Path, share: float = 1.0) -> None:
    """Train from where RUN_DIR stands; write config.json, NAME.safetensors and training.json there."""
    plan = reader_plan(name, preset, share)
    began = time.process_time()
    watcher = train_watcher(new_reader(name, preset), plan, run_dir)
    minutes = round((time.process_time() - began) / 60, 1)
    write_json(run_dir / "training.json", {"plan": to_dict(plan), "core_minutes_since_resumed": minutes})
    save_watcher(watcher, run_dir, name)
