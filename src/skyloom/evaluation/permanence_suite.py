"""Whether an actor that was out of sight comes back the same.

Behind: one actor passes behind another that stands; told by a prompt, or shown its beginning and continued. Out of
frame: the camera turns away from an actor until it is gone, and the continuation turns back. The judge reads who is
there in the first and in the last frames of a clip, without regard for what was asked.

The floor is the real render of the same scene. Planted faults: the actor never comes back, another one does, it comes
out where it went in. A clip that stands still where it was continued is the trivial line.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from skyloom.config import ClipConfig, WorldConfig
from skyloom.evaluation.failures import SURE
from skyloom.evaluation.oracle import Oracle
from skyloom.evaluation.oracle_clips import numbered_scenes
from skyloom.evaluation.permanence_scenes import (
    another,
    looked_away,
    passing,
    passing_world,
    set_apart,
    smaller,
    staying_world,
    turned_away,
)
from skyloom.evaluation.task_bench import Bench, Goal, Measured, Numbers, Row, Task, by_case, videos
from skyloom.evaluation.task_cases import SPLIT, Case, words
from skyloom.models.sight import SLOTS
from skyloom.models.watcher import resized
from skyloom.seeds import derive_seed
from skyloom.video import Video
from skyloom.world.facts import Facts, describe_all
from skyloom.world.scene import NO_ACTOR, Scenes

SPAN = 3
"""Frames at each end of a clip in which the judge looks for the actors."""
APART = 0.06
"""Share of the frame's width that must lie between two actors for both to be seen."""
SEARCH = 64


@dataclass(frozen=True)
class Who:
    """The actors seen at one end of a clip: names and places from 0 to 1 across the frame, from left to right."""

    names: tuple[str, ...]
    places: tuple[float, ...]


