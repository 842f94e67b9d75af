"""Trains what watches clips: the judge and the captioner.

First eye, tracker and classifier, on a few frames of many scenes. Then the clock, on what the finished eye sees in
whole clips, kept in RUN_DIR/evidence and read many times. Both by the one loop, so the same command goes on where a
killed run stood.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from skyloom.config import ClipConfig, OptimConfig, TrainConfig, WorldConfig, to_dict
from skyloom.data.softening import soften
from skyloom.models.clock import Evidence
from skyloom.models.watcher import Watcher
from skyloom.models.watcher_losses import eye_losses
from skyloom.models.watcher_truth import Truth, clips_with_truth, in_slots, left_to_right, shuffle_time
from skyloom.seeds import derive_seed, generator_for
from skyloom.training.checkpointing import check_same_run, read_weights, write_tensors
from skyloom.training.distributed import Ranks
from skyloom.training.ema import Ema
from skyloom.training.loop import autocast, train

SHARD = 250
"""Clips of one file of evidence."""
SINGLE_FRAME = ("eye", "tracker", "classifier")


EYE = TrainConfig(
    steps=2000, batch_size=20, compile=False, checkpoint_every=250,
    optim=OptimConfig(adamw_lr=2.5e-3, weight_decay=0.02, decay_share=0.6, clip_norm=5.0, ema_halflives=(50,)),
)  # fmt: skip
CLOCK = TrainConfig(
    steps=3000, batch_size=64, compile=False, precision="fp32", checkpoint_every=500,
    optim=OptimConfig(adamw_lr=2e-3, weight_decay=0.02, decay_share=0.7, clip_norm=5.0, ema_halflives=(50,)),
)  # fmt: skip


@dataclass(frozen=True)
class WatcherPlan:
    """How much is learned from what; the defaults take about fifteen minutes of one core."""

    world: WorldConfig
    clip: ClipConfig = field(default_factory=ClipConfig)
    first_scene: int = 0
    eye_frames: int = 3
    clips: int = 9000
    shuffled_share: float = 0.2
    eye: TrainConfig = EYE
    clock: TrainConfig = CLOCK


def varied(world: WorldConfig) -> WorldConfig:
    """Return the same world with more of what is rare, so that a watcher sees enough of it."""
    return replace(world, two_actors=0.4, three_actors=0.05, weather=0.5, camera=0.5, style=0.35, event=0.0, cut=0.0)


def train_watcher(watcher: Watcher, plan: WatcherPlan, run_dir: Path, say: Callable[[str], None] = print) -> Watcher:
    """Train both stages, from where RUN_DIR stands; the same plan gives the same networks on one machine."""
    for parameter in watcher.parameters():
        parameter.muon = False
    settings = {"watcher": to_dict(watcher.config), "plan": to_dict(plan)}
    train(EyeStage(watcher, plan), plan.eye, run_dir / "eye", settings=settings, measure=False)
    for name in SINGLE_FRAME:
        getattr(watcher, name).load_state_dict(read_weights(run_dir / "eye", name))
    clock = ClockStage(watcher, plan, *gathered(watcher, plan, run_dir / "evidence", settings, say))
    train(clock, plan.clock, run_dir / "clock", settings=settings, measure=False)
    watcher.clock.load_state_dict(read_weights(run_dir / "clock", "clock"))
    return watcher.eval()


class EyeStage:
    """Trains eye, tracker and classifier on a few softened frames of each scene."""

    def __init__(self, watcher: Watcher, plan: WatcherPlan) -> None:
        self.watcher, self.plan = watcher.train(), plan

    def modules(self) -> dict[str, nn.Module]:
        """Return the networks, by name."""
        return {name: getattr(self.watcher, name) for name in SINGLE_FRAME}

    def loss(self, step: int) -> tuple[Tensor, dict[str, Tensor | float]]:
        """Return the loss of a step's scenes, and its parts."""
        generator = generator_for(self.plan.eye.seed, "watcher eye", step)
        pixels, truth = self._stills(step, generator)
        with autocast(self.plan.eye.precision, pixels.device):
            losses = eye_losses(self.watcher, pixels, truth, generator)
        values: dict[str, Tensor | float] = {name: value.detach() for name, value in losses.items()}
        return torch.stack(list(losses.values())).sum(), values

    def _stills(self, step: int, generator: torch.Generator) -> tuple[Tensor, Truth]:
        plan, count = self.plan, self.plan.eye.batch_size
        indices = plan.first_scene + torch.arange(step * count, (step + 1) * count)
        frames = torch.randperm(plan.clip.num_frames, generator=generator)[: plan.eye_frames].sort().values
        config = self.watcher.config
        pixels, truth = clips_with_truth(varied(plan.world), plan.clip, config, indices, "train", frames)
        return soften(pixels, generator), truth

    def samples(self, step: int, ema: Ema) -> None:
        """Nothing to show."""


