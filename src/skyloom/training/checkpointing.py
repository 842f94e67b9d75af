"""A run's state on disk: whole or absent.

    run_dir/run.json                   what the run was started with
    run_dir/checkpoints/00000100/      weights, optimizer, ema (.safetensors) and step.json

A checkpoint is written beside its place and renamed, so that a process killed at any moment leaves whole folders only.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from skyloom.errors import CheckpointError, TrainingError
from skyloom.training.distributed import Ranks, gather, keep_shard, local

KEPT = 2
FREE = ("steps", "log_every", "sample_every", "checkpoint_every")
PARTIAL = ".partial"


def write_json(path: Path, value: Any) -> None:
    """Write JSON beside `path`, then rename."""
    beside = path.with_name(path.name + PARTIAL)
    with beside.open("w") as file:
        file.write(json.dumps(value, indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write a safetensors file beside `path`, then rename."""
    beside = path.with_name(path.name + PARTIAL)
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(plain, beside, metadata=dict(metadata or {}))
    with beside.open("rb") as file:
        os.fsync(file.fileno())
    beside.rename(path)


def _leaves(value: Any, path: str = "") -> dict[str, Any]:
    """Flatten nested dicts to dotted names."""
    if not isinstance(value, dict):
        return {path: value}
    found: dict[str, Any] = {}
    for name, item in value.items():
        found |= _leaves(item, f"{path}.{name}" if path else str(name))
    return found


def check_same_run(run_dir: Path, settings: Mapping[str, Any], ranks: Ranks) -> None:
    """Keep `settings` with the run, or compare with those it was started with.

    The fields named in FREE may change between a run and its resumption. Raises TrainingError naming the first other
    difference.
    """
    wanted = json.loads(json.dumps(settings))
    path = run_dir / "run.json"
    if path.exists():
        before, now = _leaves(json.loads(path.read_text())), _leaves(wanted)
        for name in sorted(before.keys() | now.keys()):
            if before.get(name) != now.get(name) and name.rpartition(".")[2] not in FREE:
                was, new = before.get(name), now.get(name)
                raise TrainingError(f"{run_dir} holds a run with {name} = {was!r}, got {new!r}; use another run_dir")
    ranks.wait()
    if ranks.leads:
        run_dir.mkdir(parents=True, exist_ok=True)
        write_json(path, wanted)


class Checkpoints:
    """The checkpoints of one run. `parts` are flat dicts of tensors, written and read in place."""

    def __init__(self, run_dir: Path, parts: Mapping[str, Mapping[str, Tensor]], ranks: Ranks) -> None:
        self.folder, self.parts, self.ranks = run_dir / "checkpoints", parts, ranks

    def steps(self) -> list[int]:
        """Steps of which a whole checkpoint exists, ascending."""
        return checkpoint_steps(self.folder)

    def save(self, step: int) -> None:
        """Write the state after `step` steps; remove all but the last KEPT. Every rank calls this."""
        beside = self.folder / f"{step:08d}{PARTIAL}"
        if self.ranks.leads:
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir(parents=True)
        for part, tensors in self.parts.items():
            whole = {name: gather(tensor) for name, tensor in tensors.items()}
            if self.ranks.leads:
                write_tensors(beside / f"{part}.safetensors", whole)
        if self.ranks.leads:
            write_json(beside / "step.json", {"step": step})
            place = self.folder / f"{step:08d}"
            if not place.exists():
                beside.rename(place)
            self._prune()
        self.ranks.wait()

    def _prune(self) -> None:
        for step in self.steps()[:-KEPT]:
            doomed = self.folder / f"{step:08d}"
            shutil.rmtree(doomed.rename(doomed.with_name(doomed.name + PARTIAL)))

    def restore(self) -> int:
        """Read the newest checkpoint into `parts` and return its step, or 0 when there is none."""
        if self.ranks.leads and self.folder.exists():
            for unfinished in self.folder.glob(f"*{PARTIAL}"):
                shutil.rmtree(unfinished)
        self.ranks.wait()
        done = self.steps()
        if not done:
            return 0
        for part, tensors in self.parts.items():
            stored = load_file(self.folder / f"{done[-1]:08d}" / f"{part}.safetensors")
            _copy_into(tensors, stored, part)
        return done[-1]


@torch.no_grad()
def _copy_into(tensors: Mapping[str, Tensor], stored: Mapping[str, Tensor], part: str) -> None:
    """Fill tensors with stored ones of the same names and shapes. Raises CheckpointError."""
    if odd := sorted(tensors.keys() ^ stored.keys()):
        raise CheckpointError(f"{part} of the checkpoint and of the run differ in {odd[0]}")
    for name, tensor in tensors.items():
        if tensor.shape != stored[name].shape:
            raise CheckpointError(f"{part}: {name} is {tuple(stored[name].shape)}, wanted {tuple(tensor.shape)}")
        local(tensor).copy_(keep_shard(stored[name].to(tensor.device), tensor))


def checkpoint_steps(folder: Path) -> list[int]:
    """Return the steps whose checkpoints in `folder` are whole, ascending."""
    found = folder.glob("*/step.json") if folder.exists() else ()
    return sorted(int(path.parent.name) for path in found if not path.parent.name.endswith(PARTIAL))


def read_weights(run_dir: Path, module: str, halflife: int | None = None) -> dict[str, Tensor]:
    """Return the newest state of one network of a run: its weights, or its average with a half-life.

    Raises CheckpointError when the run has none.
    """
    steps = checkpoint_steps(run_dir / "checkpoints")
    if not steps:
        raise CheckpointError(f"{run_dir} holds no checkpoint yet")
    folder = run_dir / "checkpoints" / f"{steps[-1]:08d}"
    state = _with_prefix(load_file(folder / "weights.safetensors"), f"{module}/")
    if halflife is not None:
        average = _with_prefix(load_file(folder / "ema.safetensors"), f"{halflife}/{module}/")
        if not average:
            raise CheckpointError(f"{folder} holds no average of {module} with half-life {halflife}")
        state |= average
    if not state:
        raise CheckpointError(f"{folder} holds no network {module!r}")
    return state


def _with_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
