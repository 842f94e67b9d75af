"""Whether a minute stays what it began as.

A minute and ten seconds of the same prompt are made by the command line, each in a process of its own, so that wall
time and peak memory are what a user has. The minute is then read back from its file and cut into clips as long as those
of training: the judge names each, and its colour and sharpness are measured. First and last five seconds are compared.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from skyloom.config import ClipConfig, WorldConfig
from skyloom.data.fitting import fit
from skyloom.data.video_io import read_video
from skyloom.evaluation.clip_measures import motion, sharpness
from skyloom.evaluation.fresh_process import Cost, run_measured
from skyloom.evaluation.oracle import Oracle
from skyloom.evaluation.samples import SampleLog
from skyloom.evaluation.scoring import asked, score
from skyloom.evaluation.task_bench import Goal, Subject
from skyloom.evaluation.task_cases import Case, choose, clips_of
from skyloom.video import Video

SLOTS = ("actor", "place", "count", "motion")
EDGE = 5.0
"""Seconds at each end that are compared."""
CLIPS_PER_MINUTE = 25
"""A minute counts as this many samples when a count is asked for."""
LIGHTEST = 1e-6
Make = Callable[[str, float, int], tuple[Video, Cost]]
"""Prompt, seconds and seed to a video and what it cost."""


@dataclass(frozen=True)
class MinutePlan:
    """What is measured, how often. long, short: seconds of the two videos of a case."""

    world: WorldConfig
    clip: ClipConfig
    count: int = 4
    seed: int = 0
    batch_size: int = 1
    long: float = 60.0
    short: float = 10.0


def cases_for(count: int) -> int:
    """Return how many minutes stand for a count of samples."""
    return max(1, count // CLIPS_PER_MINUTE)


def by_command(checkpoint: str | None, clip: ClipConfig) -> Make:
    """Return the maker that asks the command line in a fresh process, and reads its file at the clip's size."""

    def make(prompt: str, seconds: float, seed: int) -> tuple[Video, Cost]:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "minute.mp4"
            words = ["generate", prompt, "--seconds", f"{seconds:g}", "--seed", str(seed), "-o", str(path)]
            chosen = [] if checkpoint is None else ["--checkpoint", checkpoint]
            cost = run_measured([sys.executable, "-m", "skyloom", *words, *chosen])
            return fit(read_video(path), clip.height, clip.width), cost

    return make


def cut(pixels: Tensor, frames: int) -> Tensor:
    """Cut (1, 3, f, h, w) into whole clips (n, 3, frames, h, w); what is left over at the end is not looked at."""
    count = max(1, pixels.shape[2] // frames)
    return torch.cat(list(pixels[:, :, : count * frames].split(min(frames, pixels.shape[2]), dim=2))[:count])


def over_time(oracle: Oracle, video: Video, wanted: dict, frames: int) -> dict[str, list[float]]:
    """Return one value for each clip of a video, by name: slots right, sharpness, motion, the three mean colours."""
    clips = cut(video.pixels(), frames)
    readings = [reading.as_dict() for reading in oracle.read(clips)]
    found = [score(reading, wanted) for reading in readings]
    names = [reading["actors"][0]["name"] if reading["actors"] else "" for reading in readings]
    colours = clips.mean((2, 3, 4)) / 2 + 0.5
    series = {slot: [one[slot] for one in found] for slot in SLOTS}
    series |= {"as at first": [float(name == names[0]) for name in names]}
    series |= {"sharpness": sharpness(clips).tolist(), "motion": motion(clips).tolist()}
    series |= {name: colours[:, k].tolist() for k, name in enumerate(("red", "green", "blue"))}
    return {name: [round(value, 5) for value in values] for name, values in series.items()}


def at_ends(series: dict[str, list[float]], clips: int) -> dict[str, float]:
    """Compare the first and the last clips of a series by name."""
    first = {name: _mean(values[:clips]) for name, values in series.items()}
    last = {name: _mean(values[-clips:]) for name, values in series.items()}
    result: dict[str, float] = {}
    for slot in SLOTS:
        result |= {f"{slot}, first 5 s": first[slot], f"{slot}, last 5 s": last[slot]}
        result[f"{slot} lost"] = first[slot] - last[slot]
    result["as at first"] = last["as at first"]
    result["colour shift"] = max(abs(last[name] - first[name]) for name in ("red", "green", "blue"))
    for name in ("sharpness", "motion"):
        result[f"{name} kept"] = last[name] / max(first[name], LIGHTEST)
    result["count right"] = _mean(series["count"])
    return result


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _costs(long: Cost, short: Cost, plan: MinutePlan) -> dict[str, float]:
    return {
        f"seconds for {plan.long:g} s": long.seconds, f"processor seconds for {plan.long:g} s": long.processor,
        f"seconds for {plan.short:g} s": short.seconds, f"MB for {plan.long:g} s": long.megabytes,
        f"MB for {plan.short:g} s": short.megabytes, "memory ratio": long.megabytes / short.megabytes,
    }  # fmt: skip


def measure(plan: MinutePlan, oracle: Oracle, make: Make, case: Case, real: Tensor) -> dict[str, Any]:
    """Make and measure one case. real: the case's clip and another's, (2, 3, f, h, w)."""
    wanted = asked(case.facts)
    (video, long), (_, short) = make(case.prompt, plan.long, case.seed), make(case.prompt, plan.short, case.seed)
    series = over_time(oracle, video, wanted, plan.clip.num_frames)
    edge = max(1, int(EDGE * video.fps / plan.clip.num_frames))
    values = {"made": at_ends(series, edge) | _costs(long, short, plan)}
    for line, pixels in zip(("render", "another render"), real, strict=True):
        still = over_time(oracle, Video.from_pixels(pixels, video.fps), wanted, plan.clip.num_frames)
        values[line] = {f"{slot}, first 5 s": still[slot][0] for slot in SLOTS}
    rounded = {line: {name: round(value, 5) for name, value in found.items()} for line, found in values.items()}
    return {"row": "minute", "prompt": case.prompt, "seed": case.seed, "values": rounded, "over time": series}


def run(
    plan: MinutePlan, oracle: Oracle, make: Make, log: SampleLog, advance: Callable[[int], None]
) -> list[dict[str, Any]]:
    """Measure what the log lacks and return all samples; `advance` is told how many were done."""
    samples = log.read()[: plan.count]
    advance(len(samples))
    cases = choose(plan.world, "calm", plan.seed, range(plan.count + 1), "minute")
    for number in range(len(samples), plan.count):
        real = clips_of(plan.world, "calm", cases[number : number + 2], plan.clip)
        samples.append({"name": f"minute/{number}", **measure(plan, oracle, make, cases[number], real)})
        log.append(samples[-1:])
        advance(1)
    return samples


GOALS = (Goal("memory ratio", "<=", 1.1), Goal("actor lost", "<=", 0.1), Goal("place lost", "<=", 0.1))
SUBJECTS = {"minute": Subject("a minute", GOALS)}
