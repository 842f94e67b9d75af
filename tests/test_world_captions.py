"""Captions say what is true, all of it when asked, and nothing else."""

import dataclasses
import functools
import itertools
import random
import re
from pathlib import Path

import pytest
import torch

from skyloom.config import WorldConfig
from skyloom.errors import InvalidArgument
from skyloom.world import instructions
from skyloom.world import phrases_en as en
from skyloom.world import phrases_zh as zh
from skyloom.world.actors import ACTORS, actor_index
from skyloom.world.captions import DETAIL_NAMES, MIX, caption, captions_for
from skyloom.world.facts import (
    COLOR_NAMES,
    DIRECTED,
    PACED,
    ActorFacts,
    EventFacts,
    Facts,
    ShotFacts,
    describe,
    describe_all,
)
from skyloom.world.grammar import Phrases, plural, present_participle, third_person
from skyloom.world.nouns import nouns
from skyloom.world.relations import PARTNER
from skyloom.world.sampling import sample_scenes
from skyloom.world.vocabulary import CAMERAS, EVENTS, MOTIONS, PLACES, RELATIONS, SPEEDS, STYLES, WEATHERS
from skyloom.world.words import stem, unknown_words, words_of


def actor(name, motion="stand", direction=None, speed="normal", color=None, side="middle"):
    return ActorFacts(actor_index(name), name, motion, direction, speed, color, side)


def facts(*actors, place="beach", weather="clear", style="3d render", camera="still", events=(), shots=None):
    return Facts(actors, place, weather, style, camera, events, shots or (ShotFacts(0.0, place, camera),))


FOX = actor("fox", "walk", "left")


def random_actor(draw, taken, alone, first):
    index = draw.choice([k for k in range(len(ACTORS)) if k not in taken])
    motion = draw.choice([m for m in MOTIONS if m not in RELATIONS or (first and not alone)])
    return ActorFacts(
        index,
        ACTORS[index].name,
        motion,
        draw.choice(("left", "right")) if motion in DIRECTED else None,
        draw.choice(SPEEDS) if motion in PACED else "normal",
        draw.choice(COLOR_NAMES) if ACTORS[index].category == "body" else None,
        "middle" if alone else draw.choice(("left", "right", "middle")),
    )


def random_facts(seed):
    draw = random.Random(seed)
    count = draw.choice((1, 1, 2, 3))
    actors = []
    for k in range(count):
        actors.append(random_actor(draw, [a.index for a in actors], count == 1, k == 0))
    if actors[0].motion in RELATIONS:
        motion = PARTNER[actors[0].motion]
        actors[1] = dataclasses.replace(actors[1], motion=motion, direction=None, speed="normal", side="middle")
    place, camera = draw.choice(PLACES), draw.choice((*["still"] * 5, *CAMERAS))
    names = draw.sample(EVENTS[1:], draw.choice((0, 0, 1, 2)))
    events = tuple(EventFacts(n, 0.5 + k, "red" if n == "painted" else None) for k, n in enumerate(names))
    cuts = draw.choice((0, 0, 0, 1))
    shots = [ShotFacts(0.0, place, camera)]
    shots += [ShotFacts(1.0, draw.choice(PLACES), draw.choice(CAMERAS)) for _ in range(cuts)]
    weather = draw.choice((*["clear"] * 5, *WEATHERS))
    style = draw.choice((*["3d render"] * 5, *STYLES))
    return Facts(tuple(actors), place, weather, style, camera, events, tuple(shots))


@functools.cache
def many_facts():
    return [random_facts(seed) for seed in range(500)]


def forms(phrase):
    """Every form of a phrase that begins with a verb, up to its object."""
    verb, _, after = re.split(r" ?\{\w\}", phrase)[0].partition(" ")
    return [f"{form} {after}".strip() for form in (verb, third_person(verb), present_participle(verb))]


def says(text, options):
    text = text.lower()
    likely = [option.lower() for option in options if option.lower() in text]  # fast, before the borders of words
    return any(re.search(rf"(?<![a-z]){re.escape(option)}(?![a-z])", text) for option in likely)


def says_zh(text, options):
    return any(all(part in text for part in re.split(r"\{\w\}", option)) for option in options)


