"""Rows of what is steered: camera, motion, rate, words over time, shape.

Camera paths are estimated from the pixels (`camera_estimate`) and compared with the same estimate on the real render of
the scene under that camera; the judge names the camera's move besides. A control is monotone when more of it gives more
of what it stands for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from skyloom.config import ClipConfig
from skyloom.evaluation.camera_estimate import AXES, camera_path
from skyloom.evaluation.clip_measures import motion, rising
from skyloom.evaluation.framing import whole_in_frame
from skyloom.evaluation.oracle_clips import render_scenes
from skyloom.evaluation.scoring import asked
from skyloom.evaluation.task_bench import Bench, Goal, Measured, Numbers, Row, Task, by_case, rounded, slots
from skyloom.evaluation.task_cases import Case, choose, scenes_of, with_camera, words
from skyloom.evaluation.tasks_suite_edits import pairs_of, rendered
from skyloom.pipelines.storyboard import Shot
from skyloom.world.camera import camera_controls
from skyloom.world.facts import Facts, describe_all
from skyloom.world.layout import arrange
from skyloom.world.physics import simulate
from skyloom.world.render import render
from skyloom.world.scene import Scenes
from skyloom.world.truth import screen_boxes
from skyloom.world.vocabulary import SPEEDS

MOVES = ("pan left", "pan right", "tilt up", "tilt down", "zoom in", "zoom out")
WAYS = ("number", "word", "prompt")
FPS_LEVELS = (16.0, 8.0, 4.0)
SHAPES = {"portrait": (1.25, 0.75), "square": (1.0, 1.0), "landscape": (0.75, 1.25)}
"""Height and width over those of training: about as many pixels, 5 to 3."""


def camera(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """One of six moves, asked for in one of three ways: by its rates, by its name, in the prompt."""
    plan = bench.plan
    cases = choose(plan.world, "calm", plan.seed, numbers, "camera")
    moves = [MOVES[number % len(MOVES)] for number in numbers]
    ways = [WAYS[number // len(MOVES) % len(WAYS)] for number in numbers]
    still = scenes_of(plan.world, "calm", cases, plan.clip)
    moved = with_camera(still, moves)
    aspect = plan.clip.width / plan.clip.height
    told = camera_controls(simulate(moved, plan.clip.num_frames, plan.clip.fps), aspect)[:, -len(AXES) :]
    facts = describe_all(moved)

    def task(row: int) -> Task:
        case, rates = cases[row], dict(zip(AXES, told[row].tolist(), strict=True))
        if ways[row] == "prompt":
            return _generate(replace(case, prompt=words(facts[row], plan.seed, case.scene)))
        asked_for = {"camera": moves[row]} if ways[row] == "word" else {k: rate for k, rate in rates.items() if rate}
        return _generate(case, **asked_for)

    real = rendered(bench, moved)
    clips = {
        "made": bench.run([task(row) for row in range(len(cases))]), "render": real,
        "autoencoder": bench.reconstruct(real), "still": rendered(bench, with_camera(still, ["still"] * len(cases))),
    }  # fmt: skip
    readings = {line: [seen["camera"] for seen in bench.read(pixels)] for line, pixels in clips.items()}
    paths = {line: camera_path(pixels) for line, pixels in clips.items()}
    return [
        {
            line: camera_scores(paths[line][row], paths["render"][row], told[row], ways[row])
            | {"judge": float(readings[line][row] == moves[row])}
            for line in clips
        }
        for row in range(len(cases))
    ]


def camera_scores(path: Tensor, true: Tensor, told: Tensor, way: str) -> dict[str, float]:
    """Compare paths (f, 3) along the axis that was told (3,): right sign, and error as a share of the true path."""
    axis = int(told.abs().argmax())
    mine, real = path[:, axis], true[:, axis]
    right = float(mine[-1] * torch.sign(told[axis]) > 0.1 * real[-1].abs())
    error = float((mine - real).abs().mean() / real.abs().mean().clamp(min=1e-6))
    return {"sign": right, f"sign by {way}": right, "path error": error, "length": float(mine[-1] / real[-1])}


def motion_control(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """The same scene with the actor slow, normal and fast, said by the number `motion`."""
    plan = bench.plan
    cases = choose(plan.world, "paced", plan.seed, numbers, "motion")
    aspect = plan.clip.width / plan.clip.height
    fastest = _paced(scenes_of(plan.world, "paced", cases, plan.clip), SPEEDS[-1])
    scenes = arrange(fastest, aspect)
    made, real = [], []
    for speed in SPEEDS:
        paced = _paced(scenes, speed)
        amounts = camera_controls(simulate(paced, plan.clip.num_frames, plan.clip.fps), aspect)[:, 1].tolist()
        asked_for = zip(cases, amounts, strict=True)
        made.append(motion(bench.run([_generate(case, motion=amount) for case, amount in asked_for])))
        real.append(motion(rendered(bench, paced)))
    return _control({"made": made, "render": real}, SPEEDS, "motion")


def _paced(scenes: Scenes, speed: str) -> Scenes:
    return replace(scenes, speed=torch.full_like(scenes.speed, SPEEDS.index(speed)))


def _generate(case: Case, **settings: Any) -> Task:
    return lambda engine: engine.generate(case.prompt, seed=case.seed, **settings)


def _control(found: dict[str, list[Tensor]], levels: Sequence[str], name: str) -> list[Numbers]:
    """Turn values by line and level into each level's mean, and the share of neighbours that rise."""
    lines: Measured = {}
    for line, values in found.items():
        lines[line] = {f"{name}, {level}": value for level, value in zip(levels, values, strict=True)}
        lines[line]["monotone"] = [rising(row) for row in torch.stack(values, 1).tolist()]
    return by_case(lines, len(next(iter(found.values()))[0]))


