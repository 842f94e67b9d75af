"""Every command that makes a file signs it, in every format, and names what the file was made from."""

import numpy as np
import pytest

from pipeline_parts import toy_pipeline
from provenance_parts import assert_signed
from skyloom.data.video_io import write_video
from skyloom.pipelines import loading
from skyloom.video import Video
from test_cli import ok

QUICK = ("--seed", 3, "--steps", 1, "--scale", 1)
TASKS = {
    "words": ("mp4", 0, "generate", "a fox"),
    "picture": ("png", 0, "image", "a fox"),
    "animate": ("gif", 1, "animate", "one.png", "a fox runs"),
    "keyframes": ("webp", 2, "animate", "one.png", "a fox runs", "--last", "two.png"),
    "extend": ("webm", 1, "extend", "a.mp4", "--seconds", 0.5),
    "extend backward": ("mp4", 1, "extend", "a.mp4", "--backward", "--seconds", 0.5),
    "connect": ("webp", 2, "connect", "a.mp4", "b.gif"),
    "loop": ("gif", 1, "loop", "a.mp4", "--seconds", 1),
    "interpolate": ("mp4", 1, "interpolate", "a.mp4", "--factor", 2),
    "instruct": ("webm", 1, "edit", "a.mp4", "make it snow"),
    "restyle": ("webp", 1, "edit", "a.mp4", "charcoal", "--strength", "mild"),
    "inpaint in a box": ("mp4", 1, "edit", "a.mp4", "a ball", "--box", "0.5,0.5,1,1"),
    "inpaint in a mask": ("gif", 2, "edit", "a.mp4", "a ball", "--mask", "two.png"),
    "replace": ("mp4", 1, "edit", "a.mp4", "--replace", "fox=dog"),
    "outpaint": ("png_%04d", 1, "edit", "a.mp4", "--outpaint", "--size", "64x32"),
    "cinemagraph": ("mp4", 1, "edit", "one.png", "waves", "--cinemagraph", "--box", "0,0,.5,1", "--seconds", 1),
    "storyboard": ("mp4", 2, "storyboard", "board.yaml"),
}
BOARD = """
shots:
  - {prompt: a fox runs, seconds: 0.5, pictures: {0: one.png}}
  - {prompt: a dog runs, seconds: 0.5, cut: true, clips: {0.0: b.gif}}
"""


@pytest.fixture(scope="module")
def toy():
    return toy_pipeline()


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    for name, count in (("a.mp4", 9), ("b.gif", 7), ("one.png", 1), ("two.png", 1)):
        frames = np.random.default_rng(count).integers(0, 255, (count, 4, 4, 3), np.uint8)
        write_video(Video(frames.repeat(8, 1).repeat(8, 2), 8.0, {"prompt": "a fox"}), folder / name)
    (folder / "board.yaml").write_text(BOARD)
    return folder


@pytest.mark.parametrize("task", TASKS)
def test_every_task_of_the_command_line_signs_its_file(toy, inputs, tmp_path, monkeypatch, task):
    monkeypatch.setattr(loading, "load", lambda name=None: toy)
    monkeypatch.chdir(inputs)
    ending, ingredients, *arguments = TASKS[task]
    name = "frame_%04d.png" if "%" in ending else f"out.{ending}"
    ok(*arguments, *QUICK, "-o", tmp_path / name)
    made = sorted(file for file in tmp_path.iterdir() if file.suffix != ".c2pa")
    assert len(made) > 1 if "%" in ending else len(made) == 1
    for path in made[:2]:
        assert_signed(path, ingredients)
