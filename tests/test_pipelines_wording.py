"""Free wordings: what is known stays, what is strange is told in known words, and nothing was learnt from the tests."""

import re

import pytest
import torch

from skyloom.evaluation import paraphrases
from skyloom.evaluation.prompts_suite import PromptsPlan, choose_prompts
from skyloom.evaluation.wording_suite import asked_of, heard
from skyloom.models.text_encoder import load_text_encoder
from skyloom.models.unigram import WORD_START
from skyloom.models.word_reader import read_knowledge
from skyloom.pipelines.known_phrases import phrases_hash
from skyloom.pipelines.retelling import Surroundings, chinese, english
from skyloom.pipelines.word_spans import spans_of
from skyloom.pipelines.wording import SHIPPED, Wording
from skyloom.presets import NANO
from skyloom.world import phrases_en, phrases_zh, thesaurus_en, thesaurus_zh
from skyloom.world.captions import captions_for
from skyloom.world.facts import describe_all
from skyloom.world.grammar import Phrases
from skyloom.world.matching import Meaning, find, strange_words
from skyloom.world.nouns import nouns
from skyloom.world.sampling import sample_scenes
from skyloom.world.words import stem, unknown_words

PLAIN = Surroundings("", "", False)


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for item in value.values() for text in strings(item))
    elif isinstance(value, (tuple, list)):
        yield from (text for item in value for text in strings(item))


def heldout_of(value):
    if isinstance(value, Phrases):
        yield from value.heldout
    elif isinstance(value, dict):
        yield from (text for item in value.values() for text in heldout_of(item))


def heldout(tables, language):
    phrases = [text for name, table in vars(tables).items() if name.isupper() for text in heldout_of(table)]
    return {text.lower() for text in phrases} | {noun.lower() for row in nouns(language) for noun in row.heldout}


def tables_of(module):
    return [text for name, table in vars(module).items() if name.isupper() for text in strings(table)]


def bare(text):
    return re.sub(r"\{\w+\}", " ", text)


@pytest.fixture(scope="module")
def wording():
    return Wording(load_text_encoder(), NANO.world.actors, NANO.world.motions)


def test_no_english_word_of_the_heldout_lists_is_in_the_thesaurus_or_the_paraphrases():
    held = heldout(phrases_en, "en")
    strange = {stem(word) for text in held for word in unknown_words(bare(text))}
    thesaurus = tables_of(thesaurus_en)
    written = thesaurus + list(strings([paraphrases.ENGLISH, paraphrases.TUNING_MOTIONS]))
    assert not {text for text in written if text.lower() in held}
    assert not {text for text in thesaurus if {stem(word) for word in unknown_words(bare(text))} & strange}


def test_no_chinese_phrase_of_the_heldout_lists_is_in_the_thesaurus_or_the_paraphrases():
    held = {bare(text).strip().removeprefix("在").rstrip("上里中") for text in heldout(phrases_zh, "zh")}
    written = tables_of(thesaurus_zh) + list(strings(paraphrases.CHINESE))
    assert not {text for text in written for phrase in held if len(phrase) > 1 and phrase in text}


def test_the_paraphrases_are_not_in_the_thesaurus():
    ours = {*strings([paraphrases.ENGLISH, paraphrases.CHINESE, paraphrases.TUNING_MOTIONS])}
    assert not ours & {*tables_of(thesaurus_en), *tables_of(thesaurus_zh)}


def test_prompts_of_known_words_pass_as_they_are():
    untouched = Wording(None, NANO.world.actors, NANO.world.motions)  # without an encoder: nothing may be read
    facts = describe_all(sample_scenes(NANO.world, torch.arange(100), "train", 1.0))
    told = [text for k, scene in enumerate(facts) for text in captions_for(scene, 3, k, 3)]
    assert len(told) == 300 and sum(text[0] >= "\u3400" for text in told) > 30
    assert [untouched.reword(text).text for text in told] == told