def fps_control(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """As many frames at three rates: the slower the rate, the larger the steps of the first second."""
    plan = bench.plan
    cases = choose(plan.world, "paced", plan.seed, numbers, "fps")
    scenes = scenes_of(plan.world, "paced", cases, plan.clip)
    made, real = [], []
    for fps in FPS_LEVELS:
        second = 1 + round(min(fps, plan.clip.num_frames - 1))
        made.append(motion(bench.run([_generate(case, fps=fps) for case in cases])[:, :, :second]))
        real.append(motion(rounded(render_scenes(scenes, replace(plan.clip, fps=fps, num_frames=second)))))
    return _control({"made": made, "render": real}, [f"{fps:g} fps" for fps in FPS_LEVELS], "step")


def storyboard(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """The same actor in one place, then, without a cut, in another."""
    return _two_shots(bench, numbers, cut=False)


def storyboard_cut(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """The same actor in one place, then, after a cut, in another."""
    return _two_shots(bench, numbers, cut=True)


def _two_shots(bench: Bench, numbers: Sequence[int], cut: bool) -> list[Numbers]:
    plan = bench.plan
    cases = choose(plan.world, "calm", plan.seed, numbers, "storyboard")
    before, after, _ = pairs_of(bench, cases, "calm", ["place"] * len(cases))
    facts, frames = describe_all(after), plan.clip.num_frames
    seconds = (frames - 1) / plan.clip.fps

    def task(case: Case, told: Facts) -> Task:
        texts = case.prompt, words(told, plan.seed, case.scene)
        shots = [Shot(text, seconds, cut=cut and number > 0) for number, text in enumerate(texts)]
        return lambda engine: engine.storyboard(shots, seed=case.seed)

    made = bench.run([task(case, told) for case, told in zip(cases, facts, strict=True)])
    early, late = rendered(bench, before), rendered(bench, after)
    spans = {
        "made": (made[:, :, :frames], made[:, :, 1 - frames :]),
        "render": (early, late[:, :, 1:]),
        "swapped": (late, early[:, :, 1:]),
    }
    wanted = [asked(case.facts) for case in cases], [asked(one) for one in facts]
    return by_case({line: _span_slots(bench, parts, wanted) for line, parts in spans.items()}, len(cases))


def _span_slots(
    bench: Bench, parts: Sequence[Tensor], wanted: Sequence[Sequence[dict]]
) -> dict[str, Tensor | Sequence[float]]:
    """Return the slots of both spans, and whether the same actor is seen in both."""
    found = [slots(bench, part, want, ("place", "actor")) for part, want in zip(parts, wanted, strict=True)]
    names = [[seen["actors"][0]["name"] if seen["actors"] else "" for seen in bench.read(part)] for part in parts]
    lines: dict[str, Tensor | Sequence[float]] = {"same actor": [float(a == b) for a, b in zip(*names, strict=True)]}
    return lines | {f"{name}, span {k}": values for k, span in enumerate(found, 1) for name, values in span.items()}


def shape_of(clip: ClipConfig, shape: str, unit: int) -> ClipConfig:
    """Return the clip in another shape, its sides multiples of `unit`."""
    high, wide = SHAPES[shape]
    sides = [max(1, round(side * share / unit)) * unit for side, share in ((clip.height, high), (clip.width, wide))]
    return replace(clip, height=sides[0], width=sides[1])


def sizes(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """Portrait, square and landscape: is the subject whole, and is it the one asked for?"""
    plan = bench.plan
    cases = choose(plan.world, "calm", plan.seed, numbers, "sizes")
    names, wanted = [case.facts.actors[0].name for case in cases], [asked(case.facts) for case in cases]
    unit = bench.pipeline.autoencoder.config.spatial_stride * bench.pipeline.transformer.config.patch_size
    lines: Measured = {line: {} for line in ("made", "render", "cut off", "empty")}
    for shape in SHAPES:
        clip = shape_of(plan.clip, shape, unit)
        made = bench.run([_generate(case, height=clip.height, width=clip.width) for case in cases])
        scenes = scenes_of(plan.world, "calm", cases, clip)
        for line, pixels in {"made": made, **_framed(scenes, clip)}.items():
            lines[line][f"whole, {shape}"] = whole_in_frame(bench.oracle, pixels, names).float()
            if line in ("made", "render"):
                lines[line][f"place, {shape}"] = slots(bench, pixels, wanted, ("place",))["place"]
    return by_case(lines, len(cases))


def _framed(scenes: Scenes, clip: ClipConfig) -> dict[str, Tensor]:
    """Return renders: as they should be, pushed aside until the actor's middle is at the edge, without actors."""
    tracks = simulate(scenes, clip.num_frames, clip.fps)
    real = rounded(render(scenes, tracks, clip.height, clip.width))
    box = screen_boxes(scenes, tracks, clip.width / clip.height)[:, :, 0]
    middle = (box[..., 0] + box[..., 2]).mean(1) / 2
    shifts = ((1 - middle) * clip.width).round().long().clamp(0, clip.width - 1).tolist()
    pushed = [
        F.pad(one, (shift, 0, 0, 0), mode="replicate")[..., : clip.width]
        for one, shift in zip(real, shifts, strict=True)
    ]
    empty = render(scenes, replace(tracks, opacity=torch.zeros_like(tracks.opacity)), clip.height, clip.width)
    return {"render": real, "cut off": torch.stack(pushed), "empty": empty}


ROWS = {
    "camera": Row("camera", measure=camera, goals=(Goal("sign", ">=", 1.0),)),
    "motion": Row("amount of motion", measure=motion_control, goals=(Goal("monotone", ">=", 1.0),), clips=len(SPEEDS)),
    "fps": Row("frames a second", measure=fps_control, goals=(Goal("monotone", ">=", 1.0),), clips=len(FPS_LEVELS)),
    "storyboard": Row("storyboard of two shots, no cut", measure=storyboard, clips=3),
    "storyboard cut": Row("storyboard of two shots, a cut between", measure=storyboard_cut, clips=2),
    "sizes": Row(
        "sizes", measure=sizes, goals=tuple(Goal(f"whole, {shape}", ">=", 0.9) for shape in SHAPES), clips=len(SHAPES)
    ),
}
