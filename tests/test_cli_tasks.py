"""Commands that take pictures and videos: each is its Python twin, each refuses bad input in one line."""

import json

import numpy as np
import pytest
import yaml

from pipeline_parts import toy_pipeline
from skyloom.cli import animate as animate_command
from skyloom.data.video_io import read_metadata, read_video, write_video
from skyloom.errors import InvalidArgument
from skyloom.pipelines import loading
from skyloom.pipelines.masks import box_mask
from skyloom.pipelines.storyboard import Shot
from skyloom.provenance.manifest import Provenance
from skyloom.video import Video
from test_cli import flags_of, ok, run

SHARED = {
    "--size", "--fps", "--seed", "--steps", "--guidance", "--negative-prompt", "--style", "--expand", "--no-expand",
    "--camera", "--motion", "--pan", "--tilt", "--zoom", "--fit", "--checkpoint", "--output", "-o", "--scale",
    "--quality", "--sign", "--no-sign", "--mark", "--no-mark", "--visible-mark", "--no-visible-mark",
}  # fmt: skip
FLAGS = {
    "animate": {"--last", "--at", "--seconds", "--frames"},
    "extend": {"--seconds", "--backward"},
    "connect": {"--seconds"},
    "loop": {"--seconds"},
    "edit": {
        "--strength", "--mask", "--box", "--replace", "--threshold", "--outpaint", "--cinemagraph", "--seconds",
        "--source-guidance",
    },
    "interpolate": {"--factor"},
    "storyboard": set(),
}  # fmt: skip
QUICK = ("--seed", 3, "--steps", 1, "--scale", 1, "--quality", 100, "--no-sign", "--no-mark", "-o", "out.webp")
TWIN = {"seed": 3, "num_inference_steps": 1}


@pytest.fixture
def toy(monkeypatch, tmp_path):
    """Toy networks under every name, in a folder with a video, pictures, and files that are neither."""
    made = toy_pipeline()
    monkeypatch.setattr(loading, "load", lambda name=None: made)
    monkeypatch.chdir(tmp_path)
    for name, seed, count in (("a.webp", 0, 9), ("b.webp", 1, 7), ("one.png", 2, 1), ("two.png", 3, 1)):
        write_video(clip(count, seed), name, quality=100, provenance=Provenance(sign=False, mark=False))
    white = np.zeros((1, 64, 64, 3), np.uint8)
    white[:, :, :32] = 255
    write_video(Video(white, 8.0), "mask.png")
    (tmp_path / "text.txt").write_text("hello")
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "nothing").mkdir()
    (tmp_path / "cut.webp").write_bytes((tmp_path / "a.webp").read_bytes()[:3000])
    return made


def clip(count, seed=0):
    frames = np.random.default_rng(seed).integers(0, 255, (count, 32, 32, 3), np.uint8)
    return Video(frames, 8.0, {"prompt": "a fox", "seed": seed})


def box(*edges):
    return lambda room, video, frames: box_mask(room, edges, video.frames.shape[1:3], frames)


@pytest.mark.parametrize("name", FLAGS)
def test_flags_are_these(name):
    assert flags_of(name) >= FLAGS[name] | SHARED
    assert "Example" in run(name, "--help").output


