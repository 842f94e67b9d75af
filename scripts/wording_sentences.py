"""Sentences whose every word is labelled with what it says, for training the reader of free wordings.

Phrases come from the training tables and the thesaurus, sentence shapes from both: nothing from a held-out list.
A sentence is a list of pieces (text, label); labels are "kind/name": "motion/fall", "actor/", "glue/".
"""

from __future__ import annotations

import random
from types import ModuleType

from skyloom.pipelines.known_phrases import participle
from skyloom.world import phrases_en, phrases_zh, thesaurus_en, thesaurus_zh
from skyloom.world.actors import ACTORS, article_for
from skyloom.world.chinese import classifier
from skyloom.world.grammar import plural, third_person
from skyloom.world.nouns import nouns
from skyloom.world.vocabulary import COLORS, MOTIONS, PLACES, RELATIONS, TRAVELS

Pieces = list[tuple[str, str]]
THESAURUS_SHARE = 0.6
_ADJECTIVES = "little big happy old cute brave lonely huge funny clever noble sad new young strange"
ADJECTIVES = _ADJECTIVES.split()
ADJECTIVES_ZH = ("可爱的", "大", "老", "开心的", "高高的", "奇怪的", "新")
CAMERA_NAMES = tuple(phrases_en.CAMERA)


class Teller:
    """Random tellings in one language."""

    def __init__(self, rng: random.Random, tables: ModuleType, thesaurus: ModuleType) -> None:
        self.rng, self.tables, self.thesaurus = rng, tables, thesaurus

    def chance(self, share: float) -> bool:
        """Return True that often."""
        return self.rng.random() < share

    def phrase(self, table: str, name: str, more: str | None = None) -> str:
        """Pick a phrase of a name from the training table or from the thesaurus."""
        other = getattr(self.thesaurus, more or table).get(name, ())
        own = getattr(self.tables, table, {}).get(name)
        return self.rng.choice(other if other and (own is None or self.chance(THESAURUS_SHARE)) else own.train)

    def noun(self, language: str) -> tuple[str, int]:
        """Pick what an actor is called, and its index; half of them among the best known."""
        index = self.rng.randrange(64 if self.chance(0.6) else len(ACTORS))
        other = self.thesaurus.ACTOR.get(ACTORS[index].name, ())
        own = nouns(language)[index].train
        return self.rng.choice(other if other and self.chance(THESAURUS_SHARE) else own), index

    def motions(self, count: int) -> list[str]:
        """Pick a motion for each actor; a relation only for the first of two."""
        names = [name for name in MOTIONS if name not in RELATIONS]
        first = self.rng.choice(RELATIONS) if count == 2 and self.chance(0.3) else self.rng.choice(names)
        return [first, *(self.rng.choice(names) for _ in range(count - 1))]


