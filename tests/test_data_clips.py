"""A folder of videos as training clips."""

import numpy as np
import pytest
import torch

from skyloom.config import ClipConfig
from skyloom.data.clips import ClipFolder
from skyloom.data.video_io import write_video
from skyloom.errors import MediaError
from skyloom.video import Video

CONFIG = ClipConfig(num_frames=5, height=16, width=16, fps=8.0)


@pytest.fixture
def folder(tmp_path):
    """One clip of 16 frames whose grey tells the time, one of 2 frames, one picture."""
    ramp = np.broadcast_to((np.arange(16) * 15).astype(np.uint8)[:, None, None, None], (16, 32, 48, 3))
    write_video(Video(np.ascontiguousarray(ramp), 16.0), tmp_path / "a.webp", quality=100, provenance=None)
    write_video(Video(np.ascontiguousarray(ramp[4:6]), 8.0), tmp_path / "sub" / "b.webp", quality=100, provenance=None)
    write_video(Video(np.ascontiguousarray(ramp[:1]), 8.0), tmp_path / "c.png", provenance=None)
    (tmp_path / "a.txt").write_text("grey gets lighter\n\n灰色变亮\n", encoding="utf-8")
    return tmp_path


def greys(clip):
    return ((clip.pixels[0, :, 8, 8] + 1) * 127.5).round().tolist()


def test_clips_are_cut_at_the_wanted_rate(folder):
    clips = ClipFolder(folder, CONFIG)
    assert len(clips) == 3
    starts = set()
    for index in range(0, 60, 3):
        clip = clips.clip(index)
        assert clip.pixels.shape == (3, 5, 16, 16)
        first = round(clip.start * 8)
        assert greys(clip) == [30.0 * (first + step) for step in range(5)]
        starts.add(first)
    assert starts == {0, 1, 2, 3}


def test_short_clips_hold_their_last_frame(folder):
    clips = ClipFolder(folder, CONFIG)
    assert greys(clips.clip(2)) == [60, 75, 75, 75, 75]
    assert greys(clips.clip(1)) == [0] * 5


def test_a_clip_is_a_function_of_its_index(folder):
    first, second = ClipFolder(folder, CONFIG), ClipFolder(folder, CONFIG)
    indices = torch.tensor([7, 3, 0])
    assert torch.equal(first.batch(indices), torch.stack([second.clip(i).pixels for i in (7, 3, 0)]))


def test_captions_stand_beside(folder):
    clips = ClipFolder(folder, CONFIG)
    assert clips.clip(0).captions == ("grey gets lighter", "灰色变亮")
    assert clips.clip(1).captions == ()


def test_folders_without_videos_are_refused(tmp_path):
    with pytest.raises(MediaError, match="no videos"):
        ClipFolder(tmp_path, CONFIG)
    with pytest.raises(MediaError, match="no such folder"):
        ClipFolder(tmp_path / "x", CONFIG)
