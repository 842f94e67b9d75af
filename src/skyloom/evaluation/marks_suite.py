"""Whether what is marked stays marked.

The cookie test and its kin: an actor is bitten, broken, painted, leaves footprints, or its flame is blown out. Told:
the prompt says that it happens; the mark must come, after frames without it, and be there in every later frame. Shown:
the clip begins with the mark, the words are silent about it, and the continuation must keep it.

The judge (mark_reader.py) matches frames to renders. Its floor is the real render of the same scene; its planted faults
are the render where nothing happens and the one whose mark vanishes. A clip that stands still keeps every mark: that is
the trivial line of what is shown.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from skyloom.config import ClipConfig, WorldConfig
from skyloom.evaluation.mark_reader import LAG, LEFT_BEHIND, MarkReader, fit_reader, with_events
from skyloom.evaluation.oracle_clips import numbered_scenes, render_scenes
from skyloom.evaluation.task_bench import Bench, Goal, Measured, Numbers, Row, Task, by_case, rounded, videos
from skyloom.evaluation.task_cases import CALM, SPLIT, Case, words
from skyloom.seeds import derive_seed
from skyloom.video import Video
from skyloom.world.bodies import body_sizes
from skyloom.world.facts import Facts, describe_all
from skyloom.world.physics import simulate
from skyloom.world.scene import Scenes

EVENT_SECONDS = 0.5
"""When it happens in the real render; no prompt says so."""
BEFORE = -1.0
"""When it happened to what is shown."""
RUN = 3
"""Frames in a row that make a mark; less is a misreading."""
VANISHES = 0.75
"""Share of a clip after which a planted mark is gone."""
SEARCH = 64
Readings = list[tuple[Tensor, Tensor]]
"""For each clip the evidence of its frames, and which of them can be read."""


@dataclass(frozen=True)
class Marked:
    """Cases with what is known of them."""

    cases: list[Case]
    scenes: Scenes
    readers: list[MarkReader]

    @property
    def events(self) -> list[str]:
        """What happens in each."""
        return [reader.event for reader in self.readers]


def marks_world(world: WorldConfig) -> WorldConfig:
    """Return a world of one actor in each scene to whom something happens, CALM."""
    return replace(world, two_actors=0.0, three_actors=0.0, event=1.0, cut=0.0, **CALM)


def goes_on(scenes: Scenes, clip: ClipConfig) -> list[bool]:
    """Tell of each scene whether its actor leaves the ground that it stands on within LAG of the judge's frames."""
    x = simulate(scenes, clip.num_frames, clip.fps).position[:, :, 0, 0]
    share = LAG / 16
    gone = (x[:, -1] - x[:, 0]).abs() * share
    height, width = body_sizes(scenes)
    return (gone > 1.3 * LEFT_BEHIND * torch.maximum(height, width)[:, 0]).tolist()


@functools.lru_cache(maxsize=64)
def _block(world: WorldConfig, clip: ClipConfig, first: int) -> tuple[tuple[int, Facts], ...]:
    """Return the fitting scenes among SEARCH numbers."""
    scenes = numbered_scenes(marks_world(world), clip, torch.arange(first, first + SEARCH), SPLIT)
    found = zip(range(first, first + SEARCH), describe_all(scenes), goes_on(scenes, clip), strict=True)
    return tuple(
        (number, facts)
        for number, facts, leaves in found
        if len(facts.events) == 1 and (leaves or facts.events[0].name != "footprints")
    )


def marked_cases(bench: Bench, numbers: Sequence[int], purpose: str, told: bool) -> Marked:
    """Return cases by number, with a reader for each; told: whether the words say what happens."""
    plan, found = bench.plan, []
    first = plan.seed * 1_000_000
    while len(found) <= max(numbers):
        found += _block(plan.world, plan.clip, first)
        first += SEARCH
    cases = []
    for number in numbers:
        scene, facts = found[number]
        said = facts if told else replace(facts, events=())
        noise = derive_seed(plan.seed, f"marks {purpose}", scene) % 2**31
        cases.append(Case(number, scene, facts, words(said, plan.seed, scene), noise))
    indices = torch.tensor([case.scene for case in cases])
    scenes = numbered_scenes(marks_world(plan.world), plan.clip, indices, SPLIT)
    rate = plan.clip.fps * (bench.oracle.config.num_frames - 1) / (plan.clip.num_frames - 1)
    one = [scenes.select(slice(row, row + 1)) for row in range(len(cases))]
    readers = [
        fit_reader(bench.oracle, scene, case.facts.events[0].name, rate) for scene, case in zip(one, cases, strict=True)
    ]
    return Marked(cases, scenes, readers)


def happening(marked: Marked, clip: ClipConfig, seconds: float) -> Tensor:
    """Render the cases' scenes with their events at one time, as a file would hold them."""
    return rounded(render_scenes(with_events(marked.scenes, marked.events, seconds), clip))


def unmarked(marked: Marked, clip: ClipConfig) -> Tensor:
    """Render the cases' scenes with nothing happening."""
    return rounded(render_scenes(with_events(marked.scenes, ["none"] * len(marked.cases), 0.0), clip))


