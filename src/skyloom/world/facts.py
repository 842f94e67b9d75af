"""Scenes as plain names.

`describe_all` reads the tensors of a batch once and gives, for each scene, what words may say about it and nothing
else: captions, instructions and judges all speak from Facts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from skyloom.world.actors import ACTORS
from skyloom.world.marks import PAINTS
from skyloom.world.relations import PARTNER
from skyloom.world.sampling import UNHURRIED
from skyloom.world.scene import NO_ACTOR, Scenes
from skyloom.world.vocabulary import (
    CAMERAS,
    COLORS,
    EVENTS,
    MOTIONS,
    PLACES,
    RELATIONS,
    SPEEDS,
    STYLES,
    TRAVELS,
    WEATHERS,
)

SIDE_GAP = 0.3
"""Metres from the others at which an actor stands to their left or right."""

DIRECTED = (*TRAVELS, "chase", "push", "ride", "pass_behind")
"""Motions whose direction can be seen."""

PACED = tuple(motion for motion in MOTIONS if motion not in UNHURRIED)
"""Motions whose speed can be seen."""

SIDELESS = ("orbit", "ride", "pass_behind")
"""Relations that bring their two actors to the same spot, so that left and right mean nothing."""

COLOR_NAMES = tuple(COLORS)


@dataclass(frozen=True)
class ActorFacts:
    """One actor: what it is, what it does, where it starts."""

    index: int  # into ACTORS
    name: str
    motion: str
    direction: str | None  # "left" or "right"; None when the motion has none
    speed: str  # "normal" also when the motion has no pace of its own
    color: str | None  # None when the actor keeps its own colours
    side: str  # "left", "right" or "middle" among the actors at time 0


@dataclass(frozen=True)
class EventFacts:
    """One thing that happens to the first actor."""

    name: str
    time: float  # seconds
    color: str | None  # of the paint, for "painted"


@dataclass(frozen=True)
class ShotFacts:
    """One shot between cuts."""

    start: float  # seconds
    place: str
    camera: str


@dataclass(frozen=True)
class Facts:
    """One scene in plain names. For a RELATIONS motion of actors[0] its object is actors[1]."""

    actors: tuple[ActorFacts, ...]
    place: str
    weather: str
    style: str
    camera: str
    events: tuple[EventFacts, ...]  # in order of time
    shots: tuple[ShotFacts, ...]  # the first starts at 0

    @property
    def count(self) -> int:
        """Number of actors."""
        return len(self.actors)

    @property
    def related(self) -> bool:
        """Whether the first actor's motion has the second as its object."""
        return self.count > 1 and self.actors[0].motion in RELATIONS

    @property
    def partner_as_usual(self) -> bool:
        """Whether the first actor's motion says what the second does: who is chased runs."""
        return self.related and self.actors[1].motion in (PARTNER[self.actors[0].motion], "stand")


def _sides(xs: list[float]) -> list[str]:
    """Place each x among the others: left or right of their mean by more than SIDE_GAP."""
    sides = ["middle"] * len(xs)
    for i, x in enumerate(xs):
        others = xs[:i] + xs[i + 1 :]
        gap = x - sum(others) / len(others) if others else 0.0
        if abs(gap) > SIDE_GAP:
            sides[i] = "left" if gap < 0 else "right"
    return sides


def _actors_of(row: dict) -> tuple[ActorFacts, ...]:
    slots = [k for k, index in enumerate(row["actor"]) if index != NO_ACTOR]
    motions = [MOTIONS[row["motion"][k]] for k in slots]
    sides = _sides([row["start"][k][0] for k in slots])
    if motions and motions[0] in SIDELESS:
        sides[:2] = ["middle"] * len(sides[:2])
    table = ACTORS
    return tuple(
        ActorFacts(
            index=row["actor"][k],
            name=table[row["actor"][k]].name,
            motion=motion,
            direction=("left" if row["direction"][k] < 0 else "right") if motion in DIRECTED else None,
            speed=SPEEDS[row["speed"][k]] if motion in PACED else "normal",
            color=COLOR_NAMES[row["color"][k]] if row["color"][k] >= 0 else None,
            side=side,
        )
        for k, motion, side in zip(slots, motions, sides, strict=True)
    )


def _events_of(row: dict, seconds: float) -> tuple[EventFacts, ...]:
    pairs = zip(row["event_time"], (EVENTS[event] for event in row["event"]), strict=True)
    paint = PAINTS[int(row["variation"][7] * len(PAINTS))]
    return tuple(
        EventFacts(event, time, paint if event == "painted" else None)
        for time, event in sorted(pairs)
        if event != "none" and time < seconds
    )


def _shots_of(row: dict, seconds: float) -> tuple[ShotFacts, ...]:
    starts = [0.0, *(t for t in row["cut_time"] if t < seconds)]
    names = zip(starts, row["shot_place"], row["shot_camera"], strict=False)
    return tuple(ShotFacts(start, PLACES[place], CAMERAS[camera]) for start, place, camera in names)


def describe_all(scenes: Scenes, seconds: float = math.inf) -> list[Facts]:
    """Return the Facts of b scenes. Events and cuts at or after `seconds` (the clip's end) are left out."""
    columns = {f.name: getattr(scenes, f.name).tolist() for f in fields(scenes)}
    result = []
    for values in zip(*columns.values(), strict=True):
        row = dict(zip(columns, values, strict=True))
        result.append(
            Facts(
                actors=_actors_of(row),
                place=PLACES[row["place"]],
                weather=WEATHERS[row["weather"]],
                style=STYLES[row["style"]],
                camera=CAMERAS[row["camera"]],
                events=_events_of(row, seconds),
                shots=_shots_of(row, seconds),
            )
        )
    return result


def describe(scenes: Scenes, row: int, seconds: float = math.inf) -> Facts:
    """Return the Facts of one scene."""
    return describe_all(scenes.select(slice(row, row + 1)), seconds)[0]
