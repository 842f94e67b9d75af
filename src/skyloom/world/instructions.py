"""Instructions for paired edits, in words.

{old}, {new}: the actor before and after with its article; {x}: the actor concerned; {verb}: what it shall do.
"""

from __future__ import annotations

from skyloom.errors import one_of
from skyloom.world import phrases_en as en
from skyloom.world import phrases_zh as zh
from skyloom.world.actors import article_for
from skyloom.world.chinese import ChineseVoice
from skyloom.world.edits import EDITS
from skyloom.world.english import EnglishVoice
from skyloom.world.facts import ActorFacts, Facts
from skyloom.world.grammar import Chooser, Phrases

ENGLISH = {
    "actor": Phrases(
        ("turn the {x} into {new}", "replace the {x} with {new}", "make the {x} {new}", "change the {x} to {new}"),
        ("swap the {x} for {new}", "let {new} take the place of the {x}"),
    ),
    "place": Phrases(
        ("move it to {place}", "put it {where}", "change the place to {place}", "make it happen {where}"),
        ("relocate everything to {place}", "set the story {where}"),
    ),
    "night": Phrases(
        ("make it night", "change it to night", "turn day into night", "make it dark"),
        ("let darkness come down", "have it play after dark"),
    ),
    "style": Phrases(
        ("make it {style}", "turn it into {style}", "change the style to {style}", "make it look like {style}"),
        ("redo this as {style}", "give it the feel of {style}"),
    ),
    "remove": Phrases(
        ("remove the {x}", "take away the {x}", "delete the {x}", "take the {x} out"),
        ("get rid of the {x}", "erase the {x}"),
    ),
    "color": Phrases(
        ("make the {x} {color}", "change the {x} to {color}", "turn the {x} {color}", "change the color to {color}"),
        ("recolor the {x} as {color}", "let the {x} be {color} instead"),
    ),
    "motion": Phrases(
        ("make the {x} {verb} instead", "let the {x} {verb}", "the {x} should {verb}", "now the {x} shall {verb}"),
        ("have the {x} {verb}", "I would rather see the {x} {verb}"),
    ),
    "direction": Phrases(
        ("make the {x} {verb} instead", "let the {x} {verb}", "the {x} should go {direction}", "turn the {x} around"),
        ("reverse the course of the {x}", "send the {x} the other way"),
    ),
    "camera": Phrases(
        ("make the camera {verb}", "let the camera {verb}", "the camera should {verb}", "now the camera shall {verb}"),
        ("have the lens {verb}", "I want our viewpoint to {verb}"),
    ),
}

ENGLISH_WEATHER = {
    "clear": Phrases(("make the weather clear", "clear the weather", "make it clear"), ("let the skies brighten",)),
    "rain": Phrases(("make it rain", "let it rain", "add rain"), ("bring on a shower",)),
    "snow": Phrases(("make it snow", "let it snow", "add snow"), ("bring on a flurry",)),
    "petals": Phrases(("make petals fall", "let petals fall", "add falling petals"), ("scatter blossoms in the air",)),
    "fog": Phrases(("make it foggy", "add fog", "put it in fog"), ("wrap everything in mist",)),
    "stars": Phrases(("add stars to the sky", "make the sky starry", "put it under the stars"), ("let stars twinkle",)),
    "sunset": Phrases(("make it sunset", "change it to sunset", "put it in the light of sunset"), ("bring the dusk",)),
}

CHINESE = {
    "actor": Phrases(("把{x}变成{new}", "把{x}换成{new}", "用{new}代替{x}"), ("让{new}顶替{x}",)),
    "place": Phrases(("换到{place}", "把地点改成{place}", "让它发生{where}"), ("搬去{place}",)),
    "night": Phrases(("变成夜晚", "改成晚上", "让天黑下来"), ("让夜幕降临",)),
    "style": Phrases(("变成{style}", "改成{style}风格", "换成{style}风格"), ("用{style}重画",)),
    "remove": Phrases(("去掉{x}", "把{x}去掉", "删除{x}"), ("抹去{x}", "让{x}消失")),
    "color": Phrases(("把{x}变成{color}", "把{x}改成{color}", "让{x}变成{color}"), ("给{x}换上{color}",)),
    "motion": Phrases(("改为让{x}{verb}", "让{x}{verb}", "{x}应该{verb}"), ("叫{x}{verb}",)),
    "direction": Phrases(("改为让{x}{verb}", "让{x}{verb}", "让{x}转过来{verb}"), ("叫{x}掉头",)),
    "camera": Phrases(("让镜头{verb}", "镜头改为{verb}", "镜头应该{verb}"), ("叫机位{verb}",)),
}