class ClockStage:
    """Trains the clock on evidence at hand."""

    def __init__(self, watcher: Watcher, plan: WatcherPlan, evidence: Evidence, wanted: dict[str, Tensor]) -> None:
        self.watcher, self.plan, self.evidence, self.wanted = watcher, plan, evidence, wanted
        watcher.clock.train()

    def modules(self) -> dict[str, nn.Module]:
        """Return the network, by name."""
        return {"clock": self.watcher.clock}

    def loss(self, step: int) -> tuple[Tensor, dict[str, Tensor | float]]:
        """Return the sum of the cross entropies of a step's clips, and each."""
        seed, count = self.plan.clock.seed, self.plan.clock.batch_size
        rows = torch.randint(self.plan.clips, (count,), generator=generator_for(seed, "watcher clock", step))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(seed, "watcher clock dropout", step))
            logits = self.watcher.clock(self.evidence.select(rows))
        losses = {name: cross_entropy(values, self.wanted[name][rows]) for name, values in logits.items()}
        return torch.stack(list(losses.values())).sum(), {name: value.detach() for name, value in losses.items()}

    def samples(self, step: int, ema: Ema) -> None:
        """Nothing to show."""


def cross_entropy(logits: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean over all that has an answer: logits (..., classes), wanted (...) classes or UNKNOWN."""
    return F.cross_entropy(logits.flatten(0, -2), wanted.flatten())


def gathered(
    watcher: Watcher, plan: WatcherPlan, folder: Path, settings: dict, say: Callable[[str], None]
) -> tuple[Evidence, dict[str, Tensor]]:
    """Return evidence of the plan's clips and the clock's targets, from `folder` as far as it is there already."""
    check_same_run(folder, settings, Ranks())
    watcher.eval()
    names, shards = [f.name for f in fields(Evidence)], []
    for first in range(0, plan.clips, SHARD):
        path = folder / f"{first:08d}.safetensors"
        if not path.exists():
            write_tensors(path, watched(watcher, plan, first, min(SHARD, plan.clips - first)))
            say(f"watched {min(first + SHARD, plan.clips)} of {plan.clips} clips")
        shards.append(load_file(path))
    whole = {name: torch.cat([shard[name] for shard in shards]) for name in shards[0]}
    return Evidence(**{name: whole.pop(name).float() for name in names}), whole


@torch.no_grad()
def watched(watcher: Watcher, plan: WatcherPlan, first: int, count: int) -> dict[str, Tensor]:
    """Let the finished eye see clips after those of the first stage, softened, some shuffled: evidence and targets."""
    generator = generator_for(plan.clock.seed, "watcher evidence", first)
    indices = plan.first_scene + plan.eye.steps * plan.eye.batch_size + first + torch.arange(count)
    seen, targets = [], []
    for rows in indices.split(50):
        pixels, truth = clips_with_truth(varied(plan.world), plan.clip, watcher.config, rows, "train")
        pixels, truth = shuffle_time(pixels, truth, plan.shuffled_share, generator)
        with autocast("bf16", pixels.device):
            seen.append(watcher.watch(soften(pixels, generator))[0])
        targets.append(clock_targets(watcher, truth))
    evidence = vars(Evidence.joined(seen))
    return {
        **{name: values.half() for name, values in evidence.items()},
        **{name: torch.cat([target[name] for target in targets]) for name in targets[0]},
    }


def clock_targets(watcher: Watcher, truth: Truth) -> dict[str, Tensor]:
    """Return the classes that the clock shall name, by head."""
    order = left_to_right(truth, truth.seen.shape[1] // 2)
    of_slots = {name: in_slots(getattr(truth, name), order, False) for name in watcher.config.slot_heads}
    return {name: getattr(truth, name) for name in watcher.config.heads} | of_slots