def wanted_en(facts, detail, words):
    """Pairs (slot, phrases of which one must be said)."""
    for k, one in enumerate(facts.actors):
        yield "name", nouns("en")[one.index].of(words)
        if one.color:
            yield "color", [one.color]
        if facts.related and k == 1:
            continue
        yield "motion", [form for phrase in en.MOTION[one.motion].of(words) for form in forms(phrase)]
        if one.direction:
            yield "direction", en.DIRECTION[one.direction].of(words)
        if one.speed != "normal":
            yield "speed", [*en.SPEED_BEFORE[one.speed].of(words), *en.SPEED_AFTER[one.speed].of(words)]
        if detail == "descriptive" and len({a.side for a in facts.actors}) > 1:
            yield "side", en.SIDE[one.side].of(words)
    yield "place", [*en.WHERE[facts.place].of(words), *en.PLACE[facts.place].of(words)]
    if facts.weather != "clear":
        yield "weather", en.WEATHER[facts.weather].of(words)
    if facts.camera != "still" or detail == "descriptive":
        yield "camera", [form for phrase in en.CAMERA[facts.camera].of(words) for form in forms(phrase)]
    if facts.style != "3d render" or detail == "descriptive":
        yield "style", en.STYLE[facts.style].of(words)
    for event in facts.events:
        phrases = [phrase.replace("{c}", event.color or "") for phrase in en.EVENT[event.name].of(words)]
        yield "event", [part.strip() for phrase in phrases for part in phrase.split("{s}") if part.strip()]
    for before, shot in itertools.pairwise(facts.shots):
        if shot.place != before.place:
            yield "cut", en.PLACE[shot.place].of(words)


def wanted_zh(facts, detail, words):
    for k, one in enumerate(facts.actors):
        yield "name", nouns("zh")[one.index].of(words)
        if one.color:
            yield "color", [zh.COLOR[one.color]]
        if facts.related and k == 1:
            continue
        yield "motion", zh.MOTION[one.motion].of(words)
        if one.direction:
            yield "direction", zh.DIRECTION[one.direction].of(words)
        if one.speed != "normal":
            yield "speed", zh.SPEED[one.speed].of(words)
        if detail == "descriptive" and len({a.side for a in facts.actors}) > 1:
            yield "side", zh.SIDE[one.side].of(words)
    where = [phrase.removeprefix("在") for phrase in zh.WHERE[facts.place].of(words)]
    yield "place", [*where, *zh.PLACE[facts.place].of(words)]
    if facts.weather != "clear":
        yield "weather", zh.WEATHER[facts.weather].of(words)
    if facts.camera != "still" or detail == "descriptive":
        yield "camera", zh.CAMERA[facts.camera].of(words)
    if facts.style != "3d render" or detail == "descriptive":
        yield "style", zh.STYLE[facts.style].of(words)
    for event in facts.events:
        color = zh.COLOR[event.color] if event.color else ""
        yield "event", [phrase.replace("{c}", color) for phrase in zh.EVENT[event.name].of(words)]


@pytest.mark.parametrize("detail", ["plain", "descriptive"])
@pytest.mark.parametrize("words", ["train", "heldout"])
def test_every_slot_is_said_in_english(detail, words):
    for seed, truth in enumerate(many_facts()):
        text = caption(truth, "en", detail, seed, words)
        for slot, options in wanted_en(truth, detail, words):
            assert says(text, options), (slot, options, text)


@pytest.mark.parametrize("detail", ["plain", "descriptive"])
@pytest.mark.parametrize("words", ["train", "heldout"])
def test_every_slot_is_said_in_chinese(detail, words):
    for seed, truth in enumerate(many_facts()):
        text = caption(truth, "zh", detail, seed, words)
        for slot, options in wanted_zh(truth, detail, words):
            assert says_zh(text, options), (slot, options, text)


@pytest.mark.parametrize("detail", DETAIL_NAMES)
def test_nothing_is_said_that_is_not_so(detail):
    for seed, truth in enumerate(many_facts()):
        text = caption(truth, "en", detail, seed)
        absent = [phrase for name in WEATHERS[1:] if name != truth.weather for phrase in en.WEATHER[name].train]
        absent += [phrase for name in STYLES[1:] if name != truth.style for phrase in en.STYLE[name].train]
        happened = {event.name for event in truth.events}
        absent += [p.split("{s}")[1] for n in en.EVENT if n not in happened for p in en.EVENT[n].train[:1]]
        if not any(one.direction for one in truth.actors) and truth.count == 1:
            absent += ["to the left", "to the right"] if not any("pan" in s.camera for s in truth.shots) else []
        if all(one.speed == "normal" for one in truth.actors):
            absent += ["slowly", "quickly", "pace"]
        absent = [phrase.replace("{c}", "").strip() for phrase in absent]
        assert not says(text, absent), ([a for a in absent if says(text, [a])], text)


def test_known_sentences_are_among_the_phrasings():
    said = {caption(facts(FOX), "en", "plain", v) for v in range(3000)}
    assert {"a fox walks left on the beach", "on a beach, a fox is strolling to the left"} <= said
    assert "there is a fox walking left at the beach" in said
    assert "fox walking left, beach" in {caption(facts(FOX), "en", "terse", v) for v in range(500)}
    zh_said = {caption(facts(FOX), "zh", "plain", v) for v in range(3000)}
    assert {"一只狐狸在沙滩上向左走。", "沙滩上有一只向左走的狐狸"} <= zh_said
    pair = facts(actor("fox", "jump"), actor("penguin", "spin"), place="kitchen")
    said = {caption(pair, "en", "plain", v) for v in range(3000)}
    assert "a fox and a penguin in the kitchen; the fox jumps while the penguin spins" in said


