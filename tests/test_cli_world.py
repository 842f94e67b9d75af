"""The world command, as a user runs it."""

import pytest
import torch
from PIL import Image

from skyloom.cli.world import GAP, LINE_HEIGHT, PICTURES, TEXT_LINES, TILE, contact_sheet, world
from skyloom.data.video_io import read_video
from skyloom.errors import InvalidArgument


def make(out, **changes):
    """Run the command with small defaults."""
    settings = {
        "count": 2, "seed": 5, "preset": "tiny", "split": "train", "frames": 3, "height": 32, "width": 48,
        "detail": "plain", "language": "zh", "sheet": True,
    }  # fmt: skip
    world(out, **(settings | changes))


def test_it_writes_clips_captions_and_a_sheet(tmp_path):
    make(tmp_path / "a")
    lines = (tmp_path / "a" / "captions.txt").read_text(encoding="utf-8").splitlines()
    video = read_video(tmp_path / "a" / "clip-0001.mp4")
    assert len(lines) == 2 and video.frames.shape == (3, 32, 48, 3)
    assert video.metadata["caption"] == lines[1] and video.metadata["scene"] == 6
    with Image.open(tmp_path / "a" / "sheet.png") as sheet:
        assert sheet.width > TILE
    make(tmp_path / "b", seed=6, count=1, sheet=False)
    assert (tmp_path / "b" / "captions.txt").read_text(encoding="utf-8").splitlines() == lines[1:]
    assert not (tmp_path / "b" / "sheet.png").exists()


def test_a_sheet_shows_first_middle_and_last_frame():
    shades = torch.tensor([-1.0, 0.0, 1.0])[None, None, :, None, None].expand(1, 3, 3, 16, 16)
    sheet = contact_sheet(shades, ["three greys"])
    step = TILE + GAP
    assert [sheet.getpixel((k * step + 90, 90))[0] for k in range(PICTURES)] == [0, 128, 255]
    assert sheet.height == TILE + TEXT_LINES * LINE_HEIGHT + 8
    assert sheet.crop((0, TILE, sheet.width, sheet.height)).getextrema()[0][0] < 100


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "x").write_text("")
    with pytest.raises(InvalidArgument, match="be a folder"):
        make(tmp_path / "x")
