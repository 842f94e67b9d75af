"""How soon a stream's first frame is there, what a second of it costs, and that memory stays.

    python benchmarks/streaming.py --checkpoint nano --seconds 30

Seconds are those of this thread, so that other work on the machine does not count; on an idle machine they are what a
clock would show. Where a checkpoint has no causal part, its transformer stands in: the same work, not the same video.
"""

from __future__ import annotations

import argparse
import resource
import time
from itertools import islice

import torch

from skyloom.pipelines.loading import load
from skyloom.pipelines.pipeline import Pipeline

PROMPT = "A fox is running to the right on a beach."


def peak() -> int:
    """Return the most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def once(pipeline: Pipeline, seconds: float, steps: int, guidance: float, plan: bool) -> tuple[float, float, int, int]:
    """Return seconds to the first frame, seconds for one of video, and the peak of memory after 2 s and at the end."""
    began = time.thread_time()
    asked = {"num_inference_steps": steps, "guidance_scale": guidance, "plan": plan, "seed": 1}
    film = pipeline.stream(PROMPT, seconds=seconds, **asked)
    next(film.chunks)
    first = time.thread_time() - began
    began = time.thread_time()
    count = sum(map(len, islice(film.chunks, 4)))
    early = peak()
    count += sum(map(len, film.chunks))
    return first, (time.thread_time() - began) * film.fps / count, early, peak()


def main() -> None:
    """Print one line for each way to ask."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", default=None)
    parser.add_argument("--seconds", type=float, default=30.0)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    pipeline = load(asked.checkpoint)
    if pipeline.causal is None:
        pipeline.__dict__["causal"] = pipeline.transformer
        print("no causal part: the transformer stands in")
    once(pipeline, 1.0, 2, 1.0, True)
    for steps, guidance, plan in ((4, 1.0, False), (4, 1.0, True), (8, 1.0, True), (8, 4.0, True)):
        first, rate, early, late = once(pipeline, asked.seconds, steps, guidance, plan)
        how = f"{steps} steps, guidance {guidance:g}, {'planned' if plan else 'not planned'}"
        told = f"first frame {first:.3f} s, {rate:.3f} s for a second of video, {early} MB after 2 s, {late} at the end"
        print(f"{how}: {told}", flush=True)


if __name__ == "__main__":
    main()
