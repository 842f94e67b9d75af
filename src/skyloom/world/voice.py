"""What tellings of a scene have in common, whatever the language."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import ModuleType
from typing import ClassVar

from skyloom.world.facts import EventFacts, Facts
from skyloom.world.grammar import Chooser
from skyloom.world.vocabulary import RELATIONS


class Voice(ABC):
    """One telling of one scene: its choices are made in the order of its calls.

    `tables` is the module of the language's words; both modules have tables of the same names.
    """

    tables: ClassVar[ModuleType]

    def __init__(self, facts: Facts, chooser: Chooser, synonyms: str) -> None:
        self.facts, self.pick, self.chance, self.synonyms = facts, chooser.pick, chooser.chance, synonyms

    @abstractmethod
    def bare(self, k: int) -> str:
        """Say actor k with its colour and no article or number."""

    @abstractmethod
    def event(self, event: EventFacts) -> str:
        """Say one event."""

    @abstractmethod
    def cut_camera(self, name: str) -> str:
        """Say a camera's motion after a cut."""

    def groups(self) -> list[list[int]]:
        """Numbers of the actors that do the same, in order; the object of a relation is told with its subject."""
        found: dict[tuple, list[int]] = {}
        for k, actor in enumerate(self.facts.actors):
            if self.facts.related and k == 1:
                continue
            does = (actor.motion, actor.direction, actor.speed, k if actor.motion in RELATIONS else None)
            found.setdefault(does, []).append(k)
        return list(found.values())

    def has_sides(self) -> bool:
        """Whether left and right tell the actors apart."""
        return len({actor.side for actor in self.facts.actors}) > 1

    def unique(self) -> bool:
        """Whether "the fox" is clear: no two actors are called the same."""
        return len({self.bare(k) for k in range(self.facts.count)}) == self.facts.count

    def events(self) -> str:
        """Say what happens to the first actor, in order: "; first it is bitten, then it is painted"."""
        said = [self.event(event) for event in self.facts.events]
        if len(said) < 2:
            return self.pick(self.tables.ONE_EVENT.of(self.synonyms)).format(a=said[0]) if said else ""
        return self.pick(self.tables.TWO_EVENTS.of(self.synonyms)).format(a=said[0], b=said[1])

    def shots(self) -> str:
        """Say the cuts: "; then cut to a kitchen, the camera panning left"."""
        text, place = "", self.facts.place
        for shot in self.facts.shots[1:]:
            if shot.place == place:
                text += self.pick(self.tables.SAME_PLACE_CUT.of(self.synonyms))
            else:
                said = self.pick(self.tables.PLACE[shot.place].of(self.synonyms))
                text += self.pick(self.tables.CUT.of(self.synonyms)).format(place=said)
            place = shot.place
            if shot.camera != "still":
                text += self.cut_camera(shot.camera)
        return text

    def where(self) -> str:
        """Say the place: "on the beach"."""
        return self.pick(self.tables.WHERE[self.facts.place].of(self.synonyms))

    def weather(self) -> str | None:
        """Say the weather: "in the rain"; None for clear."""
        name = self.facts.weather
        return None if name == "clear" else self.pick(self.tables.WEATHER[name].of(self.synonyms))

    def style(self) -> str:
        """Say the picture style: "pixel art"."""
        return self.pick(self.tables.STYLE[self.facts.style].of(self.synonyms))
