"""How a stage is carried out: trained, finished, told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from rich.console import Console

from skyloom.config import TrainConfig
from skyloom.training.distributed import Ranks, leave
from skyloom.training.loop import Stage, train


class Ranked(Stage, Protocol):
    """A stage that knows its config and which rank it is."""

    config: TrainConfig
    ranks: Ranks


S = TypeVar("S", bound=Ranked)


def carry_out(
    stage: S, run_dir: Path, settings: Mapping[str, Any], share: float, finish: Callable[[S, Path], dict[str, float]],
    name: str = "transformer",
) -> None:  # fmt: skip
    """Train for a share of the steps, let `finish` write RUN_DIR/NAME.safetensors, say what came, and leave."""
    config, ranks = stage.config, stage.ranks
    train(stage, config, run_dir, settings=settings, ranks=ranks, until=max(1, round(share * config.steps)))
    found = finish(stage, run_dir)
    Console(stderr=True, quiet=not ranks.leads).print(f"{run_dir / name}.safetensors: {found}", soft_wrap=True)
    leave(ranks)