class English(Teller):
    """Random tellings in English."""

    def actor(self) -> Pieces:
        """As in "a", "happy fox"."""
        noun, _ = self.noun("en")
        if self.chance(0.25):
            noun = f"{self.rng.choice(ADJECTIVES + list(COLORS))} {noun}"
        if self.chance(0.06):
            return [(self.rng.choice(("two ", "three ", "many ")), "glue/"), (plural(noun), "actor/")]
        return [((article_for(noun) if self.chance(0.9) else "the") + " ", "glue/"), (noun, "actor/")]

    def verb(self, phrase: str, form: str) -> str:
        """Give a phrase's verb a form: "third", "ing" or "base"."""
        verb, space, after = phrase.partition(" ")
        forms = {"third": third_person, "ing": participle, "base": str}
        return forms[form](verb) + space + after

    def predicate(self, motion: str, form: str, other: Pieces | None) -> Pieces:
        """As in "slowly", "walking", "to the left"."""
        label = f"motion/{motion}"
        said = self.verb(self.phrase("MOTION", motion), form)
        before, _, after = said.partition("{o}")
        pieces: Pieces = [(before.strip(), label)]
        if "{o}" in said and other:
            pieces += [(" ", "glue/"), *other] + ([(after, label)] if after else [])
        if motion in (*TRAVELS, "chase", "push", "ride") and self.chance(0.6):
            name = self.rng.choice(("left", "right"))
            pieces += [(" ", "glue/"), (self.phrase("DIRECTION", name), f"direction/{name}")]
        if self.chance(0.15):
            name = self.rng.choice(("slow", "fast"))
            if self.chance(0.5):
                return [(self.phrase("SPEED_BEFORE", name, "SPEED"), f"speed/{name}"), (" ", "glue/"), *pieces]
            pieces += [(" ", "glue/"), (self.phrase("SPEED_AFTER", name, "SPEED"), f"speed/{name}")]
        return pieces

    def clause(self, actor: Pieces, motion: str, form: str, sides: bool, other: Pieces | None) -> Pieces:
        """As in "a fox", "on the left", "is", "walking"."""
        pieces = list(actor)
        if sides:
            name = self.rng.choice(("left", "right"))
            pieces += [(" ", "glue/"), (self.phrase("SIDE", name), f"side/{name}")]
        link = (
            " is " if form == "ing" and self.chance(0.4) else " that is " if form == "ing" and self.chance(0.1) else " "
        )
        form = "third" if form == "ing" and link == " " and self.chance(0.15) else form
        return [*pieces, (link, "glue/"), *self.predicate(motion, form, other)]

    def clauses(self) -> Pieces:
        """Say one actor or two."""
        count = 2 if self.chance(0.35) else 1
        motions, form = self.motions(count), "ing" if self.chance(0.75) else "third"
        if motions[0] in RELATIONS:
            return self.clause(self.actor(), motions[0], form, False, self.actor())
        sides = count == 2 and self.chance(0.4)
        said = self.clause(self.actor(), motions[0], form, sides, None)
        if count == 2:
            link = self.rng.choice((" and ", " while ", ", and ", " as ", ", and beside it "))
            said += [(link, "glue/"), *self.clause(self.actor(), motions[1], form, sides, None)]
        return said

    def begin(self) -> str:
        """As in "we see"."""
        frames = [frame for frame in phrases_en.FRAMES.train if frame[0] != "{"]
        frame = self.rng.choice(frames if self.chance(0.25) else self.thesaurus.FRAMES)
        return frame.partition("{")[0].strip()

    def scene(self) -> Pieces:
        """Say the actors and the place."""
        name = self.rng.choice(PLACES)
        place: Pieces = [(self.phrase("WHERE", name, "PLACE"), f"place/{name}")]
        noun: Pieces = [(self.phrase("PLACE", name, "PLACE_NOUN"), f"place/{name}")]
        weather = self.rng.choice(tuple(phrases_en.WEATHER))
        sky: Pieces = [(self.phrase("WEATHER", weather), f"weather/{weather}")] if self.chance(0.35) else []
        space: Pieces = [(" ", "glue/")]
        comma: Pieces = [(", ", "glue/")]
        begin: Pieces = [(self.begin(), "begin/"), *space]
        there: Pieces = [(self.rng.choice(("there is", "one can see", "you find", "we have", "is")), "begin/"), *space]
        around = place + (space + sky if sky and self.chance(0.6) else [])
        rest = comma + sky if sky and around == place else []
        shape = self.rng.randrange(8)
        if shape < 3:
            return begin + self.clauses() + space + around + rest
        if shape < 5:
            return around + (space + there if self.chance(0.5) else comma) + self.clauses() + rest
        if shape == 5:
            return [*self.clauses(), (self.rng.choice((", ", " / ", " - ")), "glue/"), *noun, *rest]
        if shape == 6 and sky:
            return sky + comma + begin + self.clauses() + space + place
        return self.clauses() + space + around + rest

    def camera(self) -> Pieces:
        """As in "; ", "the lens", "tilts up"."""
        name = self.rng.choice(CAMERA_NAMES)
        label, phrase = f"camera/{name}", self.phrase("CAMERA", name)
        subject = "the camera" if self.chance(0.5) else self.rng.choice(self.thesaurus.CAMERA_SUBJECTS)
        if self.chance(0.5):
            link = self.rng.choice(self.thesaurus.CAMERA_LINKS)
            return [(link, "glue/"), (subject, "lens/"), (" ", "glue/"), (self.verb(phrase, "third"), label)]
        link = self.rng.choice((", ", ", with ", " with "))
        return [(link, "glue/"), (subject, "lens/"), (" ", "glue/"), (self.verb(phrase, "ing"), label)]

    def styled(self, pieces: Pieces) -> Pieces:
        """Add a style."""
        name = self.rng.choice(tuple(phrases_en.STYLE))
        label, phrase = f"style/{name}", self.phrase("STYLE", name)
        if self.chance(0.25):
            return [(phrase, label), (self.rng.choice((": ", " of ")), "glue/"), *pieces]
        frame = self.rng.choice(
            (", in {style} style", ", {style}", *self.thesaurus.STYLE_LINKS, *self.thesaurus.STYLE_LINKS)
        )
        before, _, after = frame.partition("{style}")
        look: Pieces = [(before.strip(" ,"), "look/"), (" ", "glue/")] if before.strip(" ,") else []
        return [*pieces, (", ", "glue/"), *look, (phrase, label), (after, "look/")]

    def tell(self) -> Pieces:
        """One sentence."""
        pieces = self.scene()
        if self.chance(0.05):
            pieces += [("; then it is painted red", "other/")]
        if self.chance(0.4):
            pieces += self.camera()
        if self.chance(0.3):
            pieces = self.styled(pieces)
        text = pieces[0][0]
        if self.chance(0.4):
            pieces[0] = (text[:1].upper() + text[1:], pieces[0][1])
        return pieces + ([(".", "glue/")] if self.chance(0.4) else [])


