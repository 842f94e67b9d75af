"""Videos continued, led up to, joined and looped: whose frames stand where."""

import numpy as np
import pytest
import torch

from pipeline_parts import toy_pipeline
from skyloom.errors import InvalidArgument
from skyloom.pipelines import joins, seams
from skyloom.video import Video

QUICK = {"num_inference_steps": 1, "guidance_scale": 1.0, "seed": 3}


@pytest.fixture(scope="module")
def pipeline():
    return toy_pipeline()


def video(num_frames, seed=0, size=32, fps=8.0):
    return Video(np.random.default_rng(seed).integers(0, 255, (num_frames, size, size, 3), np.uint8), fps)


@pytest.mark.parametrize(("frames", "seconds", "new"), [(9, 0.5, 4), (10, 1.0, 8), (1, 1.6, 12), (3, 0.1, 4)])
def test_own_frames_come_first_when_extended(pipeline, frames, seconds, new):
    own = video(frames)
    made = pipeline.extend(own, "a fox runs", seconds=seconds, **QUICK)
    assert np.array_equal(made.frames[:frames], own.frames) and len(made.frames) == frames + new
    told = {"task": "extend", "prompt": "a fox runs", "seed": 3, "num_frames": frames + new, "checkpoint": "toy"}
    assert told.items() <= made.metadata.items()


@pytest.mark.parametrize(("frames", "seconds", "new"), [(9, 0.5, 4), (6, 1.0, 8), (13, 2.4, 20)])
def test_own_frames_come_last_when_led_up_to(pipeline, frames, seconds, new):
    own = video(frames)
    made = pipeline.extend_back(own, "a fox runs", seconds=seconds, **QUICK)
    assert np.array_equal(made.frames[new:], own.frames) and len(made.frames) == frames + new
    other = pipeline.extend_back(own, "a fox runs", seconds=seconds, **{**QUICK, "seed": 4})
    assert not np.array_equal(made.frames[:new], other.frames[:new])
    assert np.array_equal(made.frames[new:], other.frames[new:])


@pytest.mark.parametrize("seconds", [None, 0.5, 1.0, 2.0])
def test_a_bridge_stands_between_two_videos(pipeline, seconds):
    first, second = video(9, 1), video(7, 2)
    made = pipeline.connect(first, second, seconds=seconds, **QUICK)
    bridge = (8 if seconds is None else round(8 * seconds)) - 1
    assert len(made.frames) == 9 + bridge + 7
    assert np.array_equal(made.frames[:9], first.frames) and np.array_equal(made.frames[-7:], second.frames)


def test_a_loop_is_the_clip_and_the_way_back(pipeline):
    own = video(9)
    made = pipeline.loop(own, **QUICK)
    assert np.array_equal(made.frames[:9], own.frames) and len(made.frames) == 9 + 7
    assert not np.array_equal(made.frames[9:], own.frames[7:0:-1])
    assert np.array_equal(made.frames[9:], pipeline.connect(own, own, **QUICK).frames[9:-9])


def test_a_prompt_is_told_to_the_side_that_it_is_about(pipeline, monkeypatch):
    told = []
    sample = type(pipeline).sample

    def noted(self, canvases, seeds, request, on_step=None):
        told.append(canvases[0].prompts[0].text)
        return sample(self, canvases, seeds, request, on_step)

    monkeypatch.setattr(type(pipeline), "sample", noted)
    made = pipeline.connect(video(9, 1), video(7, 2), "a fox runs, then a bear jumps", reword=False, **QUICK)
    assert list(dict.fromkeys(told)) == ["a fox runs", "a bear jumps"]
    assert made.metadata["prompt"] == "a fox runs, then a bear jumps"


@pytest.mark.parametrize(
    ("prompt", "parts"),
    [
        ("a fox runs and then it jumps", ("a fox runs", "it jumps")),
        ("一只狐狸在跑，然后一只熊在睡", ("一只狐狸在跑", "一只熊在睡")),
        ("a fox, then", ("a fox, then",) * 2), ("a fox", ("a fox",) * 2), (None, (None,) * 2),
    ],
)  # fmt: skip
def test_both_halves_of_a_prompt(prompt, parts):
    assert joins.halves(prompt) == parts


def test_one_clip_turns_into_another_where_both_are():
    ahead, back = torch.zeros(1, 3, 5, 2, 2), torch.ones(1, 3, 6, 2, 2)
    shares = seams.turned(ahead, back, 8)[0, 0, :, 0, 0]
    assert shares[:2].tolist() == [0, 0] and shares[5:].tolist() == [1, 1, 1]
    torch.testing.assert_close(shares[2:5], torch.tensor([0.15625, 0.5, 0.84375]))


def test_other_sizes_and_rates_are_fitted(pipeline):
    made = pipeline.extend(video(18, size=50, fps=16.0), seconds=0.5, **QUICK)
    assert made.frames.shape == (9 + 4, 32, 32, 3) and made.fps == 8.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: p.extend(video(9), seconds=0.0), "seconds must be above 0"),
        (lambda p: p.extend(video(9), seconds=1e9), "seconds must be above 0 and at most 3600"),
        (lambda p: p.extend_back(video(4)), "video must have at least 5"),
        (lambda p: p.loop(video(3)), "video must have at least 5"),
        (lambda p: p.connect(video(9), video(1)), "video must have at least 5"),
        (lambda p: p.extend(video(9), camera="up"), "camera must be one of"),
        (lambda p: p.extend(video(9), motion=2.0), "motion must be between 0 and 1, got 2.0; nearest: 1"),
        (lambda p: p.extend(video(9), fit="stretch"), "mode must be one of crop, pad"),
        (lambda p: p.extend(video(9), " "), "prompt must hold at least one word"),
    ],
)
def test_bad_input_is_refused(pipeline, call, message):
    with pytest.raises(InvalidArgument, match=message):
        call(pipeline)


def test_the_step_onto_the_own_frame_is_the_one_that_was_made():
    made = torch.rand(1, 3, 4, 8, 8, generator=torch.Generator().manual_seed(1)) * 0.2
    own, frames, stand_in = made[:, :, :1] + 0.1, made[:, :, 1:3], made[:, :, 3:]
    shown = frames + seams.arriving(own, frames, stand_in).given_to(frames)
    torch.testing.assert_close(own - shown[:, :, -1:], stand_in - frames[:, :, -1:])
