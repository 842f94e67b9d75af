"""How long each stage of a generation takes.

Loading is timed once, imports done before. Then rounds, each with a seed of its own: first the stages one after the
other (text, plan, denoise, decode, enlarge, mark, encode, sign), then the whole road as a user goes it, from the prompt
to a signed mp4 ("whole"), and how soon its first frames are there ("first frame"). The machine's own rate of matrix
products, in the type that the network computes in, is measured before every round; "share" is what denoising
reaches of it. Seconds of the processor are noted beside those of the clock: where the machine has other work, the two
part, and the share by processor seconds is the one to trust.
"""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from skyloom.data.encoders import stream_mp4
from skyloom.data.fitting import upscale
from skyloom.data.stamping import sign_file, stamped
from skyloom.data.video_io import write_chunks
from skyloom.evaluation.machine import matmul_rate
from skyloom.pipelines import telling
from skyloom.pipelines.canvas import Canvas
from skyloom.pipelines.engine import Request
from skyloom.pipelines.loading import load
from skyloom.pipelines.pipeline import Pipeline
from skyloom.pipelines.planning import planned
from skyloom.pipelines.tasks import text_to_video
from skyloom.provenance.manifest import STAMPED
from skyloom.seeds import derive_seed
from skyloom.video import Video

STAGES = (
    "text", "plan", "denoise", "decode", "enlarge", "mark", "encode", "sign", "first frame", "whole",
)  # fmt: skip
PROMPT = "a fox walks to the left on a beach"
SHOWN = 256
"""Short side of the file, to which smaller videos are enlarged."""
QUALITY = 80.0


@dataclass(frozen=True)
class Wanted:
    """What is made; None is as the checkpoint has it."""

    num_frames: int | None = None
    height: int | None = None
    width: int | None = None
    num_inference_steps: int | None = None
    guidance_scale: float | None = None

    @property
    def size(self) -> dict[str, int | None]:
        """The keywords of a size."""
        return {"num_frames": self.num_frames, "height": self.height, "width": self.width}

    @property
    def sampling(self) -> dict[str, Any]:
        """The keywords of sampling."""
        return {"num_inference_steps": self.num_inference_steps, "guidance_scale": self.guidance_scale}


@dataclass
class Stopwatch:
    """Seconds by stage, one entry for each round: by the clock, and of the processor (all threads)."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    processor: dict[str, list[float]] = field(default_factory=dict)

    def start(self) -> tuple[float, float]:
        """Return the moment, for `note`."""
        return time.perf_counter(), time.process_time()

    def note(self, stage: str, since: tuple[float, float]) -> None:
        """Add what went by since a moment."""
        self.seconds.setdefault(stage, []).append(time.perf_counter() - since[0])
        self.processor.setdefault(stage, []).append(time.process_time() - since[1])

    @contextmanager
    def stage(self, name: str) -> Generator[None]:
        """Note how long what is inside takes."""
        since = self.start()
        yield
        self.note(name, since)


@contextmanager
def integrating(pipeline: Pipeline, around: Callable[[], Any]) -> Generator[None]:
    """Have the pipeline's sampler run inside of the context that `around` makes."""
    plain = pipeline.integrate

    def wrapped(*given: Any, **named: Any) -> Tensor:
        with around():
            return plain(*given, **named)

    pipeline.integrate = wrapped
    try:
        yield
    finally:
        pipeline.integrate = plain


def denoise_flops(pipeline: Pipeline, canvas: Canvas, request: Request) -> int:
    """Count the FLOP of the sampler's matrix products, attention (spelled out: a CPU's kernels are not counted)."""
    counter = FlopCounterMode(display=False)
    with sdpa_kernel(SDPBackend.MATH), integrating(pipeline, lambda: counter):
        pipeline.sample([canvas], [0], replace(request, plan=False))
    return counter.get_total_flops()


def time_stages(pipeline: Pipeline, wanted: Wanted, seed: int, folder: Path, watch: Stopwatch) -> None:
    """Make one clip, stage by stage."""
    path, made_by = folder / "stages.mp4", {"checkpoint_sha256": pipeline.sha256, "seed": seed}
    with watch.stage("text"):
        prompt = pipeline.reworded(PROMPT)
        pipeline.notes(prompt)
        pipeline.text_encoder.encode(["", prompt], max_length=pipeline.preset.transformer.max_text_tokens)
    canvas = text_to_video(pipeline.room(**wanted.size), prompt)
    with watch.stage("plan"):
        canvases = planned(pipeline.planner, pipeline._encode, [canvas], [seed])
    request = replace(pipeline.request(**wanted.sampling), plan=False)
    with integrating(pipeline, lambda: watch.stage("denoise")):
        latents = pipeline.sample(canvases, [seed], request)
    with watch.stage("decode"):
        video = Video.from_pixels(pipeline.decode(latents)[0], pipeline.preset.clip.fps)
    with watch.stage("enlarge"):
        frames = upscale(video, enlarging(video.size.height, video.size.width)).frames
    with watch.stage("mark"):
        marked = list(stamped([frames], video.fps, STAMPED, made_by))
    with watch.stage("encode"):
        stream_mp4(marked, video.fps, path, QUALITY, "{}")
    with watch.stage("sign"):
        sign_file(path, path, STAMPED, made_by)


