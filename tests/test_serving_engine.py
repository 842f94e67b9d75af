"""The engine: every task of an order, and the same bits from wherever it goes on."""

import numpy as np
import pytest
from PIL import Image

from pipeline_parts import toy_pipeline
from provenance_parts import assert_signed
from skyloom.data.video_io import read_image, read_video, write_video
from skyloom.errors import InvalidArgument
from skyloom.provenance.manifest import read_manifest
from skyloom.serving import engine
from skyloom.serving.engine_tasks import TASKS, asked_for, cropped
from skyloom.serving.jobs import TASKS as NAMES
from skyloom.serving.jobs import Stopped
from skyloom.serving.steps import Steps
from skyloom.video import Video

QUICK = {"num_inference_steps": 3, "guidance_scale": 1.5, "height": 32, "width": 32, "num_frames": 5}


@pytest.fixture(scope="module")
def pipeline():
    return toy_pipeline()


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A clip of nine frames and a picture, as the server stores them."""
    folder = tmp_path_factory.mktemp("inputs")
    frames = np.random.default_rng(0).integers(0, 255, (9, 4, 4, 3), dtype=np.uint8).repeat(8, 1).repeat(8, 2)
    write_video(Video(frames, 8.0), folder / "clip.mp4")
    write_video(Video(frames[:1], 8.0), folder / "picture.png")
    alpha = np.full((32, 32), 255, np.uint8)
    alpha[:, :16] = 0
    Image.fromarray(np.dstack([np.zeros((32, 32, 3), np.uint8), alpha])).save(folder / "mask.png")
    return folder


def order(task="text", **settings):
    return {"task": task, "prompt": "a fox runs", "settings": {**QUICK, **settings}, "inputs": {}}


def go_on(percent):
    return True


def stopping_after(steps):
    """An on_progress that stops at its n-th call, the first of which is the beginning."""
    left = iter([True] * steps)
    return lambda percent: next(left, False)


CASES = {
    "text": ({}, {}, 5),
    "text over windows": ({"num_frames": 9}, {}, 9),
    "animate": ({}, {"image": "picture.png"}, 5),
    "keyframes": ({"num_frames": 9, "frames": [0.0, 1.0], "crops": [None, [0, 0, 0.5, 0.5]]},
                  {"frame-0": "picture.png", "frame-1": "clip.mp4"}, 9),
    "extend": ({"seconds": 0.5, "direction": "forward"}, {"video": "clip.mp4"}, 13),
    "extend backward": ({"seconds": 0.5, "direction": "backward"}, {"video": "clip.mp4"}, 13),
    "remix": ({"strength": 0.7}, {"video": "clip.mp4"}, 9),
    "edit by command": ({}, {"video": "clip.mp4"}, 9),
    "edit": ({}, {"video": "clip.mp4", "mask": "mask.png"}, 9),
    "blend": ({"seconds": 0.5}, {"first": "clip.mp4", "second": "clip.mp4"}, 21),
    "storyboard": ({"seconds": 2.0, "shots": [{"time": 0.0, "prompt": "a fox", "input": "shot-0"},
                                              {"time": 1.0, "prompt": "a cat"}]}, {"shot-0": "picture.png"}, 17),
    "loop of words": ({}, {}, None),
    "loop": ({}, {"video": "clip.mp4"}, None),
}  # fmt: skip

SEVERAL = ("loop of words", "loop", "blend")
"""What is sampled more than once: each sampling tells percents of its own, and the store keeps the highest."""


@pytest.mark.parametrize("case", CASES)
def test_each_task_goes_on_from_any_step_with_the_same_bits(pipeline, inputs, tmp_path, case):
    settings, names, frames = CASES[case]
    asked, files = order(case.split()[0], seed=5, **settings), {name: inputs / file for name, file in names.items()}
    told, whole = [], tmp_path / "whole"
    whole.mkdir()
    made = engine.made_by(pipeline, asked, files, whole, lambda percent: told.append(percent) or True)
    assert told[0] == 0 and max(told) <= 95 and (told == sorted(told) or case in SEVERAL)
    video = read_video(whole / "video.mp4")
    assert video.size.num_frames == made["num_frames"] and frames in (None, made["num_frames"])
    assert (made["seed"], made["size"], made["checkpoint"]) == (5, "32x32", "toy")
    for name in made["files"].values():
        assert_signed(whole / name, len(names) - ("mask" in names))
    broken = tmp_path / "broken"
    broken.mkdir()
    for _ in range(2):
        with pytest.raises(Stopped):
            engine.made_by(pipeline, asked, files, broken, stopping_after(1))
    assert len(list(broken.glob("sampling-*"))) >= 1
    again = []
    assert engine.made_by(pipeline, asked, files, broken, lambda percent: again.append(percent) or True) == made
    assert len(again) < len(told)
    for kept in whole.glob("sampling-*"):
        assert (broken / kept.name).read_bytes() == kept.read_bytes()
    assert np.array_equal(read_video(broken / "video.mp4").frames, video.frames)


def test_stepwise_sampling_is_sampling(pipeline, tmp_path):
    """Without a folder of steps the pipeline gives the very same frames."""
    made = engine.made_by(pipeline, order(seed=5), {}, tmp_path, go_on)
    plain = pipeline.generate("a fox runs", seed=5, **QUICK)
    write_video(plain, tmp_path / "plain.mp4")
    assert np.array_equal(read_video(tmp_path / "plain.mp4").frames, read_video(tmp_path / "video.mp4").frames)
    assert made["checkpoint_sha256"] == plain.metadata["checkpoint_sha256"]


def test_heun_goes_on_too(pipeline, tmp_path):
    from dataclasses import replace

    heun = toy_pipeline()
    heun.sampling = replace(heun.sampling, method="heun", shift=2.0)
    results = []
    for name, stops in (("a", 0), ("b", 2)):
        (tmp_path / name).mkdir()
        for _ in range(stops):
            with pytest.raises(Stopped):
                engine.made_by(heun, order(seed=1), {}, tmp_path / name, stopping_after(1))
        engine.made_by(heun, order(seed=1), {}, tmp_path / name, go_on)
        results.append((tmp_path / name / "sampling-0000.safetensors").read_bytes())
    assert results[0] == results[1]


def test_a_random_seed_is_drawn_once(pipeline, tmp_path):
    with pytest.raises(Stopped):
        engine.made_by(pipeline, order(), {}, tmp_path, stopping_after(2))
    seeds = {Steps(tmp_path, order(), {}, pipeline.sha256, go_on).seed for _ in range(3)}
    assert seeds == {engine.made_by(pipeline, order(), {}, tmp_path, go_on)["seed"]}


def test_steps_of_another_order_or_checkpoint_do_not_count(pipeline, inputs, tmp_path):
    def begun(asked, files, sha256):
        for old in tmp_path.iterdir():
            old.unlink()
        with pytest.raises(Stopped):
            engine.made_by(pipeline, order(seed=1), {}, tmp_path, stopping_after(2))
        assert list(tmp_path.glob("sampling-*"))
        Steps(tmp_path, asked, files, sha256, go_on)
        return not list(tmp_path.glob("sampling-*"))

    assert not begun(order(seed=1), {}, pipeline.sha256)
    assert begun(order(seed=2), {}, pipeline.sha256)
    assert begun(order(seed=1), {"image": inputs / "picture.png"}, pipeline.sha256)
    assert begun(order(seed=1), {}, "1" * 64)


def test_a_torn_step_file_was_never_written(pipeline, tmp_path):
    engine.made_by(pipeline, order(seed=1), {}, tmp_path, go_on)
    path = tmp_path / "sampling-0000.safetensors"
    kept = path.read_bytes()
    path.write_bytes(kept[:50])
    engine.made_by(pipeline, order(seed=1), {}, tmp_path, go_on)
    assert path.read_bytes() == kept


def test_pictures(pipeline, tmp_path):
    made = engine.made_by(pipeline, order(seed=3, n=2, output_format="png", num_frames=1), {}, tmp_path, go_on)
    assert list(made["files"]) == ["image-0", "image-1"] and "num_inference_steps" in made
    plain = pipeline.image("a fox runs", seed=4, **{k: v for k, v in QUICK.items() if k != "num_frames"})
    write_video(plain, tmp_path / "plain.png")
    assert np.array_equal(
        read_image(tmp_path / made["files"]["image-1"]).frames, read_image(tmp_path / "plain.png").frames
    )


def test_masks_ask_where_they_are_transparent_or_white(inputs, tmp_path):
    transparent = asked_for(inputs / "mask.png").frames
    assert (transparent[:, :, :16] == 255).all() and (transparent[:, :, 16:] == 0).all()
    Image.fromarray(np.array([[0, 255]], np.uint8)).save(tmp_path / "grey.png")
    assert asked_for(tmp_path / "grey.png").frames[0, 0, :, 0].tolist() == [0, 255]


def test_files_say_where_they_come_from(pipeline, inputs, tmp_path):
    made = engine.made_by(pipeline, order("remix", seed=1), {"video": inputs / "clip.mp4"}, tmp_path, go_on)
    assert set(made["files"]) == {"video", "thumbnail", "spritesheet"}
    for name in made["files"].values():
        manifest = read_manifest(tmp_path / name)
        assert (manifest.state, manifest.source) == ("trusted", "compositeWithTrainedAlgorithmicMedia")
        assert len(manifest.ingredients) == 1
    for kind in ("png", "jpeg", "webp"):
        made = engine.made_by(pipeline, order(seed=1, output_format=kind, num_frames=1), {}, tmp_path, go_on)
        assert_signed(tmp_path / made["files"]["image-0"], 0)
        manifest = read_manifest(tmp_path / made["files"]["image-0"])
        assert (manifest.state, manifest.source) == ("trusted", "trainedAlgorithmicMedia")


def test_crops_are_shares_of_the_picture():
    picture = Video(np.arange(4 * 6 * 3, dtype=np.uint8).reshape(1, 4, 6, 3), 1.0)
    assert np.array_equal(cropped(picture, [0.5, 0.0, 1.0, 0.5]).frames, picture.frames[:, :2, 3:])
    with pytest.raises(InvalidArgument, match="crop"):
        cropped(picture, [0.5, 0.5, 0.5, 1.0])


def test_previews_and_unknown_words_are_told(pipeline, tmp_path, monkeypatch):
    monkeypatch.setattr("skyloom.serving.steps.PREVIEW_SECONDS", 0.0)
    asked = {**order(seed=1), "prompt": "a xylograph"}
    made = engine.made_by(pipeline, asked, {}, tmp_path, go_on)
    assert read_image(tmp_path / "preview.webp").size.height == 32
    assert any("xylograph" in note for note in made["notes"])


def test_every_task_is_known_and_inputs_are_needed(pipeline, tmp_path):
    assert set(TASKS) == set(NAMES)
    with pytest.raises(InvalidArgument, match="task"):
        engine.make({"task": "dance"}, {}, tmp_path, go_on)
    with pytest.raises(InvalidArgument, match="inputs must hold video"):
        engine.made_by(pipeline, order("remix"), {}, tmp_path, go_on)
