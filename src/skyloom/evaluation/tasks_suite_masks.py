"""Rows of what is painted anew within a mask.

Outside of the mask the answer is compared with the source, in dB; inside, the judge reads it. Masks come from the
simulator's boxes, but for the row that has the checkpoint find the actor itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from skyloom.evaluation.clip_measures import is_frozen, motion
from skyloom.evaluation.scoring import asked
from skyloom.evaluation.task_bench import Bench, Goal, Measured, Numbers, Row, Task, by_case, fidelity, slots, videos
from skyloom.evaluation.task_cases import Case, choose, scenes_of, words
from skyloom.evaluation.tasks_suite_edits import pairs_of, rendered
from skyloom.seeds import derive_seed
from skyloom.video import Video
from skyloom.world.captions import caption
from skyloom.world.facts import Facts, describe_all
from skyloom.world.physics import simulate
from skyloom.world.scene import Scenes
from skyloom.world.truth import screen_boxes

MARGIN = 0.06
"""How far a mask reaches beyond the actor's box, in shares of the frame."""
CENTRE = 0.625
"""Share of the width that an outpainted video had."""
PHRASINGS = 32
SLOTS = ("actor", "place")


@dataclass(frozen=True)
class Paint:
    """Cases to paint: clips before and, if all goes well, after, masks (b, f, h, w), and what the judge should see."""

    before: Tensor
    after: Tensor
    masks: Tensor
    wanted: Sequence[dict]


def actor_masks(bench: Bench, scenes: Sequence[Scenes]) -> Tensor:
    """Return (b, f, h, w), 1 where the first actor of any of the scenes is or nearly is."""
    clip, masks = bench.plan.clip, []
    x = (torch.arange(clip.width) + 0.5) / clip.width
    y = 1 - (torch.arange(clip.height) + 0.5) / clip.height
    for one in scenes:
        box = screen_boxes(one, simulate(one, clip.num_frames, clip.fps), clip.width / clip.height)[:, :, 0]
        left, bottom, right, top = (box + box.new_tensor([-1, -1, 1, 1]) * MARGIN).unbind(-1)
        across = (x > left[..., None]) & (x < right[..., None])
        along = (y > bottom[..., None]) & (y < top[..., None])
        masks.append(along[..., :, None] & across[..., None, :])
    return torch.stack(masks).any(0).float()


def margins(bench: Bench, count: int) -> Tensor:
    """Return (b, f, h, w), 1 at the left and right of the frame."""
    clip = bench.plan.clip
    mask = torch.ones(clip.num_frames, clip.height, clip.width)
    mask[..., _spare(bench) : clip.width - _spare(bench)] = 0
    return mask.expand(count, -1, -1, -1)


def _spare(bench: Bench) -> int:
    return round(bench.plan.clip.width * (1 - CENTRE) / 2)


def measured(bench: Bench, paint: Paint, made: Tensor) -> Measured:
    """Measure what was painted, inside and outside."""
    clips = {
        "made": made,
        "render": paint.after,
        "autoencoder": bench.reconstruct(paint.after),
        "untouched": paint.before,
        "grey": paint.before * (1 - paint.masks[:, None]),
    }
    lines: Measured = {line: dict(slots(bench, pixels, paint.wanted, SLOTS)) for line, pixels in clips.items()}
    known = 1 - paint.masks[:, None]
    own, ours = (fidelity(pixels, paint.before, known) for pixels in (bench.reconstruct(paint.before), made))
    lines["made"] |= {"outside": ours, "gap": own - ours}
    lines["autoencoder"]["outside"] = own
    return lines


def _cases(bench: Bench, numbers: Sequence[int], purpose: str) -> tuple[list[Case], Scenes]:
    cases = choose(bench.plan.world, "calm", bench.plan.seed, numbers, purpose)
    return cases, scenes_of(bench.plan.world, "calm", cases, bench.plan.clip)


def _painted(bench: Bench, cases: Sequence[Case], prompts: Sequence[str], paint: Paint) -> list[Numbers]:
    def task(case: Case, prompt: str, video: Video, mask: Tensor) -> Task:
        return lambda engine: engine.inpaint(video, lambda room, own, frames: mask, prompt, seed=case.seed)

    given = zip(cases, prompts, videos(paint.before, bench.plan.clip.fps), paint.masks, strict=True)
    made = bench.run([task(*one) for one in given])
    return by_case(measured(bench, paint, made), len(cases))