@pytest.mark.parametrize("name", ["seen", "two", "chinese"])
def test_known_phrases_of_a_caption_say_its_scene(name):
    plan = PromptsPlan(NANO.world, NANO.clip, 40)
    assert all(not strange_words(prompt.text, NANO.world.actors) for prompt in choose_prompts(plan, name))


def test_the_shipped_file_matches_the_vocabulary_and_is_small():
    assert read_knowledge(SHIPPED).phrases == phrases_hash()
    assert SHIPPED.stat().st_size < 1_500_000


def test_known_phrases_are_found_longest_first_and_cameras_told_from_actors():
    said = [(match.meaning.kind, match.meaning.name) for match in find("a fox stays still; the camera stays still")]
    assert said[-1] == ("camera", "still") and ("motion", "stand") in said
    assert [m.meaning for m in find("in the snowy forest")] == [Meaning("place", "snowy forest")]
    assert strange_words("a fox zorps in the snowy forest") == [(6, 11)]


def test_pieces_stand_where_they_came_from():
    text = "a fox，狐狸  runs"
    pieces = [WORD_START + "a", WORD_START + "fo", "x", "，", "狐狸", WORD_START + "run", "s"]
    assert [text[a:b] for a, b in spans_of(pieces, text)] == ["a", "fo", "x", "，", "狐狸", "run", "s"]


def test_a_motion_keeps_its_form_and_a_place_its_preposition():
    fall, desert = Meaning("motion", "fall"), Meaning("place", "desert")
    assert english(fall, ["crashing", "down"], PLAIN) == "falling"
    assert english(fall, ["crashes", "down"], PLAIN) == "falls"
    assert english(fall, ["crash"], Surroundings("can", "", False)) == "fall"
    assert english(desert, ["amid", "sands"], PLAIN) == phrases_en.WHERE["desert"].train[0]
    assert english(desert, ["dry", "sands"], Surroundings("", "", True)) == "desert"
    assert english(Meaning("actor", "fox"), ["reynards"], Surroundings("two", "", False)) == "foxes"
    assert chinese(desert, "在大漠中") == phrases_zh.WHERE["desert"].train[0]
    assert chinese(fall, "下坠") == "落下"


@pytest.mark.parametrize(
    ("said", "understood"),
    [
        ("a dog march in the Alps", {"actor": ["dog"], "place": ["mountains"]}),
        ("see a ballerina do pirouettes in the galaxy", {"actor": ["dancer"], "motion": ["spin"], "place": ["space"]}),
        ("picture a fox spinning in the galaxy in wet weather", {"place": ["space"], "weather": ["rain"]}),
        ("a fox runs in a meadow; the shot veers to the left", {"motion": ["run"], "camera": ["pan left"]}),
        ("一只狐狸在银河里跳跃，机身转向左边", {"motion": ["jump"], "place": ["space"], "camera": ["pan left"]}),
        ("一只狐狸在戈壁滩上狂奔", {"actor": ["fox"], "motion": ["run"], "place": ["desert"]}),
    ],
)
def test_strange_words_are_told_in_known_ones(wording, said, understood):
    heard_back = heard(wording.reword(said).text, wording.actors)
    assert {slot: heard_back.get(slot) for slot in understood} == understood


def test_order_and_what_is_known_stay(wording):
    told = wording.reword("a red apple falls to pieces beside a ballerina who is spinning around in the snowy forest")
    assert told.text.startswith("a red apple falls ")
    assert told.text.endswith("spinning around in the snowy forest")
    assert heard(told.text, wording.actors)["actor"] == ["apple", "dancer"]


def test_what_has_no_near_meaning_is_left_alone(wording):
    assert "xqzzt" in wording.reword("a dog and an xqzzt run in a meadow").text


def test_asked_of_two_alike_is_told_once():
    facts = describe_all(sample_scenes(NANO.world, torch.arange(4), "train", 1.0))[0]
    assert asked_of(facts)["place"] == [facts.place]


@pytest.mark.parametrize("noun", ["a red ball", "a lighthouse", "a shiny trophy"])
def test_a_prompt_of_a_thing_alone_is_given_no_motion(wording, noun):
    assert not any(change.kind == "motion" for change in wording.reword(noun).changes)
