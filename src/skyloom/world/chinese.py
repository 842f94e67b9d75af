"""Facts into Chinese sentences."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from skyloom.world import phrases_zh as zh
from skyloom.world.actors import ACTORS
from skyloom.world.facts import ActorFacts, EventFacts, Facts
from skyloom.world.grammar import Chooser
from skyloom.world.nouns import nouns
from skyloom.world.vocabulary import RELATIONS
from skyloom.world.voice import Voice


@functools.lru_cache(maxsize=4096)
def classifier(noun: str, category: str) -> str:
    """Return the measure word of a noun: by its longest known ending, else by its category."""
    for start in range(len(noun)):
        if noun[start:] in zh.CLASSIFIERS_BY_ENDING:
            return zh.CLASSIFIERS_BY_ENDING[noun[start:]]
    return zh.CLASSIFIERS_BY_CATEGORY.get(category, "个")


@dataclass(frozen=True)
class Item:
    """Actors that do the same thing."""

    counted: tuple[str, ...]  # ("一只狐狸", "一只企鹅")
    pieces: tuple[tuple[str, str], ...]  # (("一只", "狐狸"), ...): before and after what the actor does
    definite: str  # "狐狸和企鹅"
    predicate: str  # "慢慢地向左走"

    @property
    def nouns(self) -> str:
        """As in "一只狐狸和一只企鹅"."""
        return join_and(self.counted)

    def finite(self) -> str:
        """As in "一只狐狸向左走"."""
        return self.nouns + self.predicate

    def progressive(self) -> str:
        """As in "一只狐狸正在向左走"; a lasting state (站着) takes no 正在."""
        return self.nouns + ("" if "着" in self.predicate else "正在") + self.predicate

    def attributive(self) -> str:
        """As in "一只向左走的狐狸"."""
        if len(self.pieces) == 1:
            return f"{self.pieces[0][0]}{self.predicate}的{self.pieces[0][1]}"
        return f"{self.predicate}的{self.nouns}"


def join_and(parts: tuple[str, ...] | list[str]) -> str:
    """Join as Chinese lists do: "a", "a和b", "a、b和c"."""
    return parts[0] if len(parts) == 1 else "、".join(parts[:-1]) + "和" + parts[-1]


class ChineseVoice(Voice):
    """One telling of one scene in Chinese."""

    tables = zh

    def __init__(self, facts: Facts, chooser: Chooser, synonyms: str) -> None:
        super().__init__(facts, chooser, synonyms)
        table = nouns("zh")
        said: dict[int, str] = {}
        for actor in facts.actors:  # equal actors are called the same
            said.setdefault(actor.index, self.pick(table[actor.index].of(synonyms)))
        self.nouns = [said[actor.index] for actor in facts.actors]

    def bare(self, k: int) -> str:
        """As in "红色的球": actor k without number."""
        color = self.facts.actors[k].color
        return f"{zh.COLOR[color]}的{self.nouns[k]}" if color else self.nouns[k]

    def measure(self, k: int, number: int = 1) -> str:
        """As in "一只", "两只", or "另一只" after an equal actor."""
        word = classifier(self.nouns[k], ACTORS[self.facts.actors[k].index].category)
        other = "另" if number == 1 and any(self.bare(i) == self.bare(k) for i in range(k)) else ""
        return other + zh.NUMBERS[number] + word

    def predicate(self, actor: ActorFacts) -> str:
        """Say a motion with its speed, direction and object: "慢慢地向左走"."""
        motion = self.pick(zh.MOTION[actor.motion].of(self.synonyms))
        if "{o}" in motion:
            motion = motion.replace("{o}", self.object_of())
        speed = self.pick(zh.SPEED[actor.speed].of(self.synonyms)) if actor.speed != "normal" else ""
        direction = self.pick(zh.DIRECTION[actor.direction].of(self.synonyms)) if actor.direction else ""
        return speed + direction + motion

    def object_of(self) -> str:
        """Say the second actor as the object of the first: "一只猫", "一只向左跑的猫"."""
        actor = self.facts.actors[1]
        if self.facts.partner_as_usual or actor.motion in RELATIONS:
            return self.measure(1) + self.bare(1)
        return f"{self.measure(1)}{self.predicate(actor)}的{self.bare(1)}"

    def item(self, group: list[int], sides: bool) -> Item:
        """Say one group of actors."""
        facts = self.facts
        equal: dict[tuple[str, str | None], list[int]] = {}
        for k in group:
            equal.setdefault((self.bare(k), facts.actors[k].side if sides else None), []).append(k)
        pieces, definite = [], []
        for (bare, side), members in equal.items():
            at = self.pick(zh.SIDE[side].of(self.synonyms)) if side else ""
            pieces.append((at + self.measure(members[0], len(members)), bare))
            definite.append(bare)
        counted = tuple(before + bare for before, bare in pieces)
        return Item(counted, tuple(pieces), join_and(definite), self.predicate(facts.actors[group[0]]))

    def items(self, sides: bool) -> list[Item]:
        """Say every actor."""
        return [self.item(group, sides) for group in self.groups()]

    def main(self, frame: str, items: list[Item], where: str) -> str:
        """Fill a sentence frame."""
        values = {"where": where, "loc": where.removeprefix("在"), "nouns": join_and([item.nouns for item in items])}
        values["pred"] = items[0].predicate
        values["finite"] = "，".join(item.finite() for item in items)
        values["progressive"] = "，".join(item.progressive() for item in items)
        values["attributive"] = join_and([item.attributive() for item in items])
        values["definite"] = "，".join(item.definite + item.predicate for item in items)
        return frame.format(**values)

    def subject(self) -> str:
        """Say the first actor again: "它", or its noun among several."""
        if self.facts.count == 1:
            return self.pick(("它", self.bare(0)))
        return self.bare(0) if self.unique() else "其中一个"

    def event(self, event: EventFacts) -> str:
        """Say one event: "它被涂成红色"."""
        color = zh.COLOR[event.color] if event.color else None
        return self.pick(zh.EVENT[event.name].of(self.synonyms)).format(s=self.subject(), c=color)

    def camera(self, name: str) -> str:
        """Say what the camera does: "向左摇"."""
        return self.pick(zh.CAMERA[name].of(self.synonyms))

    def cut_camera(self, name: str) -> str:
        """Say a camera's motion after a cut: "，镜头向左摇"."""
        return "，镜头" + self.camera(name)


