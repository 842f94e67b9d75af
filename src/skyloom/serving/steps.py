"""Sampling that goes on from its last finished step.

A job may sample several times: window after window, picture after picture. What every sampling ended with, and what the
one at work has reached, lies in the job's folder. Taken up again, finished ones are read back and the last one goes on
from its step; all else (words, noise, decoding) depends on the order alone and is done again. The bits are the same,
because an integrator knows nothing of the past but its latents.
"""

from __future__ import annotations

import copy
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from skyloom.diffusion.sampler import OnStep, sample
from skyloom.pipelines.pipeline import Pipeline
from skyloom.seeds import check_seed
from skyloom.serving.jobs import OnProgress, Stopped
from skyloom.serving.results import write_atomically, write_preview
from skyloom.video import Video

START_FILE = "start.json"
PREVIEW_SECONDS = 3.0
SAMPLED = 95
"""Percent when sampling is over; the rest is for writing files."""


class Steps:
    """The steps of one job, kept in its folder. They count only for the same order, inputs and weights."""

    def __init__(
        self, folder: Path, order: Mapping[str, Any], inputs: Mapping[str, Path], sha256: str, on_progress: OnProgress
    ) -> None:
        self.folder, self.on_progress = folder, on_progress
        self.numbers, self.preview_at = count(), time.monotonic() + PREVIEW_SECONDS
        seen = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in inputs.items()}
        order_text = json.dumps([order, seen, sha256], sort_keys=True)
        self.digest = hashlib.sha256(order_text.encode()).hexdigest()
        self.seed = self._begun(order.get("settings", {}).get("seed"))

    def _begun(self, asked: int | None) -> int:
        """Return the job's seed: a random one is drawn once, whoever takes the job up."""
        path = self.folder / START_FILE
        try:
            saved = json.loads(path.read_text())
        except (OSError, ValueError):
            saved = {}
        if saved.get("digest") == self.digest:
            return saved["seed"]
        for old in self.folder.glob("sampling-*"):
            old.unlink()
        seed = check_seed(asked)
        text = json.dumps({"digest": self.digest, "seed": seed})
        write_atomically(path, lambda beside: beside.write_text(text))
        return seed

    def on(self, pipeline: Pipeline) -> Pipeline:
        """Return the same pipeline, whose samplings are kept here."""
        kept = copy.copy(pipeline)
        kept.integrate = self.integrate
        return kept

    def integrate(
        self,
        velocity_fn: Callable[[Tensor, Tensor], Tensor],
        start: Tensor,
        sigmas: Tensor,
        *,
        on_step: OnStep | None = None,
        **how: Any,
    ) -> Tensor:
        """`sample`, step by step, each kept before it is told."""
        path = self.folder / f"sampling-{next(self.numbers):04d}.safetensors"
        done, noisy = _read(path, start)
        total, guesses = len(sigmas) - 1, [noisy]
        while done < total:

            def guess(step: int, steps: int, denoised: Tensor, into: list[Tensor] = guesses) -> None:
                into[0] = denoised

            noisy = sample(velocity_fn, noisy, sigmas[done : done + 2], on_step=guess, **how).contiguous()
            done += 1
            tensors = {"noisy": noisy.cpu(), "done": torch.tensor(done)}
            write_atomically(path, lambda beside, kept=tensors: save_file(kept, beside))
            if on_step is not None:
                on_step(done, total, guesses[0])
        return noisy

    def told(self, pipeline: Pipeline, part: int = 0, parts: int = 1) -> OnStep:
        """Return an on_step for a task, the `part`-th of a job: it tells percents, shows previews, and stops."""

        def on_step(done: int, total: int, denoised: Tensor) -> None:
            if time.monotonic() >= self.preview_at and done < total:
                self.preview_at = time.monotonic() + PREVIEW_SECONDS
                pixels = pipeline.decode(denoised[:1, :, :1].float())
                write_preview(self.folder, Video.from_pixels(pixels[0], 1.0).frames[0])
            self.tell(int(SAMPLED * (part + done / total) / parts))

        return on_step

    def tell(self, percent: int) -> None:
        """Tell the progress. Raises Stopped."""
        if not self.on_progress(percent):
            raise Stopped


def _read(path: Path, start: Tensor) -> tuple[int, Tensor]:
    """Return the steps done and what they reached; what cannot be read was never written."""
    try:
        with safe_open(path, "pt") as saved:
            done, noisy = int(saved.get_tensor("done")), saved.get_tensor("noisy")
    except (OSError, SafetensorError):
        return 0, start
    return (done, noisy.to(start).clone()) if noisy.shape == start.shape else (0, start)