def time_whole(pipeline: Pipeline, wanted: Wanted, seed: int, folder: Path, watch: Stopwatch) -> Video:
    """Go the whole road: the first frames, then the file. Returns the video as made."""
    since, parts = watch.start(), []
    film = telling.generate(
        pipeline, PROMPT, seed=seed, num_frames=wanted.num_frames, height=wanted.height, width=wanted.width,
        num_inference_steps=wanted.num_inference_steps, guidance_scale=wanted.guidance_scale,
    )  # fmt: skip
    factor = enlarging(film.size.height, film.size.width)

    def shown() -> Iterator[Any]:
        for frames in film.chunks:
            if not parts:
                watch.note("first frame", since)
            parts.append(frames)
            yield upscale(Video(frames, film.fps), factor).frames

    write_chunks(shown(), film.fps, folder / "whole.mp4", quality=QUALITY, metadata=film.metadata)
    watch.note("whole", since)
    return replace(film, chunks=iter(parts)).video()


def enlarging(height: int, width: int) -> int:
    """Return how often a file shows each pixel."""
    return max(1, round(SHOWN / min(height, width)))


def percentiles(values: list[float]) -> dict[str, float]:
    """Return p50 and p95 of at least one value."""
    ordered = sorted(values)
    return {"p50": statistics.median(ordered), "p95": ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]}


def matmul_rates(dtype: torch.dtype) -> tuple[float, float]:
    """Return the machine's rate of matrix products: GFLOP a second, and GFLOP a second of one core's time."""
    started, used = time.perf_counter(), time.process_time()
    rate = matmul_rate(dtype, 0.3)
    return rate, rate * (time.perf_counter() - started) / max(time.process_time() - used, 1e-9)


def fast_type() -> torch.dtype:
    """Return the type that the networks compute in on this processor (`pipelines.precision.fast_matmul`)."""
    return torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else torch.float32


def measure(
    pipeline: Pipeline, wanted: Wanted, rounds: int, seed: int, advance: Callable[[int], None] = lambda steps: None
) -> dict:
    """Measure one size; returns JSON values. One round warms up and is not counted."""
    dtype, watch, rates = fast_type(), Stopwatch(), []
    request = pipeline.request(**wanted.sampling)
    with TemporaryDirectory() as name:
        for number in range(-1, rounds):
            watch = watch if number else Stopwatch()
            own = derive_seed(seed, "speed", max(number, 0)) % 2**31
            rates.append(matmul_rates(dtype))
            time_stages(pipeline, wanted, own, Path(name), watch)
            video = time_whole(pipeline, wanted, own, Path(name), watch)
            advance(min(number + 1, 1))
    flops = denoise_flops(pipeline, text_to_video(pipeline.room(**wanted.size), PROMPT), request)
    stages = {
        stage: percentiles(watch.seconds[stage]) | {"processor": statistics.median(watch.processor[stage])}
        for stage in STAGES
    }
    rate, core_rate = (statistics.median(column) for column in zip(*rates, strict=True))
    return {
        "checkpoint": pipeline.name,
        "size": [video.size.num_frames, video.size.height, video.size.width],
        "fps": video.fps,
        "num_inference_steps": request.sampling.num_inference_steps,
        "guidance_scale": request.sampling.guidance_scale,
        "rounds": rounds,
        "stages": stages,
        "seconds": watch.seconds,
        "video_seconds_per_second": video.seconds / stages["whole"]["p50"],
        "denoise_gflop": flops / 1e9,
        "denoise_share": flops / 1e9 / stages["denoise"]["p50"] / rate,
        "denoise_share_processor": flops / 1e9 / stages["denoise"]["processor"] / core_rate,
        "matmul_gflops": [by_clock for by_clock, _ in rates],
        "matmul_gflops_core": core_rate,
        "matmul_dtype": str(dtype).removeprefix("torch."),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def run(checkpoint: str | Path | None, rounds: int, seed: int, advance: Callable[[int], None]) -> dict:
    """Load a checkpoint and measure it at its own size and settings; returns JSON values."""
    started = time.perf_counter()
    pipeline = load(checkpoint)
    loaded = time.perf_counter() - started
    found = measure(pipeline, Wanted(), rounds, seed, advance)
    return {**found, "load": loaded, "took": time.perf_counter() - started}


def busy() -> dict[str, float | int]:
    """Return how many cores this process may use, and how many are asked for by all (mean of the last minute)."""
    allowed = getattr(os, "sched_getaffinity", None)
    load_average = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return {"cores_allowed": len(allowed(0)) if allowed else os.cpu_count() or 1, "load_average": load_average}
