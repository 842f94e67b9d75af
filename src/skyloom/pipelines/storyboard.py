"""A timeline of shots as one film.

Shots follow one another without a cut, the words changing on the way, or begin anew after one (`cut`). Pictures and
clips stand at their seconds. What follows without a cut is one take: its windows remember each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Unpack

import numpy as np
from torch import Tensor

from skyloom.diffusion.sampler import OnStep
from skyloom.errors import InvalidArgument
from skyloom.pipelines import tasks
from skyloom.pipelines.canvas import Canvas, PromptSpan
from skyloom.pipelines.engine import Engine, Job, Settings, clip_cells, film_of, groups_for, prepare, room_of
from skyloom.pipelines.film import Film, frames_of
from skyloom.pipelines.telling import still
from skyloom.pipelines.windows import Fill, Window, memory_of, plan, spans_in, weave
from skyloom.seeds import derive_seed
from skyloom.video import Video


@dataclass(frozen=True)
class Shot:
    """What is shown for some seconds.

    cut: begin anew instead of going on from the shot before. pictures, clips: by the second of the shot at which they
    stand. view: camera, motion, pan, tilt and zoom, as in `Settings`.
    """

    prompt: str
    seconds: float = 2.0
    cut: bool = False
    pictures: Mapping[float, Video] = field(default_factory=dict)
    clips: Mapping[float, Video] = field(default_factory=dict)
    view: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Part:
    """A shot in its take: latent frames first <= f < end."""

    shot: Shot
    job: Job
    first: int
    end: int


def storyboard(engine: Engine, shots: Sequence[Shot], **settings: Unpack[Settings]) -> Film:
    """Make a film of shots. Raises InvalidArgument for none, and for what does not fit into its shot."""
    if not shots:
        raise InvalidArgument("shots", list(shots), "be at least one")
    job = prepare(engine, shots[0].prompt, {**settings, **shots[0].view})
    takes = _takes(engine, shots, {**settings, "seed": job.seed})
    stride, length = job.room.strides.temporal, clip_cells(engine)
    plans = [plan(take[-1].end, length, memory_of(length)) for take in takes]
    count = sum(1 + stride * (take[-1].end - 1) for take in takes)
    fills = [_fill(take) for take in takes]

    def chunks() -> Iterator[np.ndarray]:
        done, total = 0, sum(map(len, plans))
        for number, (take, windows, fill) in enumerate(zip(takes, plans, fills, strict=True)):
            seed = job.seed if number == 0 else derive_seed(job.seed, "take", number)
            here = replace(take[0].job, seed=seed, on_step=_counted(job.on_step, done, len(windows), total))
            anchor = here.anchor if len(take) == 1 else 0.0  # words that change may change the colours
            yield from map(frames_of, weave(engine, fill, windows, here, anchor))
            done += len(windows)

    told = [{"prompt": shot.prompt, "seconds": shot.seconds, "cut": shot.cut, **shot.view} for shot in shots]
    return film_of(engine, job, count, chunks(), "storyboard", shots=told)


def _counted(on_step: OnStep | None, done: int, windows: int, total: int) -> OnStep | None:
    """Return an on_step that counts the steps of all takes."""
    if on_step is None:
        return None

    def told(step: int, steps: int, denoised: Tensor) -> None:
        each = steps // windows
        on_step(done * each + step, total * each, denoised)

    return told


def _takes(engine: Engine, shots: Sequence[Shot], settings: Settings) -> list[list[_Part]]:
    """Lay shots out: a take begins at the first shot and at every cut."""
    takes: list[list[_Part]] = []
    for number, shot in enumerate(shots):
        job = prepare(engine, shot.prompt, {**settings, **shot.view})
        groups = groups_for(job, shot.seconds)
        if number == 0 or shot.cut:
            takes.append([])
        first = takes[-1][-1].end if takes[-1] else 0
        takes[-1].append(_Part(shot, job, first, first + groups + (not takes[-1])))
    return takes


def _fill(take: Sequence[_Part]) -> Fill:
    """Return what fills the windows of a take."""
    spans = [PromptSpan(part.job.told, part.first, part.end) for part in take]
    pins: dict[int, Tensor] = {}
    for part in take:
        for second, picture in part.shot.pictures.items():
            cell = _cell(part, second)
            pins[cell] = still(part.job, picture, cell > 0)
        for second, clip in part.shot.clips.items():
            _pin_clip(pins, part, _cell(part, second), clip)

    def fill(window: Window) -> Canvas:
        shown = next(p for p in take if p.end > window.first + window.memory)
        canvas = tasks.text_to_video(room_of(shown.job, window.end - window.first), shown.job.told)
        inside = {cell - window.first: pin for cell, pin in pins.items() if window.first <= cell < window.end}
        canvas = replace(canvas, prompts=spans_in(spans, window))
        return tasks.pinned(canvas, inside) if inside else canvas

    return fill


def _cell(part: _Part, second: float) -> int:
    """Return the latent frame of the take that shows a second of a shot. Raises InvalidArgument."""
    stride, fps = part.job.room.strides.temporal, part.job.room.fps
    last = (part.end - max(part.first, 1)) * stride / fps
    if not 0 <= second < last:
        raise InvalidArgument("second of a picture", second, f"be at least 0 and below {last:g}, within its shot")
    return min(part.first + -(-round(second * fps) // stride), part.end - 1)


def _pin_clip(pins: dict[int, Tensor], part: _Part, cell: int, clip: Video) -> None:
    """Pin the groups of a clip from a latent frame on; at a take's beginning its first frame too."""
    stride = part.job.room.strides.temporal
    fitted = part.job.room.fitted(clip)
    groups = min((len(fitted.frames) - 1) // stride, part.end - max(cell, 1))
    if groups < 1:
        raise InvalidArgument("clip", f"{len(fitted.frames)} frames", f"have at least {stride + 1}", stride + 1)
    used = replace(fitted, frames=fitted.frames[: 1 + stride * groups], fps=part.job.room.fps)
    latents = part.job.room.encoded(used)
    for offset, latent in enumerate(latents.split(1, dim=2)):
        if cell == 0 or offset > 0:
            pins[cell + offset - (cell > 0)] = latent