class Chinese(Teller):
    """Random tellings in Chinese."""

    def actor(self) -> Pieces:
        """As in "一只", "狐狸"."""
        noun, index = self.noun("zh")
        measure = self.rng.choice(("一", "一", "一", "两")) + classifier(noun, ACTORS[index].category)
        if self.chance(0.2):
            noun = self.rng.choice(ADJECTIVES_ZH) + noun
        return [(measure, "glue/"), (noun, "actor/")]

    def predicate(self, motion: str, other: Pieces | None) -> Pieces:
        """As in "慢慢地", "向左", "走"."""
        label, pieces = f"motion/{motion}", []
        if self.chance(0.15):
            name = self.rng.choice(("slow", "fast"))
            pieces += [(self.phrase("SPEED", name), f"speed/{name}")]
        if motion in TRAVELS and self.chance(0.6):
            name = self.rng.choice(("left", "right"))
            pieces += [(self.phrase("DIRECTION", name), f"direction/{name}")]
        before, _, after = self.phrase("MOTION", motion).partition("{o}")
        pieces += [(before, label)]
        return pieces + (other or [] if motion in RELATIONS else []) + ([(after, label)] if after else [])

    def tell(self) -> Pieces:
        """One sentence."""
        count = 2 if self.chance(0.3) else 1
        motions, name = self.motions(count), self.rng.choice(PLACES)
        place: Pieces = [(self.phrase("WHERE", name, "PLACE"), f"place/{name}")]
        actor, said = self.actor(), self.predicate(motions[0], self.actor())
        shape = self.rng.randrange(5)
        now: Pieces = [("正在", "glue/")] if self.chance(0.3) else []
        if shape == 0:
            pieces = [*actor, *place, *said]
        elif shape == 1:
            pieces = [*place, ("，", "glue/"), *actor, *now, *said]
        elif shape == 2:
            inside = place[0][0].removeprefix("在")
            pieces = [(inside, place[0][1]), ("有", "glue/"), actor[0], *said, ("的", "glue/"), actor[1]]
        elif shape == 3:
            noun = self.phrase("PLACE", name, "PLACE_NOUN")
            pieces = [*actor, *said, ("，", "glue/"), (noun, place[0][1])]
        else:
            pieces = [*actor, *now, *said, ("，", "glue/"), *place]
        if count == 2 and motions[0] not in RELATIONS:
            pieces += [("，", "glue/"), *self.actor(), *self.predicate(motions[1], None)]
        if self.chance(0.5):
            frames = ("视频里，{x}", "我们看到{x}", *self.thesaurus.FRAMES)
            pieces = [(self.rng.choice(frames).partition("{")[0], "begin/"), *pieces]
        return self.around(pieces) + ([("。", "glue/")] if self.chance(0.5) else [])

    def around(self, pieces: Pieces) -> Pieces:
        """Add weather, camera and style."""
        if self.chance(0.35):
            name = self.rng.choice(tuple(phrases_zh.WEATHER))
            sky = (self.phrase("WEATHER", name), f"weather/{name}")
            pieces = [sky, ("，", "glue/"), *pieces] if self.chance(0.5) else [*pieces, ("，", "glue/"), sky]
        if self.chance(0.35):
            name = self.rng.choice(CAMERA_NAMES)
            lens = "镜头" if self.chance(0.5) else self.rng.choice(self.thesaurus.CAMERA_SUBJECTS)
            link = self.rng.choice(self.thesaurus.CAMERA_LINKS)
            pieces = [*pieces, (link, "glue/"), (lens, "lens/"), (self.phrase("CAMERA", name), f"camera/{name}")]
        if self.chance(0.3):
            name = self.rng.choice(tuple(phrases_zh.STYLE))
            style = (self.phrase("STYLE", name), f"style/{name}")
            if self.chance(0.3):
                return [style, ("风格：", "glue/"), *pieces]
            before, _, after = self.rng.choice(("，{style}风格", *self.thesaurus.STYLE_LINKS)).partition("{style}")
            return [*pieces, (before, "look/"), style, (after, "look/")]
        return pieces


def sentences(count: int, seed: int = 0) -> list[Pieces]:
    """Return labelled sentences, three in four of them English."""
    rng = random.Random(seed)
    english, chinese = English(rng, phrases_en, thesaurus_en), Chinese(rng, phrases_zh, thesaurus_zh)
    told = [(chinese if k % 4 == 3 else english).tell() for k in range(count)]
    return [[(text, label) for text, label in pieces if text] for pieces in told]
