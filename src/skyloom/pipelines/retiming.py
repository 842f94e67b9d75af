"""Other rates than that of training.

A network has seen one rate only. So what is asked for at another one is made at that of training, as many seconds long,
and shown at other moments: where a moment lies between two frames, motion is followed (`data.motion`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from skyloom.data.motion import in_between
from skyloom.pipelines.engine import Engine, Job, clip_cells

NEAR = 1e-3
"""Shares of a frame's time that are not looked between."""


def as_trained(engine: Engine, job: Job) -> Job:
    """Return the job of what is made for a job: at the rate of training, as long, and at least one window."""
    rate, size, stride = engine.preset.clip.fps, job.room.size, job.room.strides.temporal
    if size.num_frames == 1 or job.room.fps == rate:
        return job
    groups = -(-(size.num_frames - 1) * rate // (job.room.fps * stride))
    frames = 1 + stride * max(int(groups), clip_cells(engine) - 1)
    told = {name: value for name, value in job.room.scalars.items() if name != "fps"}
    return replace(job, room=replace(job.room, size=replace(size, num_frames=frames), fps=rate, scalars=told))


def retimed(chunks: Iterator[Tensor], rate: float, fps: float, count: int) -> Iterator[Tensor]:
    """Yield `count` frames at `fps` of chunks (1, 3, k, h, w) at `rate`; what goes on after them is not asked for."""
    first, shown, held = 0, 0, torch.empty(0)
    for pixels in chunks:
        held = torch.cat([held, pixels], dim=2) if held.numel() else pixels
        reached = int((first + held.shape[2] - 1) * fps / rate + NEAR)
        places = torch.arange(shown, min(reached + 1, count)) * (rate / fps) - first
        if len(places):
            yield between(held[0].transpose(0, 1), places).transpose(0, 1)[None]
        shown += len(places)
        if shown == count:
            return
        first, held = first + held.shape[2] - 1, held[:, :, -1:]


def between(frames: Tensor, places: Tensor) -> Tensor:
    """Return frames (k, c, h, w) at places (n,) counted in frames, 0 to k - 1: (n, c, h, w)."""
    before = (places + NEAR).floor().long().clamp(0, len(frames) - 1)
    shares = places - before
    shares = torch.where(shares < NEAR, 0.0, shares)
    made = frames[before].clone()
    for share in shares.unique().tolist():
        here = shares == share
        if share > 0:
            after = (before[here] + 1).clamp(max=len(frames) - 1)
            made[here] = in_between(frames[before[here]], frames[after], share)[0]
    return made
