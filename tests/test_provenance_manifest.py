"""Manifests: written, read by C2PA's own reader, and broken by one flipped byte."""

import json

import c2pa
import numpy as np
import pytest

from skyloom.data.video_io import write_video
from skyloom.errors import InvalidArgument, MediaError
from skyloom.provenance.manifest import Provenance, read_manifest, sidecar, signed
from skyloom.video import Video

MADE_BY = {"program": "skyloom 0.1.0", "checkpoint": "nano", "checkpoint_sha256": "ab" * 32, "seed": 7, "prompt": "x"}
NAMES = ["a.mp4", "a.gif", "a.webp", "a.png", "a.webm"]


def bare(path):
    noise = np.random.default_rng(0).integers(0, 255, (5, 64, 64, 3), np.uint8)
    frames = noise[:1] if path.suffix == ".png" else noise
    return write_video(Video(frames, 8.0), path, provenance=None)


def sign(path, **settings):
    data, beside = signed(path, path.name, Provenance(**settings), MADE_BY, "53aabbcc")
    path.write_bytes(data)
    if beside:
        sidecar(path).write_bytes(beside)
    return path


@pytest.mark.parametrize("name", NAMES)
def test_what_is_claimed_is_read_back(tmp_path, name):
    path = bare(tmp_path / name)
    assert read_manifest(path).state == "none"
    found = read_manifest(sign(path))
    assert (found.state, found.problems, found.program) == ("trusted", (), "skyloom 0.1.0")
    assert found.source == "trainedAlgorithmicMedia"
    assert found.generation == {
        "model": "nano", "checkpoint_sha256": "ab" * 32, "seed": 7, "invisible_mark": "53aabbcc", "visible_mark": False,
    }  # fmt: skip
    assert sidecar(path).exists() == (name == "a.webm")


@pytest.mark.parametrize("name", NAMES[:4])
def test_c2pas_own_reader_finds_it_valid(tmp_path, name):
    path = sign(bare(tmp_path / name))
    with c2pa.Reader(path) as reader:
        assert reader.get_validation_state() == "Valid"
        store = json.loads(reader.json())
    manifest = store["manifests"][store["active_manifest"]]
    assert [fault["code"] for fault in store["validation_status"]] == ["signingCredential.untrusted"]
    assert {"c2pa.actions.v2", "c2pa.soft-binding"} <= {claim["label"] for claim in manifest["assertions"]}


@pytest.mark.parametrize("name", NAMES)
def test_a_flipped_byte_of_the_picture_is_told(tmp_path, name):
    path = bare(tmp_path / name)
    size = path.stat().st_size
    data = sign(path).read_bytes()
    places = np.random.default_rng(1).integers(200, size // 2, 6)
    for place in places if name == "a.webp" else len(data) - places:  # a webp has its manifest at its end
        flipped = bytearray(data)
        flipped[place] ^= 0x10
        path.write_bytes(flipped)
        assert read_manifest(path).state == "broken" and read_manifest(path).problems


def test_a_flipped_byte_of_what_is_claimed_is_told(tmp_path):
    path = sign(bare(tmp_path / "a.png"))
    data = path.read_bytes()
    for word in (b"trainedAlgorithmicMedia", b"nano", b"abababab", b"c2pa.hash.data"):
        path.write_bytes(data.replace(word, bytes([word[0] ^ 1]) + word[1:], 1))
        assert read_manifest(path).state == "broken", word


def test_another_machines_key_is_valid_but_not_trusted(tmp_path, monkeypatch):
    path = sign(bare(tmp_path / "a.png"))
    monkeypatch.setenv("SKYLOOM_KEYS", str(tmp_path / "other"))
    assert read_manifest(path).state == "valid"
    sign(bare(tmp_path / "b.png"))
    assert read_manifest(path).state == "valid" and read_manifest(tmp_path / "b.png").state == "trusted"


def test_an_edit_names_what_it_was_made_from(tmp_path):
    first, second = sign(bare(tmp_path / "first.mp4")), bare(tmp_path / "second.png")
    path = sign(bare(tmp_path / "a.mp4"), ingredients=(first, second), source="compositeWithTrainedAlgorithmicMedia")
    found = read_manifest(path)
    assert (found.state, found.ingredients) == ("trusted", ("first.mp4", "second.png"))
    third = sign(bare(tmp_path / "third.webm"))  # no place for a manifest: named only
    path = sign(bare(tmp_path / "b.mp4"), ingredients=(third, path), source="compositeWithTrainedAlgorithmicMedia")
    found = read_manifest(path)
    assert (found.state, set(found.ingredients)) == ("trusted", {"third.webm", "a.mp4"})
    assert found.source == "compositeWithTrainedAlgorithmicMedia"


def test_what_cannot_be_signed_is_said(tmp_path):
    path = bare(tmp_path / "a.png")
    with pytest.raises(MediaError, match="cannot sign"):
        signed(path.rename(tmp_path / "a.xyz"), "a", Provenance(), MADE_BY)
    with pytest.raises(MediaError, match="cannot name"):
        sign(bare(tmp_path / "b.png"), ingredients=(tmp_path / "missing.png",))
    with pytest.raises(InvalidArgument, match="source"):
        Provenance(source="handmade")
    (tmp_path / "c.png").write_bytes(b"not a png")
    assert read_manifest(tmp_path / "c.png").state == "none"
