"""The engine: orders made by a checkpoint.

`make` is what a worker runs for each job. A row of TASKS turns an order into a film; all of them go on from their last
finished step (`steps`), and leave the same files.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skyloom.errors import one_of
from skyloom.serving.jobs import TASKS as NAMES
from skyloom.serving.jobs import OnProgress

if TYPE_CHECKING:
    from skyloom.pipelines.film import Film
    from skyloom.pipelines.pipeline import Pipeline
    from skyloom.serving.steps import Steps

SHARED = (
    "num_inference_steps", "guidance_scale", "negative_prompt", "height", "width", "fps", "motion", "pan", "tilt",
    "zoom", "camera", "style", "expand",
)  # fmt: skip
"""Settings that every task takes by the same name."""


@cache
def loaded(checkpoint: str | None, device: str) -> Pipeline:
    """Load a checkpoint once."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: idle threads sleep on a busy machine
    from skyloom.pipelines.loading import load

    return load(checkpoint, device)


def make(
    order: dict[str, Any],
    inputs: dict[str, Path],
    folder: Path,
    on_progress: OnProgress,
    *,
    checkpoint: str | None = None,
    device: str = "cpu",
) -> dict[str, Any]:
    """Make an order with a checkpoint; None is the best one shipped. Raises SkyloomError."""
    one_of("task", order.get("task", ""), NAMES)
    return made_by(loaded(checkpoint, device), order, inputs, folder, on_progress)


def made_by(
    pipeline: Pipeline, order: Mapping[str, Any], inputs: Mapping[str, Path], folder: Path, on_progress: OnProgress
) -> dict[str, Any]:
    """Make an order with a pipeline; tell what was made, the words that it did not know among it."""
    from skyloom.serving.steps import Steps

    steps = Steps(folder, order, inputs, pipeline.sha256, on_progress)
    steps.tell(0)
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        if "output_format" in order.get("settings", {}):
            made = _pictures(steps.on(pipeline), order, inputs, folder, steps)
        else:
            made = _video(steps.on(pipeline), order, inputs, folder, steps)
    told = list(dict.fromkeys(str(note.message) for note in notes if "Prompt" in note.category.__name__))
    return {**made, "notes": told, "task": order["task"]}


def _video(
    pipeline: Pipeline, order: Mapping[str, Any], inputs: Mapping[str, Path], folder: Path, steps: Steps
) -> dict[str, Any]:
    from skyloom.serving.film_files import write_film

    settings = {**_settings(order), "seed": steps.seed, "on_step": steps.told(pipeline)}
    film = _film(pipeline, order, inputs, settings)
    files, count = write_film(folder, film, inputs)
    size = f"{film.size.width}x{film.size.height}"
    return {**film.metadata, "size": size, "num_frames": count, "seconds": f"{count / film.fps:g}", "files": files}


def _pictures(
    pipeline: Pipeline, order: Mapping[str, Any], inputs: Mapping[str, Path], folder: Path, steps: Steps
) -> dict[str, Any]:
    from skyloom.serving.film_files import write_shots

    number = int(order["settings"].get("n") or 1)
    films = []
    for part in range(number):
        settings = {**_settings(order), "seed": steps.seed + part, "on_step": steps.told(pipeline, part, number)}
        films.append(_film(pipeline, order, inputs, settings).video())
    files = write_shots(folder, films, str(order["settings"]["output_format"]), inputs)
    size = f"{films[0].size.width}x{films[0].size.height}"
    return {**films[0].metadata, "size": size, "files": files}


def _settings(order: Mapping[str, Any]) -> dict[str, Any]:
    given = order.get("settings", {})
    return {name: given[name] for name in SHARED if given.get(name) is not None}


def _film(pipeline: Pipeline, order: Mapping[str, Any], inputs: Mapping[str, Path], settings: dict[str, Any]) -> Film:
    """Return the film that an order asks for."""
    from skyloom.serving.engine_tasks import TASKS

    return TASKS[order["task"]](pipeline, order, inputs, settings)