@torch.inference_mode()
def who_is_there(oracle: Oracle, pixels: Tensor, last: bool, most: int = SLOTS) -> list[Who]:
    """Say of each clip of pixels (b, 3, f, h, w) who is there in its first or last frames: the surest `most`."""
    pixels = resized(pixels, oracle.config)
    part = pixels[:, :, -SPAN:] if last else pixels[:, :, :SPAN]
    networks = oracle.networks
    tracking = networks.tracker(networks.eye(part), SPAN // 2)[1]
    best = networks.names_by_frame(part, tracking).mean(1).argmax(-1).tolist()
    sure, places = tracking.confidence.mean(1).tolist(), tracking.centre[..., 0].mean(1).tolist()
    found = []
    for row in range(len(pixels)):
        slots = sorted((slot for slot in range(SLOTS) if sure[row][slot] > SURE), key=lambda slot: -sure[row][slot])
        there = sorted((places[row][slot], best[row][slot]) for slot in slots[:most])
        if len(there) == 2 and there[1][0] - there[0][0] < APART:
            there = there[:1]
        found.append(Who(tuple(oracle.config.actors[k] for _, k in there), tuple(round(x, 4) for x, _ in there)))
    return found


def behind_scores(first: Who, last: Who) -> dict[str, float]:
    """Compare the two ends of a clip in which one of two actors passes behind the other."""
    if len(first.names) < 2:
        return {"two at first": 0.0, "right": 0.0}
    back = float(len(last.names) == 2)
    same = float(sorted(last.names) == sorted(first.names))
    crossed = same * float(last.names == first.names[::-1])
    return {"two at first": 1.0, "back": back, "same": same, "crossed": crossed, "right": crossed}


def frame_scores(first: Who, last: Who) -> dict[str, float]:
    """Compare the two ends of a clip in which one actor is out of the frame in between; one name each."""
    return {"back": float(bool(last.names)), "right": float(bool(first.names) and first.names == last.names)}


Compare = Callable[[Who, Who], dict[str, float]]


def _lines(bench: Bench, clips: dict[str, Tensor], compare: Compare, most: int) -> Measured:
    lines: Measured = {}
    for line, pixels in clips.items():
        ends = [who_is_there(bench.oracle, pixels, last, most) for last in (False, True)]
        scores = [compare(*pair) for pair in zip(*ends, strict=True)]
        names = dict.fromkeys(name for score in scores for name in score)
        lines[line] = {name: [score.get(name, float("nan")) for score in scores] for name in names}
    return lines


@functools.lru_cache(maxsize=64)
def _block(world: WorldConfig, clip: ClipConfig, first: int, hides: bool) -> tuple[tuple[int, Facts], ...]:
    scenes = numbered_scenes(world, clip, torch.arange(first, first + SEARCH), SPLIT)
    fits = smaller(scenes) if hides else [True] * SEARCH
    rows = zip(range(first, first + SEARCH), describe_all(scenes), fits, strict=True)
    return tuple((number, facts) for number, facts, fit in rows if fit and facts.actors[0].speed == "normal")


def _cases(bench: Bench, world: WorldConfig, numbers: Sequence[int], purpose: str) -> tuple[list[Case], Scenes]:
    """Return cases by number and their scenes."""
    plan, found = bench.plan, []
    first = plan.seed * 1_000_000
    while len(found) <= max(numbers):
        found += _block(world, plan.clip, first, world.two_actors > 0)
        first += SEARCH
    cases = []
    for number in numbers:
        scene, facts = found[number]
        noise = derive_seed(plan.seed, f"permanence {purpose}", scene) % 2**31
        cases.append(Case(number, scene, facts, words(facts, plan.seed, scene), noise))
    scenes = numbered_scenes(world, plan.clip, torch.tensor([case.scene for case in cases]), SPLIT)
    return cases, scenes


def _given(bench: Bench, share: float) -> tuple[int, float]:
    """Return about which share of a clip's frames is given, in whole groups, and the seconds that are left."""
    clip, stride = bench.plan.clip, bench.pipeline.autoencoder.config.temporal_stride
    given = 1 + stride * int((clip.num_frames - 1) // stride * share)
    return given, (clip.num_frames - given) / clip.fps


def _extend(case: Case, video: Video, prompt: str, seconds: float) -> Task:
    return lambda engine: engine.extend(video, prompt, seconds=seconds, seed=case.seed)


def _passing(bench: Bench, scenes: Scenes) -> dict[str, Tensor]:
    """Return the real clips, what the autoencoder keeps of them, and the planted faults."""
    clips = passing(set_apart(scenes, bench.plan.clip), bench.plan.clip, len(bench.oracle.config.actors))
    return {"render": clips["render"], "autoencoder": bench.reconstruct(clips["render"]), **clips}


def _held(real: Tensor, given: int) -> Tensor:
    """Hold the last of the frames that are given."""
    return torch.cat([real[:, :, :given], real[:, :, given - 1 : given].expand_as(real[:, :, given:])], 2)


def behind_told(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """The prompt says who passes behind whom."""
    cases, scenes = _cases(bench, passing_world(bench.plan.world), numbers, "told")

    def task(case: Case) -> Task:
        return lambda engine: engine.generate(case.prompt, seed=case.seed)

    made = bench.run([task(case) for case in cases])
    clips = {"made": made, **_passing(bench, scenes)}
    clips["still"] = _held(clips["render"], 1)
    bench.keep_pairs("behind, told", numbers, clips["render"], made)
    return by_case(_lines(bench, clips, behind_scores, 2), len(cases))


def behind_shown(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """The first quarter of the passage is given."""
    cases, scenes = _cases(bench, passing_world(bench.plan.world), numbers, "shown")
    given, seconds = _given(bench, 0.25)
    clips = _passing(bench, scenes)
    real = clips["render"]
    pairs = zip(cases, videos(real[:, :, :given], bench.plan.clip.fps), strict=True)
    made = bench.run([_extend(case, video, case.prompt, seconds) for case, video in pairs])
    clips = {"made": made, **clips, "still": _held(real, given)}
    bench.keep_pairs("behind, shown", numbers, real, made)
    return by_case(_lines(bench, clips, behind_scores, 2), len(cases))


def out_of_frame(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """The camera has turned away; the words say that it turns back."""
    cases, scenes = _cases(bench, staying_world(bench.plan.world), numbers, "frame")
    clip, known = bench.plan.clip, len(bench.oracle.config.actors)
    given, seconds = _given(bench, 0.5)
    path, sign = turned_away(scenes, clip)
    real = looked_away(scenes, clip, path)
    back = ["pan left" if one > 0 else "pan right" for one in sign.tolist()]
    told = [replace(case.facts, camera=name) for case, name in zip(cases, back, strict=True)]
    prompts = [words(facts, bench.plan.seed, case.scene) for facts, case in zip(told, cases, strict=True)]
    parts = zip(cases, videos(real[:, :, :given], clip.fps), prompts, strict=True)
    made = bench.run([_extend(*part, seconds) for part in parts])
    empty = replace(scenes, actor=torch.full_like(scenes.actor, NO_ACTOR))
    faults = {"never comes back": empty, "another comes back": another(scenes, known)}
    clips = {"made": made, "render": real, "autoencoder": bench.reconstruct(real)}
    for name, spoiled in faults.items():
        clips[name] = torch.cat([real[:, :, :given], looked_away(spoiled, clip, path)[:, :, given:]], 2)
    clips["still"] = _held(real, given)
    bench.keep_pairs("out of frame", numbers, real, made)
    return by_case(_lines(bench, clips, frame_scores, 1), len(cases))


NOTE = (
    "The lines 'never comes back', 'another comes back' and 'comes out where it went in' are planted faults: what "
    "they reach in right is how often the judge is blind. "
)
BEHIND = "same: the same two names at the end as in the beginning. crossed, right: they have changed sides too."
ROWS = {
    "behind, told": Row("behind another, told", (Goal("right", ">=", 0.5),), NOTE + BEHIND, measure=behind_told),
    "behind, shown": Row("behind another, shown", (Goal("right", ">=", 0.5),), NOTE + BEHIND, measure=behind_shown),
    "out of frame": Row(
        "out of the frame and back",
        (Goal("right", ">=", 0.5),),
        NOTE + "back: someone is there in the last frames. right: by the name that was read in the first.",
        measure=out_of_frame,
    ),
}
