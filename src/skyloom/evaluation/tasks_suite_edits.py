"""Rows of what is changed in a video.

Masked edits are measured outside of the mask, in dB against the source, and inside by the judge; instructions by the
slot that was asked for and by all others, against the render of the scene as edited; strength by how far the answer
lies from the source.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from skyloom.evaluation.clip_measures import distance, rising
from skyloom.evaluation.metrics import psnr
from skyloom.evaluation.oracle_clips import render_scenes
from skyloom.evaluation.scoring import asked, score
from skyloom.evaluation.task_bench import Bench, Goal, Measured, Numbers, Row, Task, by_case, rounded, slots, videos
from skyloom.evaluation.task_cases import Case, choose, scenes_of, words, world_of
from skyloom.pipelines import tasks
from skyloom.video import Video
from skyloom.world.edits import edited
from skyloom.world.facts import Facts, describe_all
from skyloom.world.instructions import instruction
from skyloom.world.physics import simulate
from skyloom.world.scene import Scenes
from skyloom.world.truth import screen_boxes

INSTRUCTED = {
    "actor": "actor", "place": "place", "weather": "weather", "night": "weather", "style": "style",
    "remove": "count", "motion": "motion", "direction": "direction", "camera": "camera",
}  # fmt: skip
"""Kinds of edits that the judge can tell, and the slot that each asks for."""
CARRIED = {"motion": ("direction",)}
"""Slots that change with another one."""
STRENGTHS = (0.25, 0.5, 0.75, 1.0)
MARGIN = 0.06
"""How far a mask reaches beyond the actor's box, in shares of the frame."""
CENTRE = 0.5
"""Share of each side that an outpainted video had."""
NO_SLOTS: dict[str, str] = {}


def pairs_of(bench: Bench, cases: Sequence[Case], kind: str, edits: Sequence[str]) -> tuple[Scenes, Scenes, list[str]]:
    """Return scenes before and after the edit that each case asks for, and the kinds of edits made."""
    plan = bench.plan
    before = scenes_of(plan.world, kind, cases, plan.clip)
    aspect, world = plan.clip.width / plan.clip.height, world_of(plan.world, kind)
    parts = [
        edited(before.select(slice(row, row + 1)), plan.seed, world, "heldout", (edit,), aspect)
        for row, edit in enumerate(edits)
    ]
    fields = {name: torch.cat([getattr(part, name) for part, _ in parts]) for name in Scenes.__dataclass_fields__}
    return before, Scenes(**fields), [kinds[0] for _, kinds in parts]


def rendered(bench: Bench, scenes: Scenes) -> Tensor:
    """Render scenes at the plan's size, as a file would hold them."""
    return rounded(render_scenes(scenes, bench.plan.clip))


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


def frame_masks(bench: Bench, count: int) -> Tensor:
    """Return (b, f, h, w), 1 outside of the middle of the frame."""
    clip = bench.plan.clip
    mask = torch.ones(clip.num_frames, clip.height, clip.width)
    high, wide = (round(side * (1 - CENTRE) / 2) for side in (clip.height, clip.width))
    mask[:, high : clip.height - high, wide : clip.width - wide] = 0
    return mask.expand(count, -1, -1, -1)


def _masked(
    bench: Bench, cases: Sequence[Case], prompts: Sequence[str], before: Tensor, after: Tensor, masks: Tensor,
    wanted: Sequence[dict], names: Sequence[str],
) -> list[Numbers]:  # fmt: skip
    """Make what lies under the masks and measure inside and outside of it."""
    room = bench.pipeline.room()

    def task(case: Case, prompt: str, video: Video, mask: Tensor) -> Task:
        return lambda engine: engine.run(tasks.inpaint(room, prompt, video, mask), seed=case.seed)

    given = zip(cases, prompts, videos(before, room.fps), masks, strict=True)
    made = bench.run([task(*one) for one in given])
    clips = {
        "made": made, "render": after, "autoencoder": bench.reconstruct(after), "untouched": before,
        "grey": before * (1 - masks[:, None]),
    }  # fmt: skip
    lines: Measured = {line: dict(slots(bench, pixels, wanted, names)) for line, pixels in clips.items()}
    known = 1 - masks[:, None]
    own, ours = psnr(bench.reconstruct(before), before, known), psnr(made, before, known)
    lines["made"] |= {"outside": ours, "gap": own - ours}
    lines["autoencoder"]["outside"] = own
    return by_case(lines, len(cases))


def _one_actor(bench: Bench, numbers: Sequence[int], purpose: str) -> list[Case]:
    return choose(bench.plan.world, "calm", bench.plan.seed, numbers, purpose)


