"""A command in a process of its own, with its wall time and peak memory.

A process counts what was resident in its parent when it was started as its own peak. So the command is started by a
small process in between: this file, run as a program.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from skyloom.errors import GenerationError

BYTES = 1 if sys.platform == "darwin" else 1024
"""What one unit of ru_maxrss is."""


@dataclass(frozen=True)
class Cost:
    """seconds: wall time; megabytes: the most memory that was resident; processor: seconds of all cores."""

    seconds: float
    megabytes: float
    processor: float


def run_measured(command: Sequence[str]) -> Cost:
    """Run a command and wait for it. Raises GenerationError with the end of what it said when it fails."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "cost.json"
        between = [sys.executable, "-m", "skyloom.evaluation.fresh_process", str(path), *command]
        done = subprocess.run(between, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode:
            text = (done.stdout + done.stderr).strip()[-500:]
            raise GenerationError(f"{' '.join(command[:4])} ... ended with {done.returncode}: {text}")
        return Cost(**json.loads(path.read_text()))


def main(words: Sequence[str]) -> int:
    """Run a command and write its cost to a file: words are the file's path and the command."""
    path, *command = words
    started = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    cost = {
        "seconds": time.perf_counter() - started,
        "megabytes": usage.ru_maxrss * BYTES / 2**20,
        "processor": usage.ru_utime + usage.ru_stime,
    }
    Path(path).write_text(json.dumps(cost))
    return process.returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
