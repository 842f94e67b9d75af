"""Rows of what is pinned and joined.

Pinned frames against the autoencoder's own, motion after a picture, and the seams of extend, connect and loop. A seam's
ratio is the step across it over the median step elsewhere in the clip; the real clip, measured at the same frame, says
how large that is by chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from skyloom.evaluation.clip_measures import (
    colour_shift,
    distance,
    is_frozen,
    largest_step_ratio,
    motion,
    seam_ratio,
)
from skyloom.evaluation.filling import PACKAGE, blended, flow_installed, flow_warped
from skyloom.evaluation.scoring import asked
from skyloom.evaluation.task_bench import (
    Bench,
    Goal,
    Measured,
    Numbers,
    Row,
    Task,
    by_case,
    fidelity,
    rounded,
    slots,
    videos,
)
from skyloom.evaluation.task_cases import Case, choose, clips_of, words
from skyloom.video import Video

SMOOTH = 1.2
"""Largest ratio of a seam that is not seen."""
SHOWN_SLOTS = ("actor", "motion", "direction", "place")


def moving_cases(bench: Bench, numbers: Sequence[int], purpose: str, frames: int = 0) -> tuple[list[Case], Tensor]:
    """Return cases whose actor moves, and their real clips of some frames (0: the plan's), as a file holds them."""
    plan = bench.plan
    cases = choose(plan.world, "moving", plan.seed, numbers, purpose)
    clip = replace(plan.clip, num_frames=frames or plan.clip.num_frames)
    return cases, rounded(clips_of(plan.world, "moving", cases, clip))


def add_pinned(lines: Measured, made: Tensor, auto: Tensor, real: Tensor, frames: Sequence[int]) -> None:
    """Add the PSNR of pinned frames, and by how much the autoencoder alone is better."""
    chosen = list(frames)
    ours, own = (fidelity(clips[:, :, chosen], real[:, :, chosen]) for clips in (made, auto))
    lines["made"] |= {"pinned": ours, "gap": own - ours}
    lines["autoencoder"]["pinned"] = own


def add_motion(lines: Measured, clips: Mapping[str, Tensor], real: Tensor, part: slice = slice(None)) -> None:
    """Add each line's motion relative to the real clips', and whether it is frozen, within some frames."""
    true = motion(real[:, :, part]).clamp(min=1e-6)
    for line, pixels in clips.items():
        moving = motion(pixels[:, :, part]) / true
        lines[line] |= {"motion ratio": moving, "frozen": is_frozen(pixels[:, :, part]).float()}


def add_seams(lines: Measured, clips: Mapping[str, Tensor], seams: Sequence[int]) -> None:
    """Add ratio and colour shift of the worst seam of each line."""
    for line, pixels in clips.items():
        ratio = seam_ratio(pixels, seams)
        lines[line] |= {"seam": ratio, "smooth": (ratio <= SMOOTH).float(), "colour": colour_shift(pixels, seams)}


def part_of(video: Video, frames: slice) -> Video:
    """Return some frames of a video."""
    return Video(video.frames[frames], video.fps)


def _pictures(case: Case, pictures: Mapping[float, Video]) -> Task:
    return lambda engine: engine.animate(pictures, case.prompt, seed=case.seed)


def image_to_video(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """The first frame is given."""
    cases, real = moving_cases(bench, numbers, "image")
    pairs = zip(cases, videos(real, bench.plan.clip.fps), strict=True)
    made = bench.run([_pictures(case, {0.0: part_of(video, slice(1))}) for case, video in pairs])
    auto = bench.reconstruct(real)
    clips = {"made": made, "render": real, "autoencoder": auto, "still": real[:, :, :1].expand_as(real).contiguous()}
    wanted = [asked(case.facts) for case in cases]
    lines: Measured = {line: dict(slots(bench, pixels, wanted, SHOWN_SLOTS)) for line, pixels in clips.items()}
    add_pinned(lines, made, auto, real, [0])
    add_motion(lines, clips, real)
    return by_case(lines, len(cases))


def both_ends(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """First and last frame are given."""
    cases, real = moving_cases(bench, numbers, "both ends")
    fps, last = bench.plan.clip.fps, real.shape[2] - 1
    sides = [(part_of(video, slice(1)), part_of(video, slice(last, None))) for video in videos(real, fps)]
    pairs = zip(cases, sides, strict=True)
    made = bench.run([_pictures(case, {0.0: first, last / fps: end}) for case, (first, end) in pairs])
    weight = torch.linspace(0, 1, last + 1)[:, None, None]
    fade = real[:, :, :1].lerp(real[:, :, -1:], weight)
    clips = {"made": made, "render": real, "autoencoder": bench.reconstruct(real), "fade": fade}
    lines: Measured = {line: {"jump": largest_step_ratio(pixels, 1, last)} for line, pixels in clips.items()}
    add_pinned(lines, made, clips["autoencoder"], real, [0, last])
    add_motion(lines, clips, real)
    return by_case(lines, len(cases))


def fill_in(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """Every other frame is given; the others are compared with the true ones."""
    plan = bench.plan
    cases = choose(plan.world, "moving", plan.seed, numbers, "fill in")
    real = rounded(clips_of(plan.world, "moving", cases, replace(plan.clip, fps=2 * plan.clip.fps)))
    known = real[:, :, ::2]

    def task(case: Case, video: Video) -> Task:
        return lambda engine: engine.interpolate(video, case.prompt, factor=2, seed=case.seed)

    made = bench.run([task(case, video) for case, video in zip(cases, videos(known, plan.clip.fps), strict=True)])
    clips = {"made": made, "autoencoder": bench.reconstruct(real), "blend": rounded(blended(known, 2))}
    clips |= {"flow": flow_warped(known, 2)} if flow_installed() else {}
    found = {line: fidelity(pixels[:, :, 1::2], real[:, :, 1::2]) for line, pixels in clips.items()}
    lines: Measured = {line: {"new frames": values} for line, values in found.items()}
    lines["made"] |= {f"over {line}": found["made"] - found[line] for line in ("blend", "flow") if line in found}
    return by_case(lines, len(cases))


def _lengths(bench: Bench) -> tuple[int, int, float]:
    """Return how many frames are lent, how many made, and the latter in seconds: together about one window."""
    clip, stride = bench.plan.clip, bench.pipeline.autoencoder.config.temporal_stride
    groups = (clip.num_frames - 1) // stride
    new = stride * max(1, groups - max(1, groups // 2) + 1)
    return 1 + stride * max(1, groups // 2), new, new / clip.fps


def _continued(bench: Bench, made: Tensor, real: Tensor, seam: int, part: slice) -> Measured:
    """Measure a clip that was continued at one seam; part: the frames made."""
    given = torch.ones(real.shape[2], dtype=torch.bool)
    given[part] = False
    edge = seam - 1 if part.start else seam
    auto = bench.reconstruct(real)
    clips = {
        "made": made,
        "render": real,
        "autoencoder": auto,
        "decoded": torch.where(given[:, None, None], auto, made),
        "still": torch.where(given[:, None, None], real, real[:, :, edge : edge + 1]),
        "cut": torch.where(given[:, None, None], real, real.flip(0, 3, 4)),
    }
    lines: Measured = {line: {} for line in clips}
    add_seams(lines, clips, [seam])
    add_motion(lines, clips, real, part)
    return lines


def extend(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """A clip goes on."""
    given, new, seconds = _lengths(bench)
    cases, real = moving_cases(bench, numbers, "extend", given + new)

    def task(case: Case, video: Video) -> Task:
        return lambda engine: engine.extend(part_of(video, slice(given)), case.prompt, seconds=seconds, seed=case.seed)

    pairs = zip(cases, videos(real, bench.plan.clip.fps), strict=True)
    made = bench.run([task(case, video) for case, video in pairs])
    return by_case(_continued(bench, made, real, given, slice(given, None)), len(cases))


def extend_back(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """A clip is led up to, twice."""
    given, new, seconds = _lengths(bench)
    cases, real = moving_cases(bench, numbers, "extend back", given + new)

    def task(case: Case, video: Video, seed: int) -> Task:
        own = part_of(video, slice(new, None))
        return lambda engine: engine.extend_back(own, case.prompt, seconds=seconds, seed=seed)

    pairs = list(zip(cases, videos(real, bench.plan.clip.fps), strict=True))
    first, second = (bench.run([task(case, v, case.seed + turn) for case, v in pairs]) for turn in (0, 1))
    lines = _continued(bench, first, real, new, slice(0, new))
    lines["made"]["apart"] = distance(first[:, :, :new], second[:, :, :new])
    lines["autoencoder"]["apart"] = distance(bench.reconstruct(real)[:, :, :new], real[:, :, :new])
    return by_case(lines, len(cases))


def _partners(bench: Bench, cases: Sequence[Case]) -> list[Case]:
    """Return for each case the next one with another actor in another place."""
    found = []
    for case in cases:
        reach = range(case.number + 1, case.number + 17)
        following = choose(bench.plan.world, "moving", bench.plan.seed, reach, "connect")
        mine = (case.facts.place, case.facts.actors[0].name)
        unlike = [o for o in following if o.facts.place != mine[0] and o.facts.actors[0].name != mine[1]]
        found.append((unlike or following)[0])
    return found


def _bridged(bench: Bench, made: Tensor, before: Tensor, after: Tensor, real: Tensor) -> Measured:
    """Measure a bridge between two clips, which stand in `made` as they are. real: a clip at least as long."""
    first, last = before.shape[2], made.shape[2] - after.shape[2]
    weight = (torch.arange(1, last - first + 1) / (last - first + 1))[:, None, None]
    fade = torch.cat([before, before[:, :, -1:].lerp(after[:, :, :1], weight), after], 2)
    halves = [before[:, :, -1:].expand_as(fade[:, :, first:last]), after[:, :, :1].expand_as(fade[:, :, first:last])]
    early = (torch.arange(last - first) < (last - first) // 2)[:, None, None]
    cut = torch.cat([before, torch.where(early, halves[0], halves[1]), after], 2)
    real = real[:, :, : made.shape[2]]
    clips = {"made": made, "render": real, "autoencoder": bench.reconstruct(real), "fade": fade, "cut": cut}
    lines: Measured = {line: {"jump": largest_step_ratio(pixels, first, last)} for line, pixels in clips.items()}
    add_seams(lines, clips, [first, last])
    lines["made"]["frozen"] = is_frozen(made[:, :, first:last]).float()
    return lines


def connect(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """From one clip to another of another actor in another place."""
    given, _, _ = _lengths(bench)
    cases, long = moving_cases(bench, numbers, "connect", 4 * given + 4)
    partners = _partners(bench, cases)
    clip = replace(bench.plan.clip, num_frames=given)
    before, after = long[:, :, :given], rounded(clips_of(bench.plan.world, "moving", partners, clip))

    def task(case: Case, other: Case, first: Video, second: Video) -> Task:
        told = [words(one.facts, bench.plan.seed, one.scene, "terse") for one in (case, other)]
        return lambda engine: engine.connect(first, second, ", then ".join(told), seed=case.seed)

    sides = zip(cases, partners, videos(before, clip.fps), videos(after, clip.fps), strict=True)
    made = bench.run([task(*side) for side in sides])
    return by_case(_bridged(bench, made, before, after, long), len(cases))


def loop(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """From a clip's end to its own beginning; its first frame is shown once more behind the last one."""
    frames = bench.plan.clip.num_frames
    cases, long = moving_cases(bench, numbers, "loop", 2 * frames + 4)
    real = long[:, :, :frames]

    def task(case: Case, video: Video) -> Task:
        return lambda engine: engine.loop(video, case.prompt, seed=case.seed)

    made = bench.run([task(case, video) for case, video in zip(cases, videos(real, bench.plan.clip.fps), strict=True)])
    closed = torch.cat([made, real[:, :, :1]], 2)
    lines = _bridged(bench, closed, real, real[:, :, :1], long)
    count = min(closed.shape[2] - frames - 1, frames - 1)
    bridge, back = closed[:, :, frames : frames + count], real.flip(2)[:, :, 1 : 1 + count]
    lines["made"]["like the way back"] = distance(bridge, back)
    lines["render"]["like the way back"] = distance(long[:, :, frames : frames + count], back)
    return by_case(lines, len(cases))


SEAM_GOALS = (Goal("seam", "<=", SMOOTH, "median"), Goal("colour", "<=", 0.01))
ROWS = {
    "image": Row(
        "image to video",
        measure=image_to_video,
        goals=(Goal("gap", "<=", 1.0), Goal("motion ratio", ">=", 0.7, "median"), Goal("frozen", "<=", 0.0)),
    ),
    "both ends": Row("first and last frame", measure=both_ends, goals=(Goal("gap", "<=", 1.0),)),
    "fill in": Row(
        "fill in frames, to twice the rate",
        (Goal("over blend", ">=", 0.0), Goal("over flow", ">=", 0.0)),
        "new frames: dB against the true ones, of what was not given; over: dB above that line."
        + ("" if flow_installed() else f" The line flow is not measured: {PACKAGE} is not installed."),
        measure=fill_in,
        clips=2,
    ),
    "extend": Row("extend forward", measure=extend, goals=SEAM_GOALS),
    "extend back": Row("extend backward", measure=extend_back, goals=SEAM_GOALS, clips=2),
    "connect": Row("connect two clips", measure=connect, goals=SEAM_GOALS),
    "loop": Row("loop", measure=loop, goals=SEAM_GOALS),
}
