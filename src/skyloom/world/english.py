"""Facts into English sentences."""

from __future__ import annotations

from dataclasses import dataclass

from skyloom.world import phrases_en as en
from skyloom.world.facts import ActorFacts, EventFacts, Facts
from skyloom.world.grammar import (
    Chooser,
    capitalised,
    join_and,
    plural,
    present_participle,
    third_person,
)
from skyloom.world.nouns import nouns, with_article
from skyloom.world.vocabulary import RELATIONS
from skyloom.world.voice import Voice


@dataclass(frozen=True)
class Predicate:
    """A verb in base form between what stands before and after it."""

    before: str  # "slowly " or ""
    verb: str
    after: str  # " to the left" or ""

    def finite(self, many: bool) -> str:
        """As in "slowly walks to the left"; many: "slowly walk to the left"."""
        return self.before + (self.verb if many else third_person(self.verb)) + self.after

    def participle(self) -> str:
        """As in "slowly walking to the left"."""
        return self.before + present_participle(self.verb) + self.after

    def progressive(self, many: bool) -> str:
        """As in "is slowly walking to the left"."""
        return ("are " if many else "is ") + self.participle()


@dataclass(frozen=True)
class Item:
    """Actors that do the same thing."""

    noun: str  # "a fox and a penguin"
    definite: str  # "the fox and the penguin"
    many: bool
    predicate: Predicate


class EnglishVoice(Voice):
    """One telling of one scene in English."""

    tables = en

    def __init__(self, facts: Facts, chooser: Chooser, synonyms: str) -> None:
        super().__init__(facts, chooser, synonyms)
        table = nouns("en")
        self.nouns = [self.pick(table[actor.index].of(synonyms)) for actor in facts.actors]
        for k, actor in enumerate(facts.actors):  # equal actors are called the same
            first = next(i for i, other in enumerate(facts.actors) if other.index == actor.index)
            self.nouns[k] = self.nouns[first]

    def bare(self, k: int) -> str:
        """As in "red ball": actor k without an article."""
        color = self.facts.actors[k].color
        return f"{color} {self.nouns[k]}" if color else self.nouns[k]

    def indefinite(self, k: int) -> str:
        """As in "a red ball", or "another red ball" after an equal one."""
        if any(self.bare(i) == self.bare(k) for i in range(k)):
            return "another " + self.bare(k)
        return with_article(self.facts.actors[k].index, self.nouns[k], self.facts.actors[k].color)

    def predicate(self, actor: ActorFacts) -> Predicate:
        """Say an actor's motion with its object, direction and speed."""
        verb, _, after = self.pick(en.MOTION[actor.motion].of(self.synonyms)).partition(" ")
        if "{o}" in after:
            after = after.replace("{o}", self.object_of())
        words, before = [after] if after else [], ""
        if actor.direction:
            directions = en.DIRECTION[actor.direction].of(self.synonyms)
            words.append(self.pick(directions[1:] if after else directions))
        if actor.speed != "normal":
            if self.chance(50):
                before = self.pick(en.SPEED_BEFORE[actor.speed].of(self.synonyms)) + " "
            else:
                words.append(self.pick(en.SPEED_AFTER[actor.speed].of(self.synonyms)))
        return Predicate(before, verb, "".join(" " + word for word in words))

    def object_of(self) -> str:
        """Say the second actor as the object of the first: "a cat", "a cat that is running left"."""
        actor = self.facts.actors[1]
        if self.facts.partner_as_usual or actor.motion in RELATIONS:
            return self.indefinite(1)
        return f"{self.indefinite(1)} that {self.predicate(actor).progressive(False)}"

    def item(self, group: list[int], sides: bool) -> Item:
        """Say one group of actors."""
        actors = self.facts.actors
        equal: dict[tuple[str, str | None], list[int]] = {}
        for k in group:
            equal.setdefault((self.bare(k), actors[k].side if sides else None), []).append(k)
        indefinite, definite = [], []
        for (bare, side), members in equal.items():
            at = " " + self.pick(en.SIDE[side].of(self.synonyms)) if side else ""
            number = len(members)
            noun = self.indefinite(members[0]) if number == 1 else f"{en.NUMBERS[number]} {plural(bare)}"
            indefinite.append(noun + at)
            definite.append("the " + (bare if number == 1 else plural(bare)))
        many = len(group) > 1
        return Item(join_and(indefinite), join_and(definite), many, self.predicate(actors[group[0]]))

    def items(self, sides: bool) -> list[Item]:
        """Say every actor."""
        return [self.item(group, sides) for group in self.groups()]

    def main(self, frame: str, items: list[Item], where: str) -> str:
        """Fill a sentence frame."""
        clauses = [f"{item.noun} {item.predicate.finite(item.many)}" for item in items]
        link = " while " if len(items) == 2 and self.chance(60) else None
        values = {
            "finite": link.join(clauses) if link else join_and(clauses),
            "where": where,
            "is": "are" if items[0].many else "is",
        }
        if "{progressive}" in frame:
            clauses = [f"{item.noun} {item.predicate.progressive(item.many)}" for item in items]
            values["progressive"] = link.join(clauses) if link else join_and(clauses)
        if "{participle}" in frame:
            values["participle"] = join_and([f"{item.noun} {item.predicate.participle()}" for item in items])
        if "{definite}" in frame:
            values["nouns"] = join_and([item.noun for item in items])
            clauses = [f"{item.definite} {item.predicate.finite(item.many)}" for item in items]
            values["definite"] = link.join(clauses) if link else join_and(clauses)
        return frame.format(**values)

    def subject(self) -> str:
        """Say the first actor again: "it", or "the fox" among several."""
        if self.facts.count == 1:
            return self.pick(("it", "the " + self.bare(0)))
        return "the " + self.bare(0) if self.unique() else "one of them"

    def event(self, event: EventFacts) -> str:
        """Say one event: "it is painted red"."""
        color = event.color
        return self.pick(en.EVENT[event.name].of(self.synonyms)).format(s=self.subject(), c=color)

    def camera(self, name: str, frames: tuple[str, ...]) -> str:
        """Say a camera's motion in one of the frames."""
        verb, _, after = self.pick(en.CAMERA[name].of(self.synonyms)).partition(" ")
        said = Predicate("", verb, " " + after if after else "")
        return self.pick(frames).format(finite=said.finite(False), participle=said.participle())

    def cut_camera(self, name: str) -> str:
        """Say a camera's motion after a cut: ", the camera panning left"."""
        return self.camera(name, (", the camera {participle}",))


