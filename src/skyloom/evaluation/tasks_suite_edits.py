"""Rows of what is changed in a video.

Instructions are measured by the slot that was asked for and by all others, against the render of the scene as edited;
strength and guidance by how far the answer lies from the source.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from skyloom.evaluation.clip_measures import distance, rising
from skyloom.evaluation.oracle_clips import render_scenes
from skyloom.evaluation.scoring import asked, score
from skyloom.evaluation.task_bench import Bench, Goal, Measured, Numbers, Row, Task, by_case, rounded, slots, videos
from skyloom.evaluation.task_cases import Case, choose, scenes_of, words, world_of
from skyloom.video import Video
from skyloom.world.edits import edited
from skyloom.world.facts import Facts, describe_all
from skyloom.world.instructions import instruction
from skyloom.world.scene import Scenes

INSTRUCTED = {
    "actor": "actor", "place": "place", "weather": "weather", "night": "weather", "style": "style",
    "remove": "count", "motion": "motion", "direction": "direction", "camera": "camera",
}  # fmt: skip
"""Kinds of edits that the judge can tell, and the slot that each asks for."""
CARRIED = {"motion": ("direction",)}
"""Slots that change with another one."""
STRENGTHS = (0.25, 0.5, 0.75, 1.0)
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
    given = zip(cases, facts, kinds, videos(sources, bench.plan.clip.fps), strict=True)
    made = bench.run(
        [_told(case, instruction(case.facts, told, edit, variant=case.seed), v) for case, told, edit, v in given]
    )
    clips = {"made": made, "render": targets, "autoencoder": bench.reconstruct(targets), "untouched": sources}
    wanted = [asked(one, NO_SLOTS) for one in facts]
    readings = {line: bench.read(pixels) for line, pixels in clips.items()}
    return [
        {line: edit_scores(seen[row], wanted[row], kinds[row]) for line, seen in readings.items()}
        for row in range(len(cases))
    ]


def _told(case: Case, text: str, video: Video, **scales: Any) -> Task:
    return lambda engine: engine.instruct(video, text, seed=case.seed, **scales)


def restyle(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """Another picture style at several strengths."""
    cases = choose(bench.plan.world, "calm", bench.plan.seed, numbers, "restyle")
    before, after, _ = pairs_of(bench, cases, "calm", ["style"] * len(cases))
    source, target, facts = rendered(bench, before), rendered(bench, after), describe_all(after)

    def task(case: Case, told: Facts, video: Video, strength: float) -> Task:
        text = words(told, bench.plan.seed, case.scene)
        return lambda engine: engine.restyle(video, text, strength=strength, seed=case.seed)

    given = list(zip(cases, facts, videos(source, bench.plan.clip.fps), strict=True))
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


TEXT_SCALES, SOURCE_SCALES = (1.0, 2.0, 4.0), (1.0, 1.5, 2.5)


def guidances(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """More guidance by the words leads away from the source; more by the picture leads back to it."""
    cases = choose(bench.plan.world, "any", bench.plan.seed, numbers, "guidances")
    before, after, kinds = pairs_of(bench, cases, "any", [("place", "style")[number % 2] for number in numbers])
    source, facts = rendered(bench, before), describe_all(after)
    texts = [
        instruction(case.facts, told, kind, variant=case.seed)
        for case, told, kind in zip(cases, facts, kinds, strict=True)
    ]
    given = list(zip(cases, texts, videos(source, bench.plan.clip.fps), strict=True))

    def far(text_scale: float, source_scale: float) -> Tensor:
        scales = {"guidance_scale": text_scale, "source_guidance_scale": source_scale}
        return distance(bench.run([_told(case, text, video, **scales) for case, text, video in given]), source)

    by_text = [far(scale, 1.0) for scale in TEXT_SCALES]
    by_source = [far(TEXT_SCALES[1], scale) for scale in SOURCE_SCALES]
    lines: Measured = {"made": {}, "autoencoder": {"distance": distance(bench.reconstruct(source), source)}}
    for name, scales, found in (("text", TEXT_SCALES, by_text), ("picture", SOURCE_SCALES, by_source)):
        lines["made"] |= {f"distance, {name} {scale:g}": value for scale, value in zip(scales, found, strict=True)}
    lines["made"]["text monotone"] = [rising(row) for row in torch.stack(by_text, 1).tolist()]
    lines["made"]["picture monotone"] = [rising(row[::-1]) for row in torch.stack(by_source, 1).tolist()]
    return by_case(lines, len(cases))


ROWS = {
    "instruct": Row("instruct", (Goal("asked", ">=", 0.6), Goal("kept", ">=", 0.8)), measure=instruct),
    "guidances": Row(
        "instruct, guided by words and by picture",
        (Goal("text monotone", ">=", 1.0), Goal("picture monotone", ">=", 1.0)),
        measure=guidances,
        clips=len(TEXT_SCALES) + len(SOURCE_SCALES),
    ),
    "restyle": Row("restyle with strength", (Goal("monotone", ">=", 1.0),), measure=restyle, clips=len(STRENGTHS)),
}