CHINESE_WEATHER = {
    "clear": Phrases(("让天气变晴", "改成晴天"), ("让天放亮",)),
    "rain": Phrases(("让天下雨", "下起雨来", "加上雨"), ("来一场雨水",)),
    "snow": Phrases(("让天下雪", "下起雪来", "加上雪"), ("来一场飞雪",)),
    "petals": Phrases(("让花瓣飘落", "加上花瓣"), ("撒满落花",)),
    "fog": Phrases(("让雾起来", "加上雾"), ("弥漫烟霭",)),
    "stars": Phrases(("加上星星", "让天上有星星"), ("布满繁星",)),
    "sunset": Phrases(("变成日落", "改成日落时"), ("换到黄昏",)),
}


def _concerned(before: Facts, after: Facts, kind: str) -> int:
    """Return the number of the actor that an edit is about."""
    if kind == "remove":
        return before.count - 1
    if kind == "color":
        pairs = zip(before.actors, after.actors, strict=True)
        return next(k for k, (old, new) in enumerate(pairs) if old.color != new.color)
    return 0


def _with_article(style: str) -> str:
    return style if style in en.STYLES_WITHOUT_ARTICLE else f"{article_for(style)} {style}"


def _english(before: Facts, after: Facts, kind: str, chooser: Chooser, synonyms: str) -> str:
    old, new = EnglishVoice(before, chooser, synonyms), EnglishVoice(after, chooser, synonyms)
    if kind == "weather":
        return chooser.pick(ENGLISH_WEATHER[after.weather].of(synonyms))
    frame, k = chooser.pick(ENGLISH[kind].of(synonyms)), _concerned(before, after, kind)
    values = {"x": old.bare(k) if kind != "color" or old.nouns.count(old.nouns[k]) > 1 else old.nouns[k]}
    if kind == "actor":
        values["new"] = new.indefinite(0)
    elif kind == "place":
        values |= {"place": chooser.pick(en.PLACE[after.place].of(synonyms)), "where": new.where()}
    elif kind == "style":
        values["style"] = _with_article(new.style())
    elif kind == "color":
        values["color"] = after.actors[k].color or ""
    elif kind in ("motion", "direction"):
        actor: ActorFacts = after.actors[0]
        values["verb"] = new.predicate(actor).finite(many=True)
        values["direction"] = chooser.pick(en.DIRECTION[actor.direction].of(synonyms)) if actor.direction else ""
    elif kind == "camera":
        values["verb"] = chooser.pick(en.CAMERA[after.camera].of(synonyms))
    return frame.format(**values)


def _chinese(before: Facts, after: Facts, kind: str, chooser: Chooser, synonyms: str) -> str:
    old, new = ChineseVoice(before, chooser, synonyms), ChineseVoice(after, chooser, synonyms)
    if kind == "weather":
        return chooser.pick(CHINESE_WEATHER[after.weather].of(synonyms))
    frame, k = chooser.pick(CHINESE[kind].of(synonyms)), _concerned(before, after, kind)
    values = {"x": old.bare(k) if kind != "color" or old.nouns.count(old.nouns[k]) > 1 else old.nouns[k]}
    if kind == "actor":
        values["new"] = new.measure(0) + new.bare(0)
    elif kind == "place":
        values |= {"place": chooser.pick(zh.PLACE[after.place].of(synonyms)), "where": new.where()}
    elif kind == "style":
        values["style"] = new.style()
    elif kind == "color":
        values["color"] = zh.COLOR[after.actors[k].color or "white"]
    elif kind in ("motion", "direction"):
        values["verb"] = new.predicate(after.actors[0])
    elif kind == "camera":
        values["verb"] = new.camera(after.camera)
    return frame.format(**values)


LANGUAGES = {"en": _english, "zh": _chinese}


def instruction(
    before: Facts, after: Facts, kind: str, language: str = "en", variant: int = 0, synonyms: str = "train"
) -> str:
    """Return the words that ask for an edit: "turn the dog into a fox".

    before, after: the Facts of both scenes. kind: of EDITS. variant picks the phrasing. synonyms: "train", or
    "heldout" for words that training never uses.
    """
    one_of("kind", kind, EDITS)
    tell = LANGUAGES[one_of("language", language, LANGUAGES)]
    return tell(before, after, kind, Chooser(variant, f"{language} instruction/{kind}"), synonyms)
