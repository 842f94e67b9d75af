"""`skyloom storyboard`: a timeline of shots, from a YAML or JSON file.

skyloom storyboard fox.yaml -o fox.mp4

from skyloom.pipelines.storyboard import Shot
video = skyloom.load().storyboard([Shot("a fox runs", 3), Shot("a fox jumps", 2)])
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from skyloom.cli import options
from skyloom.cli.making import Paper, make_film, read_input
from skyloom.errors import InvalidArgument, MediaError, MissingDependency, one_of

if TYPE_CHECKING:
    from skyloom.diffusion.sampler import OnStep
    from skyloom.pipelines.film import Film
    from skyloom.pipelines.pipeline import Pipeline
    from skyloom.pipelines.storyboard import Shot

VIEW = ("camera", "motion", "pan", "tilt", "zoom")
NUMBERS = ("seconds", "motion", "pan", "tilt", "zoom")
KEYS = ("prompt", "seconds", "cut", "pictures", "clips", *VIEW)
WHOLE = ("shots", "size", "fps", "seed", "steps", "guidance", "negative_prompt", "style", "expand", "fit")


@options.shared
def storyboard(
    file: Annotated[Path, typer.Argument(help="YAML or JSON: shots, each with a prompt, seconds, and more")],
    *,
    shared: options.Shared,
) -> None:
    """Make a film of shots.

    Each shot of the file has a `prompt` and `seconds`; `cut: true` begins it anew, otherwise it goes on from the shot
    before. `pictures` and `clips` are files by the second of the shot at which they stand; `camera`, `motion`, `pan`,
    `tilt` and `zoom` are as on the command line. Beside `shots` the file may hold size, fps, seed, steps, guidance,
    negative_prompt, style, expand and fit; what is given on the command line wins.

    Example: `skyloom storyboard fox.yaml -o fox.mp4`, where fox.yaml holds
    `shots: [{prompt: a fox runs, seconds: 3}, {prompt: a fox jumps, seconds: 2, camera: zoom in}]`
    """
    board = read_board(file)
    files: list[Path] = []
    shots = [_shot(number, told, file.parent, files) for number, told in enumerate(board.pop("shots"), start=1)]
    whole = options.packed({name: board.get(name, default) for name, (_, default) in options.COMMON.items()})
    settings = {**whole.settings, **{k: v for k, v in shared.settings.items() if k != "fit" or v != "crop"}}

    def film(pipeline: Pipeline, on_step: OnStep, console: Console) -> Film:
        from skyloom.pipelines.storyboard import storyboard as make

        return make(pipeline, shots, on_step=on_step, **settings)

    make_film(Paper.of(file.stem, shared, files), shared.checkpoint, film)


def read_board(file: Path) -> dict[str, Any]:
    """Return what a storyboard file holds. Raises MediaError, InvalidArgument."""
    try:
        text = file.read_text(encoding="utf-8")
        board = json.loads(text) if file.suffix.lower() == ".json" else _yaml(text)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise MediaError(f"cannot read {file}: {reason}") from error
    if not isinstance(board, dict) or not isinstance(board.get("shots"), list) or not board["shots"]:
        raise InvalidArgument("storyboard", str(file), "hold a list of `shots`")
    for name in board:
        one_of("key of a storyboard", str(name), WHOLE)
    return board


def _yaml(text: str) -> Any:
    """Read YAML. Raises ValueError."""
    try:
        import yaml
    except ImportError as error:
        raise MissingDependency("pyyaml", "a storyboard in YAML") from error
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"not YAML: {error}") from error


def _shot(number: int, told: Any, folder: Path, files: list[Path]) -> Shot:
    """Return one shot; the files that it shows are added to `files`. Raises InvalidArgument, MediaError."""
    from skyloom.pipelines.storyboard import Shot

    if not isinstance(told, Mapping) or not isinstance(told.get("prompt"), str):
        raise InvalidArgument(f"shot {number}", told, "have a `prompt`")
    for name, value in told.items():
        one_of(f"key of shot {number}", str(name), KEYS)
        if name in NUMBERS and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise InvalidArgument(f"{name} of shot {number}", value, "be a number")
    if not isinstance(told.get("cut", False), bool):
        raise InvalidArgument(f"cut of shot {number}", told["cut"], "be true or false")
    shown: dict[str, dict[float, Any]] = {}
    for kind in ("pictures", "clips"):
        places = {_second(number, second): folder / str(path) for second, path in dict(told.get(kind, {})).items()}
        files.extend(places.values())
        shown[kind] = {second: read_input(path) for second, path in places.items()}
    view = {name: told[name] for name in VIEW if name in told}
    return Shot(told["prompt"], told.get("seconds", 2.0), told.get("cut", False), view=view, **shown)


def _second(number: int, text: Any) -> float:
    try:
        return float(text)
    except (TypeError, ValueError) as error:
        raise InvalidArgument(f"second of a picture of shot {number}", text, "be a number") from error
