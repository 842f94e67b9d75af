"""Steps that fit some minutes, from short runs.

python recipes/steps_that_fit.py SMOKE_DIR AUTOENCODER_MINUTES TRANSFORMER_MINUTES DECODER_MINUTES
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def clips_a_second(run: Path) -> float:
    """Return the best rate of a run's logged lines: the first ones still compile."""
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return max(json.loads(line)["clips_per_second"] for line in lines)


def fitting(run: Path, minutes: float) -> int:
    """Return a number of steps, a multiple of ten, that takes about so many minutes."""
    batch = json.loads((run / "run.json").read_text())["training"]["batch_size"]
    return max(10, int(minutes * 60 * clips_a_second(run) / batch) // 10 * 10)


def main(smoke: str, *minutes: str) -> None:
    """Print a line for each stage: its name and its steps."""
    runs = {"autoencoder": "autoencoder", "transformer": "transformer", "decoder": "autoencoder"}
    for (stage, run), time in zip(runs.items(), minutes, strict=True):
        print(stage, fitting(Path(smoke) / run, float(time)))


if __name__ == "__main__":
    main(*sys.argv[1:])