def test_equal_actors_are_counted_and_unequal_ones_told_apart():
    pair = facts(FOX, FOX)
    assert "two foxes walk left on the beach" in {caption(pair, "en", "plain", v) for v in range(3000)}
    assert "两只狐狸在沙滩上向左走" in {caption(pair, "zh", "plain", v) for v in range(3000)}
    apart = facts(FOX, actor("fox", "jump"))
    assert any("another fox" in caption(apart, "en", "plain", v) for v in range(50))
    assert any("另一只狐狸" in caption(apart, "zh", "plain", v) for v in range(50))


def test_sides_and_order_of_events():
    pair = facts(actor("fox", side="left"), actor("penguin", side="right"))
    assert "a fox on the left and a penguin on the right stand on the beach" in {
        caption(pair, "en", "plain", v) for v in range(5000)
    }
    bitten, painted = EventFacts("bitten", 0.5, None), EventFacts("painted", 1.0, "red")
    for v in range(100):
        text = caption(facts(actor("cake"), events=(bitten, painted)), "en", "plain", v)
        first = re.search(r"bitten|bite", text).start()
        assert first < re.search(r"red paint|painted red", text).start()


def test_a_caption_is_a_function_of_its_arguments():
    for detail, language in itertools.product(DETAIL_NAMES, ("en", "zh")):
        said = [caption(facts(FOX), language, detail, v) for v in range(60)]
        assert said == [caption(facts(FOX), language, detail, v) for v in range(60)]
        assert len(set(said)) >= 12
    assert captions_for(facts(FOX), 3, 7, 8) == captions_for(facts(FOX), 3, 7, 8)
    assert captions_for(facts(FOX), 3, 7, 8) != captions_for(facts(FOX), 3, 8, 8)
    assert captions_for(facts(FOX), 3, 7, 8)[:5] == captions_for(facts(FOX), 3, 7, 5)


def test_the_mix_is_kept():
    said = [text for i in range(600) for text in captions_for(facts(FOX), 0, i, 4)]
    chinese = sum(bool(re.search("[\u4e00-\u9fff]", text)) for text in said) / len(said)
    assert sum(weight for _, _, weight in MIX) == 100
    assert abs(chinese - 0.20) < 0.04
    assert abs(sum(text.count(". ") >= 2 for text in said) / len(said) - 0.20) < 0.04


