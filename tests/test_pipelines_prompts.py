"""Prompts: nothing is lost, what is added is in the words of training."""

import pytest

from skyloom.errors import InvalidArgument
from skyloom.pipelines.prompts import UNSAID, clean, expand, with_style
from skyloom.world import phrases_en, phrases_zh
from skyloom.world.grammar import third_person
from skyloom.world.words import unknown_words


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        ("fox, beach", "fox, beach, in clear weather. The style is 3d render; the camera stays still."),
        (
            "Two red balls roll in the snow.",
            "Two red balls roll in the snow. The style is 3d render; the camera stays still.",
        ),
        ("a cat at night, pixel art", "a cat at night, pixel art. The camera stays still."),
        (
            "a cat in the rain, charcoal drawing, the camera pans left",
            "a cat in the rain, charcoal drawing, the camera pans left.",
        ),
        ("一只狐狸在沙滩上跑。", "一只狐狸在沙滩上跑，天气晴好，画面是三维动画风格，镜头不动。"),
        ("下雨了，像素画", "下雨了，像素画，镜头不动。"),
    ],
)
def test_expansion_adds_only_what_is_unsaid(prompt, told):
    assert expand(prompt) == told
    assert told.startswith(prompt.rstrip(".。"))
    assert expand(told) == told


def test_expansion_speaks_the_words_of_training():
    english, chinese = ([row[column] for row in UNSAID] for column in (2, 3))
    assert english[0] in phrases_en.CLEAR and chinese[0] in phrases_zh.CLEAR
    assert english[1].endswith(phrases_en.STYLE["3d render"].train[0])
    assert phrases_zh.STYLE["3d render"].train[0] in chinese[1]
    still = phrases_en.CAMERA["still"].train[0].split()
    assert english[2].endswith(" ".join([third_person(still[0]), *still[1:]]))
    assert phrases_zh.CAMERA["still"].train[0] in chinese[2]
    assert unknown_words(expand("fox, beach")) == []


def test_style_is_added_in_the_language_of_the_prompt():
    assert with_style("a fox.", "charcoal") == "a fox, charcoal drawing"
    assert with_style("一只狐狸。", "cartoon") == "一只狐狸，卡通风格"
    assert with_style("a fox.", None) == "a fox."
    with pytest.raises(InvalidArgument, match="nearest: pixel art"):
        with_style("a fox", "pixelart")


def test_prompts_are_cleaned_or_refused():
    assert clean("  a  fox\n runs ") == "a fox runs"
    for bad in ("", " \n", "fox " * 600):
        with pytest.raises(InvalidArgument, match="prompt must"):
            clean(bad)
