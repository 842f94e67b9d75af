"""`skyloom info`: what a thing is made of."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

KILO = 1000


def info(
    name: Annotated[str | None, typer.Argument(help="checkpoint, or a file made by Skyloom; left out: all")] = None,
) -> None:
    """Tell what a checkpoint or a video is made of.

    Examples: `skyloom info` -- `skyloom info nano` -- `skyloom info fox.mp4`
    """
    console = Console(soft_wrap=True)
    if name is None:
        _show_machine(console)
    elif Path(name).is_file():
        _show_file(Path(name), console)
    else:
        _show_checkpoint(name, console)


def _rows(console: Console, rows: dict[str, object]) -> None:
    table = Table.grid(padding=(0, 2))
    for label, value in rows.items():
        table.add_row(label, str(value))
    console.print(table, highlight=False, markup=False)


def _show_machine(console: Console) -> None:
    """Versions, cores, shipped checkpoints."""
    import torch

    from skyloom.pipelines.checkpoint import WEIGHTS, shipped
    from skyloom.pipelines.pipeline import program_version

    default = WEIGHTS / "DEFAULT"
    best = default.read_text().strip() if default.exists() else None
    names = [f"{name} (default)" if name == best else name for name in shipped()]
    rows: dict[str, object] = {
        "skyloom": program_version(),
        "python": platform.python_version(),
        "torch": f"{torch.__version__}, {torch.get_num_threads()} threads",
        "checkpoints": ", ".join(names) or "none shipped with this copy",
    }
    _rows(console, rows)


def _show_file(path: Path, console: Console) -> None:
    """Size, rate and stored settings of a picture or video."""
    from skyloom.data.video_io import read_metadata, read_video

    video, settings = read_video(path), read_metadata(path)
    size = video.size
    rows: dict[str, object] = {
        "file": path,
        "shows": f"{size.num_frames} frames of {size.width} x {size.height}, {video.fps:g} fps, {video.seconds:.2f} s",
        "settings": "stored by Skyloom" if settings else "none stored",
    }
    _rows(console, {**rows, **{f"  {name}": value for name, value in settings.items()}})


def _show_checkpoint(name: str, console: Console) -> None:
    """Preset, sizes, sampling and card of a checkpoint."""
    from skyloom.pipelines.checkpoint import load_checkpoint

    found = load_checkpoint(name)
    clip = found.preset.clip
    weights = {"autoencoder": found.autoencoder, "transformer": found.transformer, **found.extras}
    rows: dict[str, object] = {
        "checkpoint": f"{found.name} (preset {found.preset.name})",
        "folder": found.folder,
        "sha256": found.sha256,
        "trained at": f"{clip.num_frames} frames of {clip.width} x {clip.height} at {clip.fps:g} fps",
    }
    for part, state in weights.items():
        size = found.files[f"{part}.safetensors"] / KILO**2
        rows[part] = f"{sum(tensor.numel() for tensor in state.values()) / KILO**2:.2f} M parameters, {size:.2f} MB"
    rows["sampling"] = ", ".join(f"{key} {value}" for key, value in vars(found.sampling).items())
    _rows(console, rows)
    if found.card:
        console.print("\n" + found.card.strip(), highlight=False, markup=False)
