"""`skyloom train oracle` and `skyloom train captioner`: what reads clips."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from skyloom.cli.train import DryRun, PresetName, RunDir

Share = Annotated[float, typer.Option(min=0.0, max=1.0, help="share of the steps and clips, for a trial")]


def train_oracle(preset: PresetName, run_dir: RunDir, share: Share = 1.0, dry_run: DryRun = False) -> None:
    """Train a judge on renders; writes RUN_DIR/oracle.safetensors. Then: python -m skyloom.evaluation.oracle_card."""
    _train("oracle", preset, run_dir, share, dry_run)


def train_captioner(preset: PresetName, run_dir: RunDir, share: Share = 1.0, dry_run: DryRun = False) -> None:
    """Train a captioner on renders; writes RUN_DIR/captioner.safetensors."""
    _train("captioner", preset, run_dir, share, dry_run)


def _train(name: str, preset: str, run_dir: Path, share: float, dry_run: bool) -> None:
    from skyloom.config import to_dict
    from skyloom.presets import preset as find_preset
    from skyloom.training.readers import reader_plan, train_reader

    chosen = find_preset(preset)
    if dry_run:
        Console().print_json(data=to_dict(reader_plan(name, chosen, share)))
        return
    train_reader(name, chosen, run_dir, share)
    Console(stderr=True).print(f"{run_dir / name}.safetensors", soft_wrap=True, highlight=False)
