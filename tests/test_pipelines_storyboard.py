"""Shots on a timeline: lengths, cuts, words by span, pictures and clips at their seconds."""

import numpy as np
import pytest
import torch

from pipeline_parts import toy_pipeline
from skyloom.errors import InvalidArgument
from skyloom.pipelines import storyboard as module
from skyloom.pipelines.storyboard import Shot
from skyloom.pipelines.windows import Window
from skyloom.video import Video

QUICK = {"num_inference_steps": 1, "guidance_scale": 1.0, "seed": 3}


@pytest.fixture(scope="module")
def pipeline():
    return toy_pipeline()


@pytest.fixture
def asked(pipeline, monkeypatch):
    """Every canvas and seed that the network is given."""
    seen, sample = [], pipeline.sample

    def recording(canvases, seeds, *rest):
        seen.append((canvases[0], seeds[0]))
        return sample(canvases, seeds, *rest)

    monkeypatch.setattr(pipeline, "sample", recording, raising=False)
    return seen


def video(count=1, seed=0):
    return Video(np.random.default_rng(seed).integers(0, 255, (count, 32, 32, 3), np.uint8), 8.0)


def test_one_shot_is_a_plain_film(pipeline):
    made = pipeline.storyboard([Shot("a fox", 1.0)], **QUICK)
    plain = pipeline.generate("a fox", num_frames=9, **QUICK)
    assert np.abs(made.frames.astype(int) - plain.frames).max() <= 1
    assert made.metadata["shots"] == [{"prompt": "a fox", "seconds": 1.0, "cut": False}]


def test_words_change_on_the_way(pipeline, asked):
    made = pipeline.storyboard([Shot("a fox runs", 1.0), Shot("a fox jumps", 0.5)], **QUICK)
    assert len(made.frames) == 1 + 8 + 4
    told = [[(span.text, span.first, span.end) for span in canvas.prompts] for canvas, _ in asked]
    both = [("a fox runs", 0, 1), ("a fox jumps", 1, None)]
    assert told == [[("a fox runs", 0, None)], [("a fox runs", 0, None)], both]
    assert asked[0][0].mask is None and asked[2][0].mask[0, 0, :, 0, 0].tolist() == [1, 0]


def test_a_cut_begins_anew(pipeline, asked):
    made = pipeline.storyboard([Shot("a fox", 0.5), Shot("a dog", 1.0, cut=True, view={"camera": "zoom in"})], **QUICK)
    assert len(made.frames) == 5 + 9
    assert [canvas.mask is None for canvas, _ in asked] == [True, True, False]
    assert len({seed for _, seed in asked}) == 3
    assert asked[0][0].scalars == {} and asked[1][0].scalars == {"zoom": 0.25}


def test_pictures_and_clips_stand_at_their_seconds(pipeline, asked):
    clip = video(9, 1)
    shots = [Shot("a", 1.0, pictures={0.0: video()}), Shot("a dog", 1.0, clips={0.0: clip})]
    made = pipeline.storyboard(shots, **QUICK)
    assert len(made.frames) == 17
    first, second = asked[0][0], asked[1][0]
    torch.testing.assert_close(first.known[:, :, :1], pipeline.encode(video().pixels()))
    assert second.mask[0, 0, :, 0, 0].tolist() == [1, 0]
    latents = pipeline.encode(clip.pixels())
    assert len(asked) == 2
    pins = module._fill(module._takes(pipeline, shots, QUICK)[0])
    whole = pins(Window(0, 0, 5, 0))
    assert whole.mask[0, 0, :, 0, 0].tolist() == [1, 0, 0, 1, 1]
    torch.testing.assert_close(whole.known[:, :, 3:], latents[:, :, 1:])


def test_steps_of_all_takes_are_counted(pipeline):
    steps = []
    shots = [Shot("a", 1.0), Shot("a dog", 0.5, cut=True)]
    pipeline.storyboard(shots, on_step=lambda *step: steps.append(step[:2]), **{**QUICK, "num_inference_steps": 2})
    assert steps == [(number, 6) for number in range(1, 7)]


@pytest.mark.parametrize(
    ("shots", "message"),
    [
        ([], "shots must be at least one"),
        ([Shot("a", 0.0)], "seconds must be above 0"),
        ([Shot(" ", 1.0)], "prompt must hold at least one word"),
        ([Shot("a", 1.0, pictures={1.5: video()})], "be at least 0 and below 1, within its shot"),
        ([Shot("a", 1.0, clips={0.0: video(3)})], "clip must have at least 5"),
        ([Shot("a", 1.0, view={"camera": "up"})], "camera must be one of"),
    ],
)
def test_bad_shots_are_refused(pipeline, shots, message):
    with pytest.raises(InvalidArgument, match=message):
        pipeline.storyboard(shots, **QUICK)
