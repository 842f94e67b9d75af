"""How long each stage of a generation takes.

Loading (checkpoint and text encoder from disk, imports done before), then the same prompt again and again with other
seeds: text, denoise (all steps of the sampler), decode, write (an mp4). "first frame" is text, denoise and the decoding
of the first chunk. The machine's own matrix product rate is measured in the same run, before and after.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from skyloom.data.video_io import write_video
from skyloom.evaluation.machine import matmul_rate
from skyloom.pipelines.loading import load
from skyloom.pipelines.pipeline import Pipeline
from skyloom.pipelines.tasks import text_to_video
from skyloom.seeds import derive_seed
from skyloom.video import Video

STAGES = ("text", "denoise", "decode", "write", "first frame", "whole")
PROMPT = "a fox walks to the left on a beach"


@dataclass
class Stopwatch:
    """Seconds by stage, one entry for each round."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    def add(self, stage: str, since: float) -> float:
        """Note the seconds since a moment; return the moment now."""
        now = time.perf_counter()
        self.seconds.setdefault(stage, []).append(now - since)
        return now


def one_round(pipeline: Pipeline, seed: int, folder: Path, watch: Stopwatch) -> Video:
    """Generate one clip, stage by stage; the text is encoded once alone, so that it can be told from denoising."""
    started = time.perf_counter()
    pipeline.text_encoder.encode(["", PROMPT], max_length=pipeline.preset.transformer.max_text_tokens)
    text = watch.add("text", started) - started
    before = time.perf_counter()
    latents = pipeline.sample([text_to_video(pipeline.room(), PROMPT)], [seed], pipeline.request())
    sampled = time.perf_counter()
    watch.seconds.setdefault("denoise", []).append(max(sampled - before - text, 0.0))
    chunks = pipeline.decode_stream(latents)
    parts = [next(chunks)]
    watch.add("first frame", before)
    parts.extend(chunks)
    decoded = watch.add("decode", sampled)
    video = Video.from_pixels(torch.cat(parts, 2)[0], pipeline.preset.clip.fps)
    write_video(video, folder / "speed.mp4")
    watch.add("write", decoded)
    watch.add("whole", before)
    return video


def percentiles(values: list[float]) -> dict[str, float]:
    """Return p50 and p95 of at least one value."""
    ordered = sorted(values)
    return {"p50": statistics.median(ordered), "p95": ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]}


def run(checkpoint: str | Path | None, rounds: int, seed: int, advance: Callable[[int], None]) -> dict:
    """Measure a checkpoint; returns JSON values. One round warms up and is not counted."""
    dtype = torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else torch.float32
    started, rates = time.perf_counter(), [matmul_rate(dtype)]
    loading = time.perf_counter()
    pipeline = load(checkpoint)
    loaded = time.perf_counter() - loading
    with TemporaryDirectory() as name:
        one_round(pipeline, seed, Path(name), Stopwatch())
        watch = Stopwatch()
        for number in range(rounds):
            video = one_round(pipeline, derive_seed(seed, "speed", number) % 2**31, Path(name), watch)
            advance(1)
    rates.append(matmul_rate(dtype))
    whole = percentiles(watch.seconds["whole"])["p50"]
    return {
        "checkpoint": pipeline.name,
        "size": [video.size.num_frames, video.size.height, video.size.width],
        "num_inference_steps": pipeline.sampling.num_inference_steps,
        "rounds": rounds,
        "load": loaded,
        "stages": {stage: percentiles(watch.seconds[stage]) for stage in STAGES},
        "seconds": watch.seconds,
        "video_seconds_per_second": video.seconds / whole,
        "matmul_gflops": rates,
        "matmul_dtype": str(dtype).removeprefix("torch."),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "took": time.perf_counter() - started,
    }