def readings(readers: Sequence[MarkReader], pixels: Tensor) -> Readings:
    """Read each clip of pixels (b, 3, f, h, w) with its own reader."""
    pairs = (reader.read(clip[None]) for reader, clip in zip(readers, pixels, strict=True))
    return [(evidence[0], seen[0]) for evidence, seen in pairs]


def smoothed(evidence: Tensor) -> list[bool]:
    """Say of each value of a series whether the median of it and its neighbours is above 0."""
    padded = torch.cat([evidence[:1], evidence, evidence[-1:]])
    return (padded.unfold(0, 3, 1).median(1).values > 0).tolist() if len(evidence) else []


def told_scores(evidence: Tensor, seen: Tensor) -> dict[str, float]:
    """Say of one clip whether the mark comes, comes anew, and is there from then on; "right" is all three."""
    marks = smoothed(evidence[seen])
    start = next((k for k in range(len(marks) - RUN + 1) if all(marks[k : k + RUN])), None)
    if start is None:
        return {"happens": 0.0, "right": 0.0}
    new, kept = float(not all(marks[:2])), float(all(marks[start:]))
    return {"happens": 1.0, "anew": new, "kept": kept, "right": new * kept}


def shown_scores(evidence: Tensor, seen: Tensor) -> dict[str, float]:
    """Say of a continuation in how many of its frames the mark is, and whether in all; nobody there keeps nothing."""
    marks = smoothed(evidence[seen])
    if not marks:
        return {"frames": 0.0, "right": 0.0}
    return {"frames": sum(marks) / len(marks), "right": float(all(marks))}


def _lines(clips: dict[str, Tensor], marked: Marked, continued_at: int | None) -> Measured:
    """Score every line's clips; continued_at: the frame from which only what follows counts."""
    lines: Measured = {}
    for line, pixels in clips.items():
        scores = []
        for evidence, seen in readings(marked.readers, pixels):
            if continued_at is None:
                scores.append(told_scores(evidence, seen))
                continue
            shown = torch.linspace(0, pixels.shape[2] - 1, len(seen)).round()
            scores.append(shown_scores(evidence, seen & (shown >= continued_at)))
        names = dict.fromkeys(name for score in scores for name in score)
        lines[line] = {name: [score.get(name, float("nan")) for score in scores] for name in names}
        for kind in dict.fromkeys(marked.events):
            right = zip(lines[line]["right"], marked.events, strict=True)
            lines[line][kind] = [float(value) if event == kind else float("nan") for value, event in right]
    return lines


def told(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """The prompt says what happens."""
    marked = marked_cases(bench, numbers, "told", told=True)
    clip = bench.plan.clip

    def task(case: Case) -> Task:
        return lambda engine: engine.generate(case.prompt, seed=case.seed)

    made = bench.run([task(case) for case in marked.cases])
    real, plain = happening(marked, clip, EVENT_SECONDS), unmarked(marked, clip)
    gone = int(VANISHES * clip.num_frames)
    clips = {
        "made": made,
        "render": real,
        "autoencoder": bench.reconstruct(real),
        "still": real[:, :, :1].expand_as(real).contiguous(),
        "nothing happens": plain,
        "the mark vanishes": torch.cat([real[:, :, :gone], plain[:, :, gone:]], 2),
    }
    bench.keep_pairs("told", numbers, real, made)
    return by_case(_lines(clips, marked, None), len(marked.cases))


def shown(bench: Bench, numbers: Sequence[int]) -> list[Numbers]:
    """The clip begins with the mark and is continued."""
    marked = marked_cases(bench, numbers, "shown", told=False)
    clip, stride = bench.plan.clip, bench.pipeline.autoencoder.config.temporal_stride
    given = 1 + stride * ((clip.num_frames - 1) // stride // 2)
    seconds = (clip.num_frames - given) / clip.fps
    real, plain = happening(marked, clip, BEFORE), unmarked(marked, clip)

    def task(case: Case, video: Video) -> Task:
        return lambda engine: engine.extend(video, case.prompt, seconds=seconds, seed=case.seed)

    pairs = zip(marked.cases, videos(real[:, :, :given], clip.fps), strict=True)
    made = bench.run([task(*pair) for pair in pairs])
    held = real[:, :, given - 1 : given].expand_as(real[:, :, given:])
    clips = {
        "made": made,
        "render": real,
        "autoencoder": bench.reconstruct(real),
        "still": torch.cat([real[:, :, :given], held], 2),
        "the mark vanishes": torch.cat([real[:, :, :given], plain[:, :, given:]], 2),
    }
    bench.keep_pairs("shown", numbers, real, made)
    return by_case(_lines(clips, marked, given), len(marked.cases))


NOTE = (
    "right: the mark {what}; below it the same by event. The lines 'nothing happens' and 'the mark vanishes' are "
    "planted faults: what they reach is how often the judge is blind."
)
ROWS = {
    "told": Row(
        "marks that are told",
        (Goal("right", ">=", 0.5),),
        NOTE.format(what="comes after frames without it and is there in every later frame"),
        measure=told,
    ),
    "shown": Row(
        "marks that are shown",
        (Goal("right", ">=", 0.5),),
        NOTE.format(what="is there in every frame of the continuation") + " still: the last frame given, held.",
        measure=shown,
    ),
}
