"""Clauses about the camera and the style: what they take, and where they end."""

from skyloom.pipelines.clauses import led, likened

ALONE = ["actor", "motion"]


def read(kinds, texts=None, firm=(), apart=()):
    size = len(kinds)
    joined = [k not in apart for k in range(1, size)]
    return led(kinds, texts or ["x"] * size, joined, [k in firm for k in range(size)])


def test_without_a_camera_or_a_link_nothing_changes():
    assert read(["begin", *ALONE, "direction", "place"]) == ["begin", *ALONE, "direction", "place"]


def test_what_the_camera_does_is_the_cameras():
    assert read([*ALONE, "lens", "motion", "direction"]) == [*ALONE, "lens", "camera", "camera"]
    assert read(["lens", "camera", "motion", "place", "motion"]) == ["lens", "camera", "camera", "place", "motion"]


def test_a_comma_a_known_phrase_and_a_link_end_it():
    assert read(["lens", "camera", "motion"], apart=(2,)) == ["lens", "camera", "motion"]
    assert read(["lens", "motion", "motion"], firm=(1,)) == ["lens", "motion", "motion"]
    texts = ["camera", "rests", "while", "runs"]
    assert read(["lens", "camera", "glue", "motion"], texts) == ["lens", "camera", "glue", "motion"]


def test_a_style_is_what_its_link_leads_to_until_one_was_said():
    assert read(["look", "glue", *ALONE]) == ["look", "glue", "style", "style"]
    assert read(["look", "style", "place"]) == ["look", "style", "place"]


def test_whom_a_motion_is_likened_to_is_not_there():
    texts = ["fox", "turns", "like", "a", "barrel", "organ", "in", "town"]
    kinds = ["actor", "motion", "motion", "glue", "actor", "actor", "place", "place"]
    assert likened(kinds, texts, [True] * 7) == ["actor", *["motion"] * 5, "place", "place"]
    assert likened(kinds, ["x" if text == "like" else text for text in texts], [True] * 7) == kinds
    assert likened(kinds, texts, [True, False, *[True] * 5]) == kinds
