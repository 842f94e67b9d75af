"""An engine without networks: test cards.

For trying a client, a server or a cluster without a model (`skyloom work --engine skyloom.serving.rehearsal:make`), and
for killing one: its answer depends on the order alone, it takes steps that cost some time, and it goes on from the last
finished one. The bars' colours come from a hash that all steps went into.
"""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from skyloom.serving.jobs import OnProgress, Stopped
from skyloom.serving.results import write_atomically, write_pictures, write_preview, write_results

STEP_FILE = "step.json"
DEFAULTS = {"num_frames": 9, "height": 64, "width": 64, "fps": 8.0, "num_inference_steps": 8, "seed": 0}


def make(
    order: dict[str, Any],
    inputs: dict[str, Path],
    folder: Path,
    on_progress: OnProgress,
    *,
    step_seconds: float = 0.05,
) -> dict[str, Any]:
    """Paint a test card for an order; a step lasts `step_seconds`."""
    asked = DEFAULTS | {name: value for name, value in order.get("settings", {}).items() if value is not None}
    steps = max(1, int(asked["num_inference_steps"]))
    seen = [hashlib.sha256(path.read_bytes()).hexdigest() for _, path in sorted(inputs.items())]
    start = json.dumps([order.get("task"), order.get("prompt"), asked, seen], sort_keys=True)
    done, state = _resumed(folder, start)
    while done < steps:
        time.sleep(step_seconds)
        done, state = done + 1, hashlib.sha256(f"{done} {state}".encode()).hexdigest()
        saved = json.dumps({"start": start, "done": done, "state": state})
        write_atomically(folder / STEP_FILE, lambda path, text=saved: path.write_text(text))
        if done == steps // 2:
            write_preview(folder, bars(state, 1, int(asked["height"]), int(asked["width"]))[0])
        if not on_progress(95 * done // steps):
            raise Stopped
    return _finished(folder, asked, state)


def _resumed(folder: Path, start: str) -> tuple[int, str]:
    """Return the steps done and the state after them; what cannot be read was never written."""
    try:
        saved = json.loads((folder / STEP_FILE).read_text())
    except (OSError, ValueError):
        return 0, start
    return (saved["done"], saved["state"]) if saved.get("start") == start else (0, start)


def _finished(folder: Path, asked: dict[str, Any], state: str) -> dict[str, Any]:
    """Write the files and tell what was made."""
    height, width, fps, count = int(asked["height"]), int(asked["width"]), float(asked["fps"]), int(asked["num_frames"])
    made = {"checkpoint": "rehearsal", "seed": asked["seed"], "height": height, "width": width, "state": state}
    if "output_format" in asked:
        number = int(asked.get("n", 1))
        pictures = [bars(f"{index}{state}", 1, height, width)[0] for index in range(number)]
        return made | {"files": write_pictures(folder, pictures, str(asked["output_format"]))}
    files = write_results(folder, bars(state, count, height, width), fps, json.dumps({"skyloom": made}))
    return made | {"num_frames": count, "fps": fps, "files": files}


def bars(state: str, num_frames: int, height: int, width: int) -> np.ndarray:
    """Return eight bars in colours of a text's hash, moving a bar's width a second: (f, h, w, 3) uint8."""
    colours = np.frombuffer(hashlib.sha256(state.encode()).digest()[:24], dtype=np.uint8).reshape(8, 3)
    columns = np.arange(width) * 8 / width
    shown = (columns[None] + np.arange(num_frames)[:, None] / 8).astype(int) % 8
    return np.repeat(colours[shown][:, None], height, axis=1)
