"""Files as they are written: signed, marked, and told by `skyloom verify`."""

import json
import time

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from skyloom.cli import app
from skyloom.data.stamping import payload
from skyloom.data.video_io import read_metadata, read_video, write_chunks, write_video
from skyloom.provenance import mark
from skyloom.provenance.manifest import Manifest, Provenance, read_manifest, sidecar
from skyloom.provenance.watermark import detect
from skyloom.video import Video

MADE_BY = {"program": "skyloom 0.1.0", "checkpoint": "nano", "checkpoint_sha256": "ab" * 32, "seed": 7}


def clip(frames=9, side=128):
    rough = np.random.default_rng(3).integers(30, 220, (10, 10, 3), np.uint8)
    ground = np.asarray(Image.fromarray(rough).resize((side, side), Image.Resampling.BICUBIC))
    still = np.repeat(ground[None], frames, 0)
    for index in range(frames):
        still[index, 8:16, index * 3 : index * 3 + 8] = 255
    return Video(still, 8.0, MADE_BY)


def told(path):
    done = CliRunner().invoke(app, ["verify", str(path), "--json"])
    return done.exit_code, json.loads(done.output)


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.gif", "a.webp", "a.png"])
def test_every_kind_is_signed_and_marked_unless_told_otherwise(tmp_path, name):
    video = clip(1 if name == "a.png" else 9)
    status, report = told(write_video(video, tmp_path / name))
    assert status == 0 and report["from_skyloom"] and report["manifest"]["state"] == "trusted"
    assert report["invisible_mark"]["found"] and report["invisible_mark"]["agrees_with_manifest"]
    assert report["invisible_mark"]["payload"] == f"{payload(MADE_BY):08x}"
    assert read_metadata(tmp_path / name)["seed"] == 7
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []
    status, report = told(write_video(video, tmp_path / f"bare-{name}", provenance=None))
    assert (status, report["from_skyloom"], report["manifest"]["state"]) == (1, False, "none")
    assert sidecar(tmp_path / name).exists() == (name == "a.webm")
    assert not sidecar(tmp_path / f"bare-{name}").exists()


def test_frames_in_a_folder_are_signed_one_by_one(tmp_path):
    write_video(clip(2), tmp_path / "frames")
    assert [read_manifest(file).state for file in sorted((tmp_path / "frames").iterdir())] == ["trusted"] * 2


def test_a_changed_file_is_told(tmp_path):
    path = write_video(clip(), tmp_path / "a.mp4")
    data = bytearray(path.read_bytes())
    data[-900] ^= 1
    path.write_bytes(data)
    status, report = told(path)
    assert status == 1 and report["manifest"]["state"] == "broken" and report["from_skyloom"]
    text = CliRunner().invoke(app, ["verify", str(path)]).output
    assert "BROKEN" in text and "found (score" in text and "agrees" in text


def test_a_strangers_words_draw_nothing_on_the_terminal(tmp_path, monkeypatch):
    words = "x\nfrom Skyloom    yes\x1b[2A\u202e"
    forged = Manifest(
        "valid", signer=words, program=words, source=words, generation={"model": words}, ingredients=(words,)
    )
    monkeypatch.setattr("skyloom.provenance.verify.read_manifest", lambda path: forged)
    path = write_video(clip(), tmp_path / "a.webp", provenance=None)
    lines = CliRunner().invoke(app, ["verify", str(path)]).output.splitlines()
    assert [line for line in lines if line.startswith("from Skyloom")] == ["from Skyloom    nothing says so"]
    assert all(line.isprintable() for line in lines) and "  signer        x?from Skyloom    yes?[2A?" in lines


def test_the_mark_outlives_the_manifest(tmp_path):
    frames = read_video(write_video(clip(), tmp_path / "a.mp4")).frames
    path = write_video(Video(frames, 8.0), tmp_path / "copy.mp4", provenance=None)
    status, report = told(path)
    assert status == 0 and report["manifest"]["state"] == "none" and report["invisible_mark"]["found"]


def test_one_of_the_two_can_be_left_out(tmp_path):
    path = write_video(clip(), tmp_path / "a.webp", quality=100, provenance=Provenance(mark=False))
    assert np.array_equal(read_video(path).frames, clip().frames) and read_manifest(path).state == "trusted"
    path = write_video(clip(), tmp_path / "b.webp", provenance=Provenance(sign=False))
    assert read_manifest(path).state == "none" and detect(read_video(path).frames).found


def test_chunks_are_written_as_a_whole_is(tmp_path):
    frames = clip(30, 64).frames
    whole = write_video(Video(frames, 8.0), tmp_path / "a.webp", quality=100)
    parts = write_chunks((frames[a : a + 7] for a in range(0, 30, 7)), 8.0, tmp_path / "b.webp", quality=100)
    assert np.array_equal(read_video(whole).frames, read_video(parts).frames)


def test_the_visible_mark_wanders_and_is_told(tmp_path):
    video = Video(np.full((64, 96, 128, 3), 90, np.uint8), 8.0)
    path = write_video(video, tmp_path / "a.webp", quality=100, provenance=Provenance(mark=False, visible=True))
    assert told(path)[1]["visible_mark"] is True
    inked = (read_video(path).frames != 90).any(-1)
    share = inked.mean((1, 2))
    assert share.min() > 0.005 and share.max() < 0.12
    assert not inked.all(0).any()  # no place is covered all the time
    centres = [np.argwhere(frame).mean(0) for frame in inked]
    assert np.abs(np.diff(centres, axis=0)).max() < 24  # it glides
    small = np.zeros((1, 8, 8, 3), np.uint8)
    assert next(mark.shown([small], 8.0)) is small


@pytest.mark.parametrize("seconds", [0.0, 1.9, 2.5, 7.2, 14.999, 100.0])
def test_the_visible_mark_stays_inside(seconds):
    assert all(0 < share < 1 for share in mark.position(seconds))
    before, after = np.array(mark.position(seconds)), np.array(mark.position(seconds + 1e-4))
    assert np.abs(after - before).max() < 1e-3


def test_it_costs_little(tmp_path):
    video = clip(17, 256)
    write_video(video, tmp_path / "warm.mp4")
    seconds = {}
    for name, provenance in (("bare", None), ("full", Provenance())):
        began = time.process_time()
        write_video(video, tmp_path / f"{name}.mp4", provenance=provenance)
        seconds[name] = time.process_time() - began
    assert seconds["full"] - seconds["bare"] < 0.6