def inpaint(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """The actor is cut out and asked for again."""
    cases, scenes = _cases(bench, numbers, "inpaint")
    real = rendered(bench, scenes)
    paint = Paint(real, real, actor_masks(bench, [scenes]), [asked(case.facts) for case in cases])
    return _painted(bench, cases, [case.prompt for case in cases], paint)


def _replaced(bench: Bench, numbers: Sequence[int], purpose: str) -> tuple[list[Case], list[Facts], Paint]:
    """Return cases whose actor becomes another one."""
    cases, _ = _cases(bench, numbers, purpose)
    before, after, _ = pairs_of(bench, cases, "calm", ["actor"] * len(cases))
    facts, masks = describe_all(after), actor_masks(bench, [before, after])
    paint = Paint(rendered(bench, before), rendered(bench, after), masks, [asked(one) for one in facts])
    return cases, facts, paint


def replace_masked(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """The actor is cut out and another one asked for in its place."""
    cases, facts, paint = _replaced(bench, numbers, "replace")
    prompts = [words(one, bench.plan.seed, case.scene) for one, case in zip(facts, cases, strict=True)]
    return _painted(bench, cases, prompts, paint)


def caption_with(facts: Facts, name: str, seed: int) -> str:
    """Return a caption that calls the actor by this name; one of our own where no phrasing does."""
    for turn in range(PHRASINGS):
        text = caption(facts, "en", "plain", derive_seed(seed, "naming", turn))
        if name in text:
            return text
    return f"the {name} in the {facts.place}"


def replace_found(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """The checkpoint finds the actor by its name and puts another one there."""
    cases, facts, paint = _replaced(bench, numbers, "replace found")

    def task(case: Case, told: Facts, video: Video) -> Task:
        old, new = case.facts.actors[0].name, told.actors[0].name
        prompt = caption_with(case.facts, old, case.seed)
        return lambda engine: engine.replace_thing(video, old, new, prompt, seed=case.seed)

    given = zip(cases, facts, videos(paint.before, bench.plan.clip.fps), strict=True)
    made = bench.run([task(*one) for one in given])
    return by_case(measured(bench, paint, made), len(cases))


def outpaint(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """Only the middle of the frame is given."""
    cases, scenes = _cases(bench, numbers, "outpaint")
    real, clip, spare = rendered(bench, scenes), bench.plan.clip, _spare(bench)
    paint = Paint(real, real, margins(bench, len(cases)), [asked(case.facts) for case in cases])

    def task(case: Case, video: Video) -> Task:
        return lambda engine: engine.outpaint(video, case.prompt, seed=case.seed, height=clip.height, width=clip.width)

    middle = videos(real[..., spare : clip.width - spare], clip.fps)
    made = bench.run([task(case, video) for case, video in zip(cases, middle, strict=True)])
    return by_case(measured(bench, paint, made), len(cases))


def cinemagraph(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """Of a picture, only the part where the actor will be moves."""
    plan = bench.plan
    cases = choose(plan.world, "paced", plan.seed, numbers, "cinemagraph")
    scenes = scenes_of(plan.world, "paced", cases, plan.clip)
    real, masks = rendered(bench, scenes), actor_masks(bench, [scenes])
    masks = masks.amax(1, keepdim=True).expand_as(masks).contiguous()
    masks[:, 0] = 0

    def task(case: Case, video: Video, mask: Tensor) -> Task:
        seconds = (plan.clip.num_frames - 1) / plan.clip.fps
        return lambda engine: engine.cinemagraph(
            video, lambda room, own, frames: mask, case.prompt, seconds=seconds, seed=case.seed
        )

    made = bench.run([task(*one) for one in zip(cases, videos(real, plan.clip.fps), masks, strict=True)])
    held, known = real[:, :, :1].expand_as(real), 1 - masks[:, None]
    lines: Measured = {"made": {}, "render": {}, "autoencoder": {}}
    own, ours = (fidelity(pixels, held, known) for pixels in (bench.reconstruct(held.contiguous()), made))
    lines["made"] |= {"outside": ours, "gap": own - ours}
    lines["autoencoder"]["outside"] = own
    for line, pixels in (("made", made), ("render", real)):
        inside = held + (pixels - held) * masks[:, None]
        lines[line]["motion ratio"] = motion(inside) / motion(held + (real - held) * masks[:, None]).clamp(min=1e-6)
        lines[line]["frozen"] = is_frozen(inside).float()
    return by_case(lines, len(cases))


GAP = Goal("gap", "<=", 1.0)
GOALS = (GAP, Goal("actor", ">=", 0.7))
ROWS = {
    "inpaint": Row("inpaint the actor", GOALS, measure=inpaint),
    "replace": Row("replace the actor, mask given", GOALS, measure=replace_masked),
    "replace found": Row("replace the actor, found by its name", GOALS, measure=replace_found),
    "outpaint": Row("outpaint at both sides", (GAP,), measure=outpaint),
    "cinemagraph": Row("cinemagraph", (GAP, Goal("frozen", "<=", 0.0)), measure=cinemagraph),
}
