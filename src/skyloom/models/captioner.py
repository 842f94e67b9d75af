"""Videos into words.

A watcher of its own (never the judge's weights) reads slots; the slots become Facts, and the world's grammar tells
Facts in English or Chinese, from terse to descriptive. What it is not sure of, it leaves unsaid where that can be: an
actor, weather, camera, style, speed. So its words can only be wrong about what it believes, never ungrammatical.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from skyloom.models.sight import SLOTS
from skyloom.models.watcher import DIRECTIONS, Watcher, load_watcher, logits_of
from skyloom.world.actors import ACTORS
from skyloom.world.camera import VIEW_HEIGHT
from skyloom.world.captions import caption
from skyloom.world.facts import DIRECTED, PACED, SIDE_GAP, ActorFacts, Facts, ShotFacts

SHIPPED = Path(__file__).parent.parent / "weights" / "captioner"
NAME = "captioner"
USUAL = {"weather": "clear", "camera": "still", "style": "3d render"}
"""What a caption that says nothing of it means."""
LEAST = 0.5
"""Probability from which an actor or something unusual is said."""


@dataclass(frozen=True)
class SeenActor:
    """One actor as it was read; each probability is that of the name beside it."""

    name: str
    motion: str
    direction: str | None
    speed: str
    x: float  # at the first frame, from 0 to 1 over the frame
    sure: dict[str, float]


@dataclass(frozen=True)
class Seen:
    """What was read off one clip; actors from left to right at its middle."""

    count: int
    actors: tuple[SeenActor, ...]
    place: str
    weather: str
    camera: str
    style: str
    sure: dict[str, float]


class Captioner:
    """Reads clips and tells what they show."""

    def __init__(self, watcher: Watcher) -> None:
        self.watcher = watcher.eval()

    def see(self, pixels: Tensor) -> list[Seen]:
        """Read every clip of pixels (b, 3, f, h, w) in [-1, 1], of any size; about two seconds each."""
        logits, centre = logits_of(self.watcher, pixels)
        sure, best = {}, {}
        for name, values in logits.items():
            top = values.softmax(-1).max(-1)
            sure[name], best[name] = top.values.tolist(), top.indices.tolist()
        return [self._seen(row, best, sure, centre[row, 0, :, 0].tolist()) for row in range(len(pixels))]

    def _seen(self, row: int, best: dict[str, list], sure: dict[str, list], x: list[float]) -> Seen:
        config = self.watcher.config
        names = {"place": config.places, "weather": config.weathers, "camera": config.cameras, "style": config.styles}
        count = best["count"][row] + 1
        actors = tuple(self._actor(slot, row, best, sure, x) for slot in range(min(count, SLOTS)))
        told = {name: classes[best[name][row]] for name, classes in names.items()}
        return Seen(count, actors, **told, sure={name: sure[name][row] for name in ("count", *names)})

    def _actor(self, slot: int, row: int, best: dict[str, list], sure: dict[str, list], x: list[float]) -> SeenActor:
        config = self.watcher.config
        motion = config.motions[best["motion"][row][slot]]
        direction = DIRECTIONS[best["direction"][row][slot]] if motion in DIRECTED else "none"
        speed = config.speeds[best["speed"][row][slot]] if motion in PACED else "normal"
        return SeenActor(
            config.actors[best["actor"][row][slot]], motion, None if direction == "none" else direction, speed, x[slot],
            {name: sure[name][row][slot] for name in ("actor", "motion", "direction", "speed")},
        )  # fmt: skip

    def describe(self, pixels: Tensor, least: float = LEAST) -> list[Facts]:
        """Return what can be said of each clip; see `facts_of`."""
        return [facts_of(seen, least) for seen in self.see(pixels)]

    def caption(self, pixels: Tensor, language: str = "en", detail: str = "plain", variant: int = 0) -> list[str]:
        """Return one caption for each clip; arguments as of `skyloom.world.captions.caption`."""
        return [caption(facts, language, detail, variant) for facts in self.describe(pixels)]


def facts_of(seen: Seen, least: float = LEAST) -> Facts:
    """Turn a reading into Facts, leaving out what is less probable than `least` where words can do without it.

    One actor always stays. Sides come from where the actors are at the first frame.
    """
    actors = [actor for actor in seen.actors if actor.sure["actor"] >= least]
    actors = actors or [max(seen.actors, key=lambda actor: actor.sure["actor"])]
    said = {name: getattr(seen, name) if seen.sure[name] >= least else usual for name, usual in USUAL.items()}
    sides = _sides([actor.x for actor in actors])
    told = tuple(_told(actor, side, least) for actor, side in zip(actors, sides, strict=True))
    return Facts(told, seen.place, **said, events=(), shots=(ShotFacts(0.0, seen.place, said["camera"]),))


def _told(actor: SeenActor, side: str, least: float) -> ActorFacts:
    index = next(number for number, known in enumerate(ACTORS) if known.name == actor.name)
    speed = actor.speed if actor.sure["speed"] >= least else "normal"
    return ActorFacts(index, actor.name, actor.motion, actor.direction, speed, None, side)


def _sides(places: list[float]) -> list[str]:
    """Say for one or two actors who is left and who is right, when they are far enough apart."""
    if len(places) < 2 or abs(places[0] - places[1]) * VIEW_HEIGHT <= SIDE_GAP:
        return ["middle"] * len(places)
    return ["left", "right"] if places[0] < places[1] else ["right", "left"]


def windows(num_frames: int, length: int) -> Iterator[tuple[int, int]]:
    """Cut a video into stretches of at most `length` frames that overlap by their border frame: (first, last + 1).

    A last stretch shorter than half of `length` joins none: it is left out, unless it is the only one.
    """
    step = max(1, length - 1)
    for number in range(max(1, math.ceil((num_frames - 1) / step))):
        first, last = number * step, min(number * step + length, num_frames)
        if number == 0 or last - first > length / 2:
            yield first, last


def load_captioner(folder: Path = SHIPPED) -> Captioner:
    """Read a captioner's folder. Raises CheckpointError when it is missing or incomplete."""
    with torch.no_grad():
        return Captioner(load_watcher(folder, NAME))
