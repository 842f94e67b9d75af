"""Where numbers were measured: hardware, versions, commit."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from pathlib import Path

import torch

MATMUL_SIZE = 1024


def processor_name() -> str:
    """Return the processor's name as the system gives it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def commit() -> str | None:
    """Return the commit of the source tree, with "+" when files differ from it; None outside of a repository."""
    here = Path(__file__).resolve().parent
    try:
        name = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=here, capture_output=True, text=True, check=True
        )
        changed = subprocess.run(["git", "diff", "--quiet", "HEAD"], cwd=here, capture_output=True, check=False)
    except (OSError, subprocess.CalledProcessError):
        return None
    return name.stdout.strip() + ("+" if changed.returncode else "")


def matmul_rate(dtype: torch.dtype, seconds: float = 0.5) -> float:
    """Return the rate of square matrix products of MATMUL_SIZE, in GFLOP a second, with the threads now set."""
    left, right = torch.randn(2, MATMUL_SIZE, MATMUL_SIZE).to(dtype).unbind()
    left @ right
    started, rounds = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        left @ right
        rounds += 1
    return rounds * 2 * MATMUL_SIZE**3 / (time.perf_counter() - started) / 1e9


def describe_machine() -> dict:
    """Return what every report says about its machine, as JSON values."""
    return {
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "commit": commit(),
    }
