"""The failures that video models are known for, each read off a clip as a yes or a no.

The judge's eye and tracker look at every frame on its own, so what comes, goes, changes its name or its size between
frames can be told without knowing what was asked. The limits are set so that few real renders cross them; how many do
is the floor beside every rate.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from skyloom.evaluation.oracle import Oracle
from skyloom.models.texture import texture
from skyloom.models.watcher import resized

FAILURES = ("appearing", "morphing", "rigidity", "drift", "order")
THERE = 2.7
"""Step of the heat's sum over a frame that counts as someone who came or went: one actor's spot sums to about 4."""
SURE = 0.35
"""Heat at an actor from which a frame has a say about it."""
EDGE = 0.14
"""Distance from the frame's edge, in frame sides, within which an actor may come or go."""
JUMP = 0.34
"""Step of the log of an actor's side, less what its size was changing by, that no law of motion makes."""
LIGHT, DETAIL = 0.16, 0.4
"""Changes of mean brightness (range 2), and of the log of mean detail, from a clip's first to its last frames."""
MARGIN = 6.0
"""Nats a frame, both names together, by which an actor must have another name at the end than at the beginning."""
WINDOW = 6
"""Frames of which the first three are held against the last three."""
SPAN = 4
"""Frames that are averaged against single misreadings."""


@dataclass(frozen=True)
class Watched:
    """What was seen in every frame of b clips."""

    heat: Tensor  # (b, f) summed over the frame
    names: Tensor  # (b, f, s, actors) log probabilities
    centre: Tensor  # (b, f, s, 2)
    side: Tensor  # (b, f, s) log
    confidence: Tensor  # (b, f, s)
    surface: Tensor  # (b, f, m) of `texture`


@torch.inference_mode()
def watch(oracle: Oracle, pixels: Tensor, counts: Tensor) -> Watched:
    """Look at every frame of pixels (b, 3, f, h, w) in [-1, 1], of any size; counts: (b,) actors of each clip."""
    pixels = resized(pixels, oracle.config)
    sight, tracking = oracle.networks.look(pixels)
    names = oracle.networks.names_by_frame(pixels, tracking)
    present = torch.arange(tracking.side.shape[2]) < counts[:, None]
    confidence = tracking.confidence * present[:, None]
    heat = torch.sigmoid(sight.heat).sum((2, 3))
    return Watched(heat, names, tracking.centre, tracking.side, confidence, texture(pixels))


def _smooth(values: Tensor) -> Tensor:
    """(b, f, ...) to (b, f - 2, ...): the median of three frames."""
    return torch.stack([values[:, :-2], values[:, 1:-1], values[:, 2:]]).median(0).values


def _step(values: Tensor) -> Tensor:
    """(b, f, ...) to (b, f - 5, ...): the median of three frames less that of the three before."""
    middle = _smooth(values)
    return middle[:, 3:] - middle[:, :-3]


def _share(flags: Tensor) -> Tensor:
    """(b, f, ...) bool to (b, f - 5, ...): the share of each window of WINDOW frames."""
    last = flags.shape[1] - WINDOW + 1
    return torch.stack([flags[:, first : first + last].float() for first in range(WINDOW)]).mean(0)


def appears(seen: Watched) -> Tensor:
    """Return (b,) bool: the number of actors changes at once while nobody who is followed is at the frame's edge."""
    outside = ((seen.centre < EDGE) | (seen.centre > 1 - EDGE)).any(-1)
    at_edge = (outside & (seen.confidence > SURE / 2)).any(-1)
    return ((_step(seen.heat).abs() > THERE) & (_share(at_edge) == 0)).any(1)


def morphs(seen: Watched) -> Tensor:
    """Return (b,) bool: an actor is called one thing in the clip's first frames and another in its last."""
    weight = (seen.confidence > SURE).float()[..., None]
    told = seen.names.clamp(min=-6) * weight
    first, last = told[:, :SPAN].sum(1), told[:, -SPAN:].sum(1)
    enough = torch.minimum(weight[:, :SPAN].sum(1), weight[:, -SPAN:].sum(1))[..., 0] >= SPAN / 2
    then, now = first.argmax(-1, keepdim=True), last.argmax(-1, keepdim=True)
    lost = (first.gather(-1, then) - first.gather(-1, now)) + (last.gather(-1, now) - last.gather(-1, then))
    return (enough & (lost[..., 0] > MARGIN * SPAN)).any(1)


def bends(seen: Watched) -> Tensor:
    """Return (b,) bool: an actor's size jumps, beyond what it was growing or shrinking by, in frames sure of it."""
    slope = (seen.side[:, 2:] - seen.side[:, :-2]) / 2
    growing = 3 * (slope[:, :-3] + slope[:, 3:]) / 2
    known = _share(seen.confidence > SURE) > 0.8
    step = _step(seen.side)
    return ((torch.minimum(step.abs(), (step - growing).abs()) > JUMP) & known).flatten(1).any(1)


def drifts(seen: Watched) -> Tensor:
    """Return (b,) bool: brightness or detail of the whole picture is not the same at the end as at the beginning."""
    first, last = seen.surface[:, :SPAN].mean(1), seen.surface[:, -SPAN:].mean(1)
    light = (last[:, 3] - first[:, 3]).abs()
    detail = (last[:, 5:9].sum(1).clamp(min=1e-3) / first[:, 5:9].sum(1).clamp(min=1e-3)).log().abs()
    return (light > LIGHT) | (detail > DETAIL)


def failures(oracle: Oracle, pixels: Tensor) -> list[dict[str, bool]]:
    """Return for each clip of pixels (b, 3, f, h, w) which of FAILURES it shows."""
    readings = oracle.read(pixels)
    seen = watch(oracle, pixels, torch.tensor([reading.count for reading in readings]))
    shuffled = torch.tensor([not reading.in_order for reading in readings])
    columns = {
        "appearing": appears(seen), "morphing": morphs(seen), "rigidity": bends(seen), "drift": drifts(seen),
        "order": shuffled,
    }  # fmt: skip
    return [{name: bool(values[row]) for name, values in columns.items()} for row in range(len(pixels))]
