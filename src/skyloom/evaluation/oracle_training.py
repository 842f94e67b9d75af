"""Trains the judge on renders.

    python -m skyloom.evaluation.oracle_training --out src/skyloom/weights/oracle

First the eye, tracker and classifier, on a few frames of many scenes; then the clock, on what the finished eye sees in
whole clips, kept in memory and read many times. `oracle_card` then measures held-out renders and writes the card.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import torch
import torch.nn.functional as F
import typer
from rich.console import Console
from torch import Tensor, nn

from skyloom.config import ClipConfig, WorldConfig, to_dict
from skyloom.data.softening import soften
from skyloom.evaluation.machine import describe_machine
from skyloom.evaluation.oracle import SHIPPED, OracleNetworks, save_oracle, smaller
from skyloom.evaluation.oracle_clips import clips_with_truth, varied, vocabulary_of
from skyloom.evaluation.oracle_losses import eye_losses
from skyloom.evaluation.oracle_network import Sight, Tracking
from skyloom.evaluation.oracle_truth import Truth, in_slots, left_to_right, shuffle_time
from skyloom.presets import preset
from skyloom.seeds import derive_seed, generator_for

CLOCK_TARGETS = ("motion", "direction", "weather", "camera", "count", "order")


@dataclass(frozen=True)
class OracleTraining:
    """How much is learned from what; the defaults take about twelve minutes of one core."""

    world: WorldConfig
    clip: ClipConfig = field(default_factory=ClipConfig)
    eye_steps: int = 2000
    eye_batch: int = 20
    eye_frames: int = 3
    eye_rate: float = 3e-3
    clock_clips: int = 8000
    clock_steps: int = 2500
    clock_batch: int = 64
    clock_rate: float = 2e-3
    shuffled_share: float = 0.2
    seed: int = 0


@dataclass(frozen=True)
class Watched:
    """What the finished eye saw in n clips, without its maps."""

    context: Tensor  # (n, f, e)
    heat: Tensor  # (n, f, h, w)
    centre: Tensor  # (n, f, s, 2)
    side: Tensor  # (n, f, s)
    looks: Tensor  # (n, f, s, d)
    confidence: Tensor  # (n, f, s)
    turn: Tensor  # (n, f, s, 2)
    small: Tensor  # (n, 3, f, 32, 32) half

    def inputs(self, rows: Tensor) -> tuple[Tracking, Tensor, Sight, Tensor]:
        """Return the clock's inputs for some clips."""
        none = torch.zeros(())
        tracking = Tracking(none, self.centre[rows], self.side[rows], self.looks[rows], self.confidence[rows])
        return tracking, self.turn[rows], Sight(none, self.heat[rows], self.context[rows]), self.small[rows].float()


