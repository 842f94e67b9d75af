"""Films of any length from words and pictures."""

import numpy as np
import pytest
import torch

from pipeline_parts import toy_pipeline
from skyloom.errors import InvalidArgument
from skyloom.pipelines import telling
from skyloom.video import Video

QUICK = {"num_inference_steps": 1, "guidance_scale": 1.0, "seed": 3}


@pytest.fixture(scope="module")
def pipeline():
    return toy_pipeline()


def picture(seed=0, size=32, num_frames=1):
    return Video(np.random.default_rng(seed).integers(0, 255, (num_frames, size, size, 3), np.uint8), 8.0)


def test_a_long_film_begins_as_the_short_one(pipeline):
    short = pipeline.generate("a fox", **QUICK)
    long = pipeline.generate("a fox", seconds=2.6, **QUICK)
    assert len(short.frames) == 5 and len(long.frames) == 21
    assert np.abs(long.frames[:5].astype(int) - short.frames).max() <= 1


def test_frames_come_before_the_film_is_whole(pipeline):
    steps = []
    film = telling.generate(pipeline, "a fox", num_frames=13, on_step=lambda *step: steps.append(step[:2]), **QUICK)
    assert film.size.num_frames == 13 and steps == []
    chunks = iter(film.chunks)
    assert len(next(chunks)) == 5 and steps == [(1, 3)]
    assert [len(chunk) for chunk in chunks] == [4, 4] and steps == [(1, 3), (2, 3), (3, 3)]


def test_the_first_picture_is_the_first_frame(pipeline):
    own = picture()
    made = pipeline.animate(own, "a fox runs", num_frames=9, **QUICK)
    assert np.array_equal(made.frames[0], own.frames[0]) and len(made.frames) == 9
    assert made.metadata["task"] == "animate" and made.metadata["pictures"] == ["0"]
    other = pipeline.animate(picture(1), "a fox runs", num_frames=9, **QUICK)
    assert not np.array_equal(made.frames[1:], other.frames[1:])


@pytest.mark.parametrize("num_frames", [9, 25])
def test_later_pictures_are_shown_at_their_time(pipeline, num_frames):
    """The held group comes back as the autoencoder has it, in whichever window it falls."""
    last = (num_frames - 1) / 8
    own = picture(2)
    made = pipeline.animate({0.0: picture(), last: own}, num_frames=num_frames, **QUICK)
    kept = pipeline.encode(own.pixels().expand(-1, -1, 5, -1, -1))[:, :, 1:]
    canvas = []
    sample = pipeline.sample
    pipeline.sample = lambda canvases, *rest: canvas.append(canvases[0]) or sample(canvases, *rest)
    try:
        again = pipeline.animate({0.0: picture(), last: own}, num_frames=num_frames, **QUICK)
    finally:
        del pipeline.sample
    assert np.array_equal(made.frames, again.frames)
    at = [int(c.mask[0, 0, -1, 0, 0]) for c in canvas]
    assert at[:-1] == [0] * (len(at) - 1)
    if at[-1]:
        torch.testing.assert_close(canvas[-1].known[:, :, -1:], kept)
    assert len(made.frames) == num_frames


def test_pictures_may_stand_anywhere(pipeline):
    made = pipeline.animate({0.4: picture(1)}, num_frames=17, **QUICK)
    assert len(made.frames) == 17
    wide = Video(np.random.default_rng(0).integers(0, 255, (3, 20, 90, 3), np.uint8), 30.0)
    for fit in ("crop", "pad"):
        first = pipeline.animate(wide, fit=fit, **QUICK).frames[0]
        assert (first[0] == 0).all() == (fit == "pad")


def test_what_is_told_counts(pipeline):
    base = pipeline.generate("a fox", **QUICK)
    for change in ({"motion": 0.9}, {"pan": 0.2}, {"tilt": -0.1}, {"zoom": 0.3}, {"camera": "zoom out"}):
        assert not np.array_equal(base.frames, pipeline.generate("a fox", **QUICK, **change).frames), change
    moved = pipeline.generate("a fox", camera="pan left", **QUICK)
    assert moved.metadata["scalars"] == {"pan": -0.12}
    both = pipeline.generate("a fox", camera="pan left", pan=0.3, tilt=0.1, **QUICK)
    assert both.metadata["scalars"] == {"pan": 0.3, "tilt": 0.1}


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        ({}, "pictures must be at least one"),
        ({0.9: picture()}, "second of a picture must be between 0 and 0.5, got 0.9; nearest: 0.5"),
        ({-1.0: picture()}, "second of a picture must be"),
        ({0.3: picture(), 0.4: picture()}, "0.5 s apart"),
    ],
)
def test_bad_times_are_refused(pipeline, pictures, message):
    with pytest.raises(InvalidArgument, match=message):
        pipeline.animate(pictures, **QUICK)