def test_lengths_by_detail():
    usual = {"weather": "clear", "style": "3d render", "camera": "still", "events": ()}
    some = [dataclasses.replace(t, **usual, shots=t.shots[:1]) for t in many_facts() if t.count < 3]
    words = {d: [len(caption(t, "en", d, i).split()) for i, t in enumerate(some)] for d in DETAIL_NAMES}
    medians = {detail: sorted(lengths)[len(lengths) // 2] for detail, lengths in words.items()}
    assert medians["terse"] < medians["plain"] < medians["descriptive"]
    assert 8 <= medians["plain"] <= 16
    assert 25 <= medians["descriptive"] <= 45


def tables(module):
    """(table name, key, Phrases) of a module."""
    for name, table in vars(module).items():
        rows = {"": table} if isinstance(table, Phrases) else table
        if name.isupper() and isinstance(rows, dict):
            yield from ((name, key, value) for key, value in rows.items() if isinstance(value, Phrases))


@pytest.mark.parametrize("module", [en, zh, instructions])
def test_train_and_heldout_phrases_are_apart_and_name_one_thing(module):
    used = {}
    for name, key, phrases in tables(module):
        assert phrases.train
        for phrase in set(phrases.train) | set(phrases.heldout):
            assert used.setdefault((name, phrase), key) in (key, "motion"), phrase  # a direction is asked for alike
        assert not set(phrases.train) & set(phrases.heldout)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nouns_name_one_actor_and_heldout_nouns_are_never_trained(language):
    train = [noun for row in nouns(language) for noun in set(row.train)]
    held = [noun for row in nouns(language) for noun in row.heldout]
    assert len(train) == len(set(train)) and len(held) == len(set(held))
    assert not set(train) & set(held)
    assert sum(bool(row.heldout) for row in nouns(language)) > {"en": 300, "zh": 150}[language]


def test_heldout_words_never_occur_in_training():
    said = [text for i, t in enumerate(many_facts()) for text in captions_for(t, 0, i, 4)]
    text_en, text_zh = "\n".join(said).lower(), "".join(said)
    for name, _, phrases in tables(en):
        for phrase in phrases.heldout if "{" not in phrases.train[0] or name in ("MOTION", "EVENT") else ():
            pieces = [p.strip() for p in re.split(r"\{\w\}", phrase) if p.strip()]
            said_as = forms(phrase) if name in ("MOTION", "CAMERA") else pieces[:1] if len(pieces) == 1 else []
            assert not says(text_en, said_as), phrase
    for name, _, phrases in tables(zh):
        for phrase in phrases.heldout if name not in ("TERSE_FRAMES",) else ():
            pieces = re.split(r"\{\w+\}", phrase)
            assert len(pieces) > 1 or phrase not in text_zh, phrase


def test_unknown_words_are_named():
    said = [text for i, t in enumerate(many_facts()) for text in captions_for(t, 0, i, 2)]
    assert [(text, unknown_words(text)) for text in said if unknown_words(text)] == []
    assert unknown_words("A quokka yodels on the beach, walking slowly") == ["quokka", "yodels"]
    assert unknown_words("一只袋熊在沙滩上向左走") == ["袋"]
    assert unknown_words("please make me a video of two dogs running") == []
    assert unknown_words("a dog rides a unicycle 在沙滩上 with a dog on a unicycle") == ["unicycle"]
    last = ACTORS[-4].name
    assert unknown_words(f"a {last}") == [] and unknown_words(f"a {last}", actor_count=64) == [last]


def test_words_of_covers_what_is_said():
    known = words_of("en") | en.FUNCTION_WORDS
    stems = {stem(word) for word in known}
    for i, truth in enumerate(many_facts()[:200]):
        for word in re.findall(r"[a-z]{2,}", caption(truth, "en", "descriptive", i).lower()):
            assert stem(word) in stems or any(word in re.split("['’-]", k) for k in known), word


def test_english_forms():
    assert [third_person(v) for v in ("walk", "pass", "go", "carry", "fly", "push")] == [
        "walks", "passes", "goes", "carries", "flies", "pushes",
    ]  # fmt: skip
    assert [present_participle(v) for v in ("run", "ride", "hop", "fly", "get", "dolly", "look")] == [
        "running", "riding", "hopping", "flying", "getting", "dollying", "looking",
    ]  # fmt: skip
    assert [plural(n) for n in ("fox", "wolf", "slice of cake", "policeman", "toy", "berry", "sheep")] == [
        "foxes", "wolves", "slices of cake", "policemen", "toys", "berries", "sheep",
    ]  # fmt: skip


def test_bad_arguments_name_the_nearest():
    with pytest.raises(InvalidArgument, match="nearest: plain"):
        caption(facts(FOX), "en", "plane", 0)
    with pytest.raises(InvalidArgument, match="language"):
        caption(facts(FOX), "fr", "plain", 0)


def test_describe_reads_the_tensors():
    scenes = sample_scenes(WorldConfig(two_actors=0.6, event=0.6, cut=0.4), torch.arange(300))
    everything = describe_all(scenes)
    assert everything[17] == describe(scenes, 17)
    for row, truth in enumerate(everything):
        assert truth.count == int((scenes.actor[row] >= 0).sum())
        assert [a.index for a in truth.actors] == scenes.actor[row, : truth.count].tolist()
        assert truth.place == PLACES[scenes.place[row]] == truth.shots[0].place
        assert [e.time for e in truth.events] == sorted(e.time for e in truth.events)
        assert len(truth.shots) == 1 + int(scenes.cut_time[row].isfinite().sum())
        for one, x in zip(truth.actors, scenes.start[row, :, 0].tolist(), strict=False):
            others = [o for o in scenes.start[row, : truth.count, 0].tolist() if o != x]
            if one.side == "left":
                assert x < sum(others) / len(others)
    early = describe_all(scenes, seconds=0.5)
    assert all(event.time < 0.5 for truth in early for event in truth.events)
    assert any(len(a.events) < len(b.events) for a, b in zip(early, everything, strict=True))
    assert max(len(truth.shots) for truth in early) == 1


def test_the_examples_of_the_grammar_page_are_what_is_said():
    bitten, painted = EventFacts("bitten", 0.5, None), EventFacts("painted", 1.0, "red")
    cake, penguin = actor("cake", "slide", "right", "fast", side="left"), actor("penguin", "spin", side="right")
    look = {"place": "kitchen", "weather": "night", "style": "pixel art", "camera": "zoom in"}
    scenes = (facts(FOX), facts(cake, penguin, events=(bitten, painted), **look))
    page = (Path(__file__).parent.parent / "docs" / "grammar.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (en|zh) \| (\w+) \| (\d) \| (.*) \|$", page, flags=re.MULTILINE)
    assert len(rows) == 18
    for language, detail, variant, text in rows:
        assert text in {caption(scene, language, detail, int(variant)) for scene in scenes}