CASES = {
    "animate": (["one.png", "a fox runs"], lambda p: p.animate(clip(1, 2), "a fox runs", **TWIN)),
    "animate keys": (
        ["one.png", "a fox runs", "--last", "two.png", "--at", "1=a.webp", "--frames", 17],
        lambda p: p.animate(
            {0.0: clip(1, 2), 1.0: clip(9), 2.0: clip(1, 3)}, "a fox runs", num_frames=17, **TWIN
        ),
    ),
    "extend": (["a.webp", "a dog", "--seconds", 1], lambda p: p.extend(clip(9), "a dog", seconds=1, **TWIN)),
    "extend back": (["a.webp", "--backward"], lambda p: p.extend_back(clip(9), "a fox", **TWIN)),
    "connect": (["a.webp", "b.webp"], lambda p: p.connect(clip(9), clip(7, 1), "a fox", **TWIN)),
    "loop": (["a.webp", "--seconds", 1.5], lambda p: p.loop(clip(9), "a fox", seconds=1.5, **TWIN)),
    "edit": (
        ["a.webp", "make it snow", "--source-guidance", 2],
        lambda p: p.instruct(clip(9), "make it snow", source_guidance_scale=2.0, **TWIN),
    ),
    "edit style": (
        ["a.webp", "charcoal", "--strength", "mild"],
        lambda p: p.restyle(clip(9), "charcoal", strength=0.5, **TWIN),
    ),
    "edit box": (
        ["a.webp", "a ball", "--box", "0.5,0.5,1,1"],
        lambda p: p.inpaint(clip(9), box(0.5, 0.5, 1, 1), "a ball", **TWIN),
    ),
    "edit mask": (
        ["a.webp", "a ball", "--mask", "mask.png"],
        lambda p: p.inpaint(clip(9), box(0, 0, 0.5, 1), "a ball", **TWIN),
    ),
    "edit replace": (
        ["a.webp", "--replace", "fox=dog", "--threshold", 0.4],
        lambda p: p.replace_thing(clip(9), "fox", "dog", "a fox", threshold=0.4, **TWIN),
    ),
    "edit outpaint": (
        ["a.webp", "--outpaint", "--size", "64x32"],
        lambda p: p.outpaint(clip(9), "a fox", width=64, height=32, **TWIN),
    ),
    "edit cinemagraph": (
        ["one.png", "waves", "--cinemagraph", "--box", "0,0,.5,1", "--seconds", 1],
        lambda p: p.cinemagraph(clip(1, 2), box(0, 0, 0.5, 1), "waves", seconds=1, **TWIN),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_command_is_its_twin_in_python(toy, tmp_path, case):
    arguments, twin = CASES[case]
    told = ok(case.split()[0], *arguments, *QUICK)
    made, wanted = read_video(tmp_path / "out.webp"), twin(toy)
    assert np.array_equal(made.frames, wanted.frames)
    assert {**wanted.metadata, "scale": 1}.items() <= read_metadata(tmp_path / "out.webp").items()
    assert f"{len(wanted.frames)} frames" in told.stdout and "seed 3" in told.stdout


def test_shared_options_reach_the_task(toy, tmp_path):
    ok("extend", "a.webp", "a dog", *QUICK, "--size", "48x32", "--fps", 10, "--guidance", 2, "--negative-prompt", "cat",
       "--style", "charcoal", "--expand", "--camera", "zoom in", "--motion", 0.3, "--pan", 0.1, "--tilt", 0.2,
       "--fit", "pad")  # fmt: skip
    settings = read_metadata(tmp_path / "out.webp")
    wanted = {"width": 48, "height": 32, "fps": 10.0, "guidance_scale": 2.0, "negative_prompt": "cat", "fit": "pad",
              "style": "charcoal", "expand": True,
              "scalars": {"fps": 10.0, "zoom": 0.25, "motion": 0.3, "pan": 0.1, "tilt": 0.2}}  # fmt: skip
    assert wanted.items() <= settings.items()


BAD = [
    (["animate", "none.png"], "there is no such file"),
    (["animate", "text.txt"], "not a video or picture"),
    (["animate", "one.png", " "], "prompt must hold at least one word"),
    (["animate", "one.png", "--at", "soon=two.png"], "at must be SECOND=FILE, got 'soon=two.png'"),
    (["animate", "one.png", "--at", "9=two.png"], "second of a picture must be between 0 and 0.5"),
    (["animate", "one.png", "--frames", 6], "num_frames must be 1 + a multiple of 4, got 6; nearest: 5"),
    (["animate", "one.png", "--fps", 0], "fps must be above 0"),
    (["animate", "one.png", "--camera", "pan lft"], "nearest: pan left"),
    (["animate", "one.png", "--fit", "stretch"], "mode must be one of crop, pad"),
    (["extend", "empty.mp4"], "the file is empty"),
    (["extend", "cut.webp"], "cannot read cut.webp"),
    (["extend", "a.webp", "--seconds", 0], "seconds must be above 0"),
    (["extend", "one.png", "--backward"], "video must have at least 5"),
    (["loop", "one.png"], "video must have at least 5"),
    (["connect", "a.webp", "nothing"], "no PNG frames there"),
    (["loop", "a.webp", "--size", "30x30"], "height must be a multiple of 16, got 30; nearest: 32"),
    (["loop", "a.webp", "--scale", 99], "scale must be between 1 and 16"),
    (["edit", "a.webp"], "prompt must say what to change"),
    (["edit", "a.webp", "a", "--strength", "storng"], "nearest: strong"),
    (["edit", "a.webp", "a", "--strength", "1.5"], "strength must be above 0 and at most 1, got 1.5; nearest: 1"),
    (["edit", "a.webp", "a", "--box", "0,1"], "box must be LEFT,TOP,RIGHT,BOTTOM"),
    (["edit", "a.webp", "a", "--box", "0,0,2,1"], "box must be left < right"),
    (["edit", "a.webp", "a", "--box", "0,0,1,1", "--mask", "one.png"], "be left out when a mask is given"),
    (["edit", "a.webp", "a", "--mask", "text.txt"], "not a video or picture"),
    (["edit", "a.webp", "--replace", "dog"], "replace must be OLD=NEW, got 'dog'"),
    (["edit", "a.webp", "a", "--outpaint", "--strength", "mild"], "be of one kind at a time"),
    (["edit", "one.png", "a", "--cinemagraph"], "say what moves"),
    (["edit", "a.webp", "--outpaint"], "be of another shape than the video"),
    (["loop", "a.webp", "-o", "text.txt/a.mp4"], "not a folder that can be written to"),
    (["loop", "a.webp", "-o", "/dev/full/a.mp4"], "cannot write /dev/full/a.mp4"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_is_one_line_and_nothing_is_written(toy, tmp_path, arguments, message):
    before = sorted(path.name for path in tmp_path.iterdir())
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr and len(result.stderr.strip().splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_times_on_the_command_line():
    assert animate_command._timed("1.5=a=b.png")[0] == 1.5 and animate_command._timed("2=c.png")[1].name == "c.png"
    for text in ("1.5", "=a.png", "1=", "-1=a.png"):
        with pytest.raises(InvalidArgument):
            animate_command._timed(text)


BOARD = """
size: 48x32
style: charcoal
shots:
  - {prompt: a fox runs, seconds: 1, pictures: {0: one.png}}
  - {prompt: a dog runs, seconds: 0.5, cut: true, camera: zoom in, clips: {0.0: a.webp}}
"""


def test_a_storyboard_is_its_twin_in_python(toy, tmp_path):
    (tmp_path / "board.yaml").write_text(BOARD)
    (tmp_path / "board.json").write_text(json.dumps(yaml.safe_load(BOARD)))
    shots = [
        Shot("a fox runs", 1.0, pictures={0.0: clip(1, 2)}),
        Shot("a dog runs", 0.5, True, clips={0.0: clip(9)}, view={"camera": "zoom in"}),
    ]
    wanted = toy.storyboard(shots, width=48, height=32, style="charcoal", **TWIN)
    for name in ("board.yaml", "board.json"):
        ok("storyboard", name, *QUICK)
        assert np.array_equal(read_video("out.webp").frames, wanted.frames)
    ok("storyboard", "board.yaml", *QUICK, "--size", "32x32")
    assert read_video("out.webp").frames.shape == (14, 32, 32, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "hold a list of `shots`"),
        ("shots: []", "hold a list of `shots`"),
        ("shots: [", "cannot read board.yaml: not YAML"),
        ("shots: [a fox]", "shot 1 must have a `prompt`"),
        ("shots: [{prompt: a, second: 1}]", "nearest: seconds"),
        ("shots: [{prompt: a, seconds: long}]", "seconds of shot 1 must be a number, got 'long'"),
        ("shots: [{prompt: a, cut: 3}]", "cut of shot 1 must be true or false"),
        ("shots: [{prompt: a, pictures: {now: one.png}}]", "must be a number, got 'now'"),
        ("shots: [{prompt: a, pictures: {0: none.png}}]", "there is no such file"),
        ("{shots: [{prompt: a}], sise: 3x3}", "nearest: size"),
    ],
)
def test_bad_storyboards_are_refused(toy, tmp_path, text, message):
    (tmp_path / "board.yaml").write_text(text)
    result = run("storyboard", "board.yaml")
    assert result.exit_code == 2 and message in result.stderr and not (tmp_path / "out").exists()


def test_interpolating_is_its_twin_in_python(toy, tmp_path):
    ok("interpolate", "a.webp", "--factor", 3, *QUICK)
    made, wanted = read_video(tmp_path / "out.webp"), toy.interpolate(clip(9), "a fox", factor=3, **TWIN)
    assert np.array_equal(made.frames, wanted.frames) and made.fps == 24.0
    assert "factor must be a whole number" in run("interpolate", "a.webp", "--factor", 20).stderr