def inpaint(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """The actor is cut out and asked for again."""
    cases = _one_actor(bench, numbers, "inpaint")
    scenes = scenes_of(bench.plan.world, "calm", cases, bench.plan.clip)
    real, wanted = rendered(bench, scenes), [asked(case.facts) for case in cases]
    prompts = [case.prompt for case in cases]
    return _masked(bench, cases, prompts, real, real, actor_masks(bench, [scenes]), wanted, ("actor", "place"))


def replace_actor(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """The actor is cut out and another one asked for in its place."""
    cases = _one_actor(bench, numbers, "replace")
    before, after, _ = pairs_of(bench, cases, "calm", ["actor"] * len(cases))
    facts, masks = describe_all(after), actor_masks(bench, [before, after])
    prompts = [words(one, bench.plan.seed, case.scene) for one, case in zip(facts, cases, strict=True)]
    clips = rendered(bench, before), rendered(bench, after)
    return _masked(bench, cases, prompts, *clips, masks, [asked(one) for one in facts], ("actor", "place"))


def outpaint(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """Only the middle of the frame is known."""
    cases = _one_actor(bench, numbers, "outpaint")
    real = rendered(bench, scenes_of(bench.plan.world, "calm", cases, bench.plan.clip))
    wanted, prompts = [asked(case.facts) for case in cases], [case.prompt for case in cases]
    return _masked(bench, cases, prompts, real, real, frame_masks(bench, len(cases)), wanted, ("actor", "place"))


def edit_scores(reading: dict, wanted: dict, kind: str) -> dict[str, float]:
    """Return whether the slot that an edit asks for is right, and the share of the others that are."""
    found = score(reading, wanted)
    slot = INSTRUCTED[kind]
    others = [v for name, v in found.items() if name not in ("all", "order", slot, *CARRIED.get(kind, ()))]
    return {"asked": found[slot], "kept": sum(others) / len(others), f"asked: {kind}": found[slot]}


def instruct(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """A sentence says what to change."""
    names = list(INSTRUCTED)
    edits = [names[number % len(names)] for number in numbers]
    results: dict[int, Numbers] = {}
    for kind in ("any", "pair"):
        mine = [n for n, edit in zip(numbers, edits, strict=True) if (edit == "remove") == (kind == "pair")]
        if mine:
            results |= dict(zip(mine, _instructed(bench, mine, kind, names), strict=True))
    return [results[number] for number in numbers]


def _instructed(bench: Bench, numbers: Sequence[int], kind: str, names: Sequence[str]) -> list[Numbers]:
    cases = choose(bench.plan.world, kind, bench.plan.seed, numbers, "instruct")
    edits = [names[number % len(names)] for number in numbers]
    before, after, kinds = pairs_of(bench, cases, kind, edits)
    sources, targets, facts = rendered(bench, before), rendered(bench, after), describe_all(after)
    room = bench.pipeline.room()

    def task(case: Case, told: Facts, edit: str, video: Video) -> Task:
        text = instruction(case.facts, told, edit, variant=case.seed)
        return lambda engine: engine.run(tasks.instruct(room, text, video), seed=case.seed)

    given = zip(cases, facts, kinds, videos(sources, room.fps), strict=True)
    made = bench.run([task(*one) for one in given])
    clips = {"made": made, "render": targets, "autoencoder": bench.reconstruct(targets), "untouched": sources}
    wanted = [asked(one, NO_SLOTS) for one in facts]
    readings = {line: bench.read(pixels) for line, pixels in clips.items()}
    return [
        {line: edit_scores(seen[row], wanted[row], kinds[row]) for line, seen in readings.items()}
        for row in range(len(cases))
    ]


def restyle(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """Another picture style at several strengths."""
    cases = choose(bench.plan.world, "calm", bench.plan.seed, numbers, "restyle")
    before, after, _ = pairs_of(bench, cases, "calm", ["style"] * len(cases))
    source, target, facts = rendered(bench, before), rendered(bench, after), describe_all(after)
    room = bench.pipeline.room()

    def task(case: Case, told: Facts, video: Video, strength: float) -> Task:
        text = words(told, bench.plan.seed, case.scene)
        return lambda engine: engine.run(tasks.restyle(room, text, video, strength), seed=case.seed)

    given = list(zip(cases, facts, videos(source, room.fps), strict=True))
    wanted = [asked(one, NO_SLOTS) for one in facts]
    lines: Measured = {
        "made": {},
        "render": {},
        "autoencoder": {"distance": distance(bench.reconstruct(source), source)},
    }
    far = []
    for strength in STRENGTHS:
        made = bench.run([task(*one, strength) for one in given])
        far.append(distance(made, source))
        found = slots(bench, made, wanted, ("style", "place", "actor"))
        lines["made"] |= {f"{name} at {strength:g}": values for name, values in (("distance", far[-1]), *found.items())}
    lines["made"]["monotone"] = [rising(row) for row in torch.stack(far, 1).tolist()]
    lines["render"] |= {
        f"{name} at 1": v for name, v in slots(bench, target, wanted, ("style", "place", "actor")).items()
    }
    return by_case(lines, len(cases))


MASK_GOALS = (Goal("gap", "<=", 1.0), Goal("actor", ">=", 0.7))
ROWS = {
    "inpaint": Row("inpaint the actor", inpaint, MASK_GOALS),
    "replace": Row("replace the actor by another", replace_actor, MASK_GOALS),
    "outpaint": Row("outpaint around the middle", outpaint, (Goal("gap", "<=", 1.0),)),
    "instruct": Row("instruct", instruct, (Goal("asked", ">=", 0.6), Goal("kept", ">=", 0.8))),
    "restyle": Row("restyle with strength", restyle, (Goal("monotone", ">=", 1.0),), clips=len(STRENGTHS)),
}
