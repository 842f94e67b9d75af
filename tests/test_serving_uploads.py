"""Uploads: judged by content, bounded before decoding, made anew."""

import importlib.util
import os
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from skyloom.data.video_io import read_video, write_video
from skyloom.serving.uploads import InvalidUpload, Limits, check_upload
from skyloom.video import Video

TINY = Limits(bytes=300_000, side=400, pixels=100_000, seconds=3.0, frames=40, work_seconds=20.0, kept_side=96)


def clip(frames=9, height=48, width=64):
    noise = np.random.default_rng(0).integers(0, 255, (frames, height // 8, width // 8, 3), np.uint8)
    return Video(noise.repeat(8, 1).repeat(8, 2), 8.0, {"prompt": "secret"})


def code_of(path, limits=TINY):
    before = sorted(path.parent.iterdir())
    with pytest.raises(InvalidUpload) as caught:
        check_upload(path, limits)
    assert caught.value.message and str(path.parent) not in caught.value.message
    assert sorted(path.parent.iterdir()) == before
    return caught.value.code


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.gif", "a.webp"])
def test_videos_keep_their_look_and_time_and_lose_the_rest(tmp_path, name):
    path = write_video(clip(), tmp_path / name, provenance=None).rename(tmp_path / "whatever.txt")
    upload = check_upload(path, TINY)
    assert (upload.kind, upload.width, upload.height, upload.path.suffix) == ("video", 64, 48, ".mp4")
    assert upload.seconds == pytest.approx(9 / 8, abs=0.05)
    read = read_video(upload.path, fps=8.0)
    assert read.metadata == {} and b"secret" not in upload.path.read_bytes()
    assert np.abs(read.frames[:9].astype(int) - clip().frames).mean() < 20


def test_a_picture_is_made_anew_with_its_alpha(tmp_path):
    rgba = np.random.default_rng(0).integers(0, 255, (40, 56, 4), np.uint8)
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "secret")
    Image.fromarray(rgba).save(tmp_path / "a.png", pnginfo=info)
    upload = check_upload(tmp_path / "a.png", TINY)
    assert (upload.kind, upload.width, upload.height, upload.seconds) == ("image", 56, 40, None)
    assert np.array_equal(np.asarray(Image.open(upload.path)), rgba) and b"secret" not in upload.path.read_bytes()


def test_large_ones_become_small(tmp_path):
    Image.new("RGB", (300, 200), "red").save(tmp_path / "a.jpg")
    upload = check_upload(tmp_path / "a.jpg", TINY)
    assert (upload.width, upload.height) == (96, 64)


def test_a_polyglot_keeps_only_its_picture(tmp_path):
    path = write_video(Video(clip(1).frames, 8.0), tmp_path / "a.png", provenance=None)
    path.write_bytes(path.read_bytes() + b"PK\x03\x04 <script>alert(1)</script>")
    assert b"script" not in check_upload(path, TINY).path.read_bytes()
    path.write_bytes(b"<script>" + path.read_bytes())
    assert code_of(path) == "unsupported_format"


def test_limits_come_before_decoding(tmp_path):
    path = tmp_path / "upload"
    Image.new("1", (9000, 3000)).save(path, "PNG")  # a bomb: small file, huge picture
    assert code_of(path) == "invalid_dimensions"
    Image.new("RGB", (4, 200)).save(path, "PNG")
    assert code_of(path) == "invalid_dimensions"
    write_video(clip(33), tmp_path / "a.mp4", provenance=None).rename(path)
    assert code_of(path) == "video_too_long"
    assert code_of(path, replace(TINY, seconds=9.0, frames=30)) == "video_too_long"
    assert code_of(path, replace(TINY, bytes=100)) == "file_too_large"


def test_memory_and_time_are_bounded(tmp_path):
    path = tmp_path / "upload"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (800, 1200, 3), np.uint8)).save(path, "PNG")
    wide = replace(TINY, bytes=1 << 30, side=9000, pixels=10**8)
    assert code_of(path, replace(wide, memory=200 << 20)) == "file_too_complex"
    assert code_of(path, replace(wide, work_seconds=0.001)) == "file_too_complex"
    assert check_upload(path, wide).width == 96  # the next one is served


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.gif", "a.webp", "a.png"])
def test_cut_files_are_refused(tmp_path, name):
    noise = np.random.default_rng(0).integers(0, 255, (9, 48, 64, 3), np.uint8)
    path = write_video(Video(noise[:1] if name == "a.png" else noise, 8.0), tmp_path / name, provenance=None)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    assert code_of(path) == "invalid_file"


@pytest.mark.parametrize("content", [b"hello", b"#EXTM3U\n/etc/passwd\n", b"ffconcat version 1.0\n", b"\0" * 99])
def test_other_things_are_refused(tmp_path, content):
    (tmp_path / "a.mp4").write_bytes(content)
    assert code_of(tmp_path / "a.mp4") == "unsupported_format"


def test_sound_alone_is_refused(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        sound.rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    assert code_of(tmp_path / "a.mp4") == "invalid_file"


def test_paths_that_are_no_plain_files_are_refused(tmp_path):
    good = write_video(Video(clip(1).frames, 8.0), tmp_path / "a.png", provenance=None)
    (tmp_path / "link").symlink_to(good)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").touch()
    assert code_of(tmp_path / "link") == code_of(tmp_path / "pipe") == code_of(tmp_path) == "invalid_file"
    assert code_of(tmp_path / "missing") == "invalid_file" and code_of(tmp_path / "empty") == "empty_file"
    with pytest.raises(InvalidUpload):
        check_upload(Path("a\0b"), TINY)


def test_a_few_files_of_the_fuzzer():
    spec = importlib.util.spec_from_file_location("fuzz", Path(__file__).parents[1] / "benchmarks" / "fuzz_uploads.py")
    fuzz = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fuzz)
    outcomes, wrong, _ = fuzz.fuzz(24, 1)
    assert sum(outcomes.values()) == 24 and not [line for line in wrong if "took" not in line]
    assert fuzz.malformed(5, 0, [b"x" * 900]) == fuzz.malformed(5, 0, [b"x" * 900])