def plain(voice: EnglishVoice) -> str:
    """One sentence that says all that is not usual."""
    facts = voice.facts
    frames = en.FRAMES.of(voice.synonyms)
    frame = voice.pick(frames)
    if "{definite}" in frame and (not voice.unique() or facts.related or facts.count == 1):
        frame = frames[0]
    sides = voice.has_sides() and voice.chance(40)
    where, weather = voice.where(), voice.weather()
    place_of_weather = voice.chance(50)
    if weather and place_of_weather:
        where = f"{where} {weather}"
    text = voice.main(frame, voice.items(sides), where)
    if weather and not place_of_weather:
        text = f"{weather}, {text}" if voice.chance(25) else f"{text}, {weather}"
    if facts.camera != "still":
        text += voice.camera(facts.camera, en.CAMERA_FRAMES.of(voice.synonyms))
    text += voice.events() + voice.shots()
    if facts.style != "3d render":
        text = voice.pick(en.STYLE_FRAMES.of(voice.synonyms)).format(style=voice.style(), text=text)
    return capitalised(text) + "." if voice.chance(25) else text


def _tags(voice: EnglishVoice) -> list[str]:
    facts = voice.facts
    tags = []
    if facts.weather != "clear":
        tags.append(en.WEATHER_TAG[facts.weather])
    if facts.camera != "still":
        tags.append(voice.camera(facts.camera, ("camera {participle}",)))
    if facts.style != "3d render":
        tags.append(voice.style())
    return tags


def terse(voice: EnglishVoice) -> str:
    """Bare words: "fox walking left, beach, rain"."""
    participles = []
    for group in voice.groups():
        item = voice.item(group, False)
        noun = item.noun
        for article in ("a ", "an "):
            noun = noun.removeprefix(article)
        participles.append(f"{noun} {item.predicate.participle()}")
    frame = voice.pick(en.TERSE_FRAMES.of(voice.synonyms))
    place = voice.pick(en.PLACE[voice.facts.place].of(voice.synonyms))
    for article in ("a ", "an ", "the "):
        place = place.removeprefix(article)
    text = frame.format(participle=", ".join(participles), place=place, where=voice.where())
    return ", ".join([text, *_tags(voice)]) + voice.events() + voice.shots()


def descriptive(voice: EnglishVoice) -> str:
    """Two or three sentences that say everything, the usual too."""
    facts = voice.facts
    items = voice.items(voice.has_sides())
    frame = voice.pick(("{finite}, {where}", "{progressive}, {where}"))
    manner = voice.pick(en.MANNER[facts.actors[0].motion])
    first = voice.main(frame, items, manner) if len(items) == 1 else voice.main("{progressive}", items, "")
    first += voice.events() + "."
    detail = voice.pick(en.PLACE_DETAIL[facts.place])
    place = voice.pick(en.PLACE[facts.place].of(voice.synonyms))
    weather = voice.weather() or voice.pick(en.CLEAR)
    scene = voice.pick(en.SCENE_SENTENCES.of(voice.synonyms)).format(place=place, detail=detail, weather=weather)
    camera = voice.camera(facts.camera, ("{finite}",))
    look = voice.pick(en.LOOK_SENTENCES.of(voice.synonyms)).format(camera=camera, style=voice.style())
    sentences = [first, scene, look.removesuffix(".") + voice.shots() + "."]
    order = voice.pick(((0, 1, 2), (0, 1, 2), (1, 0, 2), (0, 2, 1)))
    if len(facts.shots) > 1:
        order = (0, 1, 2)
    return " ".join(capitalised(sentences[k]) for k in order)


DETAILS = {"terse": terse, "plain": plain, "descriptive": descriptive}
