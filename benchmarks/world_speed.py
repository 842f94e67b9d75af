"""Time the world: clips a second, by stage.

    python benchmarks/world_speed.py --threads 2                       17 frames of 64 x 64, the nano world
    python benchmarks/world_speed.py --preset base --device cuda       33 frames of 128 x 128
    python benchmarks/world_speed.py --frames 33 --height 72 --width 128 --json speed.json

Stages: sample (numbers to scenes), simulate (scenes to tracks), render (tracks to pixels). Every round makes the same
number of new clips, after one round that is not counted; medians over the rounds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from skyloom.config import ClipConfig, WorldConfig
from skyloom.errors import InvalidArgument, SkyloomError
from skyloom.evaluation.machine import describe_machine
from skyloom.presets import preset
from skyloom.world.physics import simulate
from skyloom.world.render import render
from skyloom.world.stream import World

STAGES = ("sample", "simulate", "render", "whole")


def moment(device: torch.device) -> float:
    """Return the time at which all work given to the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def one_round(world: World, clip: ClipConfig, indices: torch.Tensor) -> dict[str, float]:
    """Return the seconds of each stage for the clips numbered `indices`."""
    moments = [moment(world.device)]
    scenes = world.scenes(indices, "train", clip.width / clip.height)
    moments.append(moment(world.device))
    tracks = simulate(scenes, clip.num_frames, clip.fps)
    moments.append(moment(world.device))
    pixels = render(scenes, tracks, clip.height, clip.width)
    moments.append(moment(world.device))
    if pixels.shape != (len(indices), 3, clip.num_frames, clip.height, clip.width):
        raise RuntimeError(f"the renderer gave {tuple(pixels.shape)}")
    parts = [after - before for before, after in pairwise(moments)]
    return dict(zip(STAGES, [*parts, moments[-1] - moments[0]], strict=True))


def measure(world: World, clip: ClipConfig, clips: int, repeats: int) -> dict[str, list[float]]:
    """Return the seconds of each stage, one entry for each counted round of `clips` new clips."""
    rounds = [one_round(world, clip, torch.arange(clips) + clips * number) for number in range(repeats + 1)]
    return {stage: [seconds[stage] for seconds in rounds[1:]] for stage in STAGES}


def rates_table(found: dict[str, list[float]], clips: int, title: str) -> Table:
    """Return the table of stages: milliseconds a clip, clips a second, share of the whole."""
    table = Table(title=title)
    for name in ("stage", "ms a clip", "clips/s (median)", "clips/s (best)", "share"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    whole = statistics.median(found["whole"])
    for stage in STAGES:
        middle, best = statistics.median(found[stage]), min(found[stage])
        rates = [f"{clips / seconds:,.0f}" for seconds in (middle, best)]
        table.add_row(stage, f"{1000 * middle / clips:.2f}", *rates, f"{middle / whole:.0%}")
    return table


def chosen_clip(given: argparse.Namespace) -> tuple[WorldConfig, ClipConfig]:
    """Return the preset's world and its clip, with the sizes that were given."""
    row = preset(given.preset)
    sizes = {"num_frames": given.frames, "height": given.height, "width": given.width}
    clip = replace(row.clip, **{name: value for name, value in sizes.items() if value is not None})
    counts = {"clips": given.clips, "repeats": given.repeats, **asdict(clip), "threads": given.threads or 1}
    for name, value in counts.items():
        if not value > 0:
            raise InvalidArgument(name, value, "be at least 1", 1)
    return row.world, clip


def parser() -> argparse.ArgumentParser:
    """Return the command's arguments."""
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--preset", default="nano", help="whose world, and size where none is given; default nano")
    for name in ("frames", "height", "width"):
        found.add_argument(f"--{name}", type=int, help="default: the preset's")
    found.add_argument("--clips", type=int, default=64, help="clips a round; default 64")
    found.add_argument("--repeats", type=int, default=7, help="counted rounds; default 7")
    found.add_argument("--threads", type=int, help="threads of torch; default: as the environment says")
    found.add_argument("--device", default="cpu", help="cpu or cuda; default cpu")
    found.add_argument("--json", type=Path, metavar="PATH", help="write everything measured to this file")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    given = parser().parse_args(arguments)
    try:
        config, clip = chosen_clip(given)
        if given.threads:
            torch.set_num_threads(given.threads)
        found = measure(World(config, given.device), clip, given.clips, given.repeats)
    except SkyloomError as error:
        print(error, file=sys.stderr)
        return 2
    machine = describe_machine()
    if given.device != "cpu":
        machine["device"] = torch.cuda.get_device_name(given.device)
    title = f"World of {given.preset}: {clip.num_frames} frames of {clip.width} x {clip.height}"
    console = Console()
    console.print(rates_table(found, given.clips, title))
    console.print(", ".join(f"{name} {value}" for name, value in machine.items()))
    if given.json is not None:
        report = {"machine": machine, "preset": given.preset, "clip": asdict(clip), "clips": given.clips}
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps({**report, "seconds": found}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