def train_oracle(plan: OracleTraining, console: Console) -> OracleNetworks:
    """Train an oracle for the plan's world; the same plan gives the same networks on one machine."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(plan.seed, "oracle weights"))
        networks = OracleNetworks(vocabulary_of(plan.world))
    train_eye(networks, plan, console)
    train_clock(networks, plan, console)
    return networks.eval()


def train_eye(networks: OracleNetworks, plan: OracleTraining, console: Console) -> None:
    """First stage: eye, tracker, classifier."""
    learned = [*networks.eye.parameters(), *networks.tracker.parameters(), *networks.classifier.parameters()]
    optimizer, schedule = _optimizer(learned, plan.eye_rate, plan.eye_steps)
    networks.train()
    started = time.perf_counter()
    for step in range(plan.eye_steps):
        generator = generator_for(plan.seed, "oracle eye", step)
        pixels, truth = _stills(plan, networks, step, generator)
        with torch.autocast("cpu", torch.bfloat16):
            losses = eye_losses(networks, pixels, truth, generator)
        _step(optimizer, schedule, torch.stack(list(losses.values())).sum(), learned)
        if step % 50 == 0 or step == plan.eye_steps - 1:
            said = "  ".join(f"{name} {value.item():.3f}" for name, value in losses.items())
            console.print(f"eye {step:5d}  {said}  {time.perf_counter() - started:.0f} s")


def _stills(
    plan: OracleTraining, networks: OracleNetworks, step: int, generator: torch.Generator
) -> tuple[Tensor, Truth]:
    """Return a few random frames of the clips of one step, softened, and their truth."""
    indices = torch.arange(step * plan.eye_batch, (step + 1) * plan.eye_batch)
    frames = torch.randperm(plan.clip.num_frames, generator=generator)[: plan.eye_frames].sort().values
    pixels, truth = clips_with_truth(varied(plan.world), plan.clip, networks.config, indices, "train", frames)
    return soften(pixels, generator), truth


def train_clock(networks: OracleNetworks, plan: OracleTraining, console: Console) -> None:
    """Second stage: the clock, on what the eye saw."""
    started = time.perf_counter()
    watched, wanted = watch(networks, plan)
    console.print(f"watched {plan.clock_clips} clips in {time.perf_counter() - started:.0f} s")
    learned = list(networks.clock.parameters())
    optimizer, schedule = _optimizer(learned, plan.clock_rate, plan.clock_steps)
    networks.clock.train()
    for step in range(plan.clock_steps):
        generator = generator_for(plan.seed, "oracle clock batch", step)
        rows = torch.randint(plan.clock_clips, (plan.clock_batch,), generator=generator)
        logits = networks.clock(*watched.inputs(rows))
        losses = [
            F.cross_entropy(values.flatten(0, -2), wanted[name][rows].flatten()) for name, values in logits.items()
        ]
        _step(optimizer, schedule, torch.stack(losses).sum(), learned)
        if step % 250 == 0 or step == plan.clock_steps - 1:
            said = "  ".join(f"{name} {loss.item():.3f}" for name, loss in zip(logits, losses, strict=True))
            console.print(f"clock {step:5d}  {said}  {time.perf_counter() - started:.0f} s")


@torch.no_grad()
def watch(networks: OracleNetworks, plan: OracleTraining) -> tuple[Watched, dict[str, Tensor]]:
    """Let the finished eye see whole clips, some shuffled in time; return what it saw and the clock's targets."""
    networks.eval()
    seen, targets = [], []
    for part, truth in _whole_clips(plan, networks):
        middle = part.shape[2] // 2
        with torch.autocast("cpu", torch.bfloat16):
            sight = networks.eye(part)
            tracking = networks.tracker(sight, middle)[1]
            turn = networks.look_closely(part, tracking)[1]
        tracks = (tracking.centre, tracking.side, tracking.looks, tracking.confidence)
        seen.append((sight.context, sight.heat, *tracks, turn, smaller(part).half()))
        order = left_to_right(truth, middle)
        slots = {name: in_slots(getattr(truth, name), order, False) for name in ("motion", "direction")}
        targets.append({name: slots.get(name, getattr(truth, name)) for name in CLOCK_TARGETS})
    watched = Watched(*(torch.cat(values) for values in zip(*seen, strict=True)))
    return watched, {name: torch.cat([target[name] for target in targets]) for name in CLOCK_TARGETS}


def _whole_clips(plan: OracleTraining, networks: OracleNetworks, size: int = 50) -> Iterator[tuple[Tensor, Truth]]:
    """Render the clips after those of the first stage, softened, some of them shuffled."""
    for first in range(0, plan.clock_clips, size):
        generator = generator_for(plan.seed, "oracle clock", first)
        indices = torch.arange(first, min(first + size, plan.clock_clips)) + plan.eye_steps * plan.eye_batch
        pixels, truth = clips_with_truth(varied(plan.world), plan.clip, networks.config, indices, "train")
        pixels, truth = shuffle_time(pixels, truth, plan.shuffled_share, generator)
        yield soften(pixels, generator), truth


def _optimizer(
    learned: list[nn.Parameter], rate: float, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    optimizer = torch.optim.AdamW(learned, rate, betas=(0.9, 0.99), weight_decay=0.02)
    return optimizer, torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.1)


def _step(
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    loss: Tensor,
    learned: list[nn.Parameter],
) -> None:
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(learned, 5.0)
    optimizer.step()
    schedule.step()


def main(
    out: Annotated[Path, typer.Option(help="folder to write")] = SHIPPED,
    name: Annotated[str, typer.Option("--preset", help="whose world to learn")] = "nano",
    share: Annotated[float, typer.Option(help="share of the full number of steps, for a trial")] = 1.0,
    seed: Annotated[int, typer.Option(help="seed of weights and draws")] = 0,
) -> None:
    """Train an oracle and save it."""
    plan = OracleTraining(preset(name).world, seed=seed)
    counts = {key: round(getattr(plan, key) * share) for key in ("eye_steps", "clock_clips", "clock_steps")}
    plan = replace(plan, **counts)
    started, busy = time.perf_counter(), time.process_time()
    save_oracle(train_oracle(plan, Console()), out)
    minutes = {"minutes": (time.perf_counter() - started) / 60, "core_minutes": (time.process_time() - busy) / 60}
    done = {"plan": to_dict(plan), **minutes, **describe_machine()}
    (out / "training.json").write_text(json.dumps(done, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