def _frame(voice: ChineseVoice, items: list[Item]) -> str:
    """Choose a sentence frame that fits the number of things done."""
    frame = voice.pick(zh.FRAMES.of(voice.synonyms))
    if "{definite}" in frame and (len(items) == 1 or not voice.unique() or voice.facts.related):
        return "{where}，{finite}"
    return "{where}，{progressive}" if "{pred}" in frame and len(items) > 1 else frame


def plain(voice: ChineseVoice) -> str:
    """One sentence that says all that is not usual."""
    facts = voice.facts
    items = voice.items(voice.has_sides() and voice.chance(40))
    text = voice.main(_frame(voice, items), items, voice.where())
    weather = voice.weather()
    if weather:
        text = f"{weather}，{text}" if voice.chance(40) else f"{text}，{weather}"
    if facts.camera != "still":
        text += voice.pick(zh.CAMERA_FRAMES.of(voice.synonyms)).format(a=voice.camera(facts.camera))
    text += voice.events() + voice.shots()
    if facts.style != "3d render":
        text = voice.pick(zh.STYLE_FRAMES.of(voice.synonyms)).format(style=voice.style(), text=text)
    return text + "。" if voice.chance(60) else text


def terse(voice: ChineseVoice) -> str:
    """Bare words: "狐狸向左走，沙滩，雨"."""
    facts = voice.facts
    said = []
    for item in voice.items(False):
        nouns_said = join_and([bare if before.startswith("一") else before + bare for before, bare in item.pieces])
        said.append(nouns_said + item.predicate)
    place = voice.pick(zh.PLACE[facts.place].of(voice.synonyms))
    frame = voice.pick(zh.TERSE_FRAMES.of(voice.synonyms))
    tags = [frame.format(terse="，".join(said), place=place, where="，" + voice.where())]
    if facts.weather != "clear":
        tags.append(zh.WEATHER_TAG[facts.weather])
    if facts.camera != "still":
        tags.append("镜头" + voice.camera(facts.camera))
    if facts.style != "3d render":
        tags.append(voice.style())
    return "，".join(tags) + voice.events() + voice.shots()


def descriptive(voice: ChineseVoice) -> str:
    """Two or three sentences that say everything, the usual too."""
    facts = voice.facts
    items = voice.items(voice.has_sides())
    said = voice.pick((Item.finite, Item.progressive))
    first = "，".join(said(item) for item in items)
    if len(items) == 1:
        first += "，" + voice.pick(zh.MANNER[facts.actors[0].motion])
    first += voice.events() + "。"
    scene = voice.pick(zh.SCENE_SENTENCES.of(voice.synonyms)).format(
        place=voice.pick(zh.PLACE[facts.place].of(voice.synonyms)),
        detail=voice.pick(zh.PLACE_DETAIL[facts.place]),
        weather=voice.weather() or voice.pick(zh.CLEAR),
    )
    look = voice.pick(zh.LOOK_SENTENCES.of(voice.synonyms)).format(
        camera=voice.camera(facts.camera), style=voice.style()
    )
    sentences = [first, scene, look.removesuffix("。") + voice.shots() + "。"]
    order = voice.pick(((0, 1, 2), (0, 1, 2), (1, 0, 2), (0, 2, 1))) if len(facts.shots) == 1 else (0, 1, 2)
    return "".join(sentences[k] for k in order)


DETAILS = {"terse": terse, "plain": plain, "descriptive": descriptive}
