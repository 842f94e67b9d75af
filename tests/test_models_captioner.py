"""The captioner: slots to facts to words, what it leaves unsaid, its files."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from skyloom import cli
from skyloom.cli.caption import stretches
from skyloom.data.video_io import write_video
from skyloom.errors import CheckpointError, InvalidArgument
from skyloom.models.captioner import NAME, Captioner, Seen, SeenActor, facts_of, load_captioner, windows
from skyloom.models.watcher import Watcher, resized, save_watcher, vocabulary_of
from skyloom.presets import preset
from skyloom.video import Video
from skyloom.world.captions import caption
from skyloom.world.facts import describe_all
from skyloom.world.sampling import sample_scenes
from skyloom.world.vocabulary import SPEEDS

SURE = {"actor": 0.9, "motion": 0.9, "direction": 0.9, "speed": 0.9}
FOX = SeenActor("fox", "run", "left", "fast", 0.2, SURE)
CAT = SeenActor("cat", "stand", None, "normal", 0.7, SURE)
PAIR = Seen(
    2, (FOX, CAT), "beach", "rain", "pan left", "cartoon",
    {"count": 1.0, "place": 1.0, "weather": 0.9, "camera": 0.9, "style": 0.9},
)  # fmt: skip


def doubt(seen, **sure):
    return dataclasses.replace(seen, sure=SURE | sure)


def network():
    config = dataclasses.replace(
        vocabulary_of(preset("nano").world, SPEEDS), eye_width=8, classifier_width=8, clock_width=8
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Watcher(config)


def test_all_that_was_seen_is_said():
    facts = facts_of(PAIR)
    assert [actor.side for actor in facts.actors] == ["left", "right"]
    english = caption(facts, "en", "descriptive", 3).lower()
    for word in ("fox", "beach", "rain", "cartoon", "pan", "left", "right"):
        assert word in english, english
    assert "狐狸" in caption(facts, "zh", "terse", 0)


def test_what_is_doubtful_is_left_unsaid():
    unsure = dataclasses.replace(PAIR, sure=PAIR.sure | {"weather": 0.4, "camera": 0.4, "style": 0.4})
    facts = facts_of(unsure)
    assert (facts.weather, facts.camera, facts.style) == ("clear", "still", "3d render")
    alone = facts_of(dataclasses.replace(PAIR, actors=(doubt(FOX, speed=0.4), doubt(CAT, actor=0.3))))
    assert [actor.name for actor in alone.actors] == ["fox"]
    assert (alone.actors[0].speed, alone.actors[0].side) == ("normal", "middle")


def test_someone_is_always_named():
    facts = facts_of(dataclasses.replace(PAIR, actors=(doubt(FOX, actor=0.2), doubt(CAT, actor=0.3))))
    assert [actor.name for actor in facts.actors] == ["cat"]


def test_neighbours_are_on_no_side():
    close = dataclasses.replace(CAT, x=FOX.x + 0.05)
    assert [a.side for a in facts_of(dataclasses.replace(PAIR, actors=(FOX, close))).actors] == ["middle"] * 2
    crossed = dataclasses.replace(CAT, x=0.0)
    assert [a.side for a in facts_of(dataclasses.replace(PAIR, actors=(FOX, crossed))).actors] == ["right", "left"]


def test_true_slots_give_the_worlds_own_caption():
    scenes = sample_scenes(dataclasses.replace(preset("nano").world, two_actors=0.0), torch.arange(12), "heldout")
    for truth in describe_all(scenes):
        (actor,) = truth.actors
        seen = SeenActor(actor.name, actor.motion, actor.direction, actor.speed, 0.5, SURE)
        told = facts_of(Seen(1, (seen,), truth.place, truth.weather, truth.camera, truth.style, PAIR.sure))
        assert dataclasses.replace(told, shots=()) == dataclasses.replace(truth, shots=())
        assert caption(told, "en", "plain", 7) == caption(truth, "en", "plain", 7)


def test_every_reading_can_be_told():
    pixels = torch.rand((3, 3, 17, 64, 64), generator=torch.Generator().manual_seed(1)) * 2 - 1
    reader = Captioner(network())
    for seen, words in zip(reader.see(pixels), reader.caption(pixels, "en", "terse"), strict=True):
        assert 1 <= len(seen.actors) <= seen.count
        assert words
        assert all(0 < value <= 1 for value in seen.sure.values())


@pytest.mark.parametrize(
    ("frames", "expected"),
    [(1, [(0, 1)]), (9, [(0, 9)]), (17, [(0, 17)]), (24, [(0, 17)]), (42, [(0, 17), (16, 33), (32, 42)])],
)
def test_long_videos_are_read_in_stretches(frames, expected):
    assert list(windows(frames, 17)) == expected


def test_any_size_is_brought_to_the_watchers():
    config = vocabulary_of(preset("nano").world)
    pixels = torch.rand(1, 3, 33, 128, 128)
    assert torch.allclose(resized(pixels, config)[0, 0, 1, 0, 0], pixels[0, 0, 2, :2, :2].mean(), atol=1e-5)
    with pytest.raises(InvalidArgument, match=r"pixels must have the shape"):
        resized(torch.rand(3, 17, 64, 64), config)


def test_a_saved_captioner_reads_the_same_from_the_command_line(tmp_path):
    save_watcher(network(), tmp_path / "reader", NAME)
    frames = np.random.default_rng(0).integers(0, 255, (17, 64, 64, 3), dtype=np.uint8)
    file = write_video(Video(frames, 8.0), tmp_path / "noise.webp", quality=100)
    options = [str(file), "--captioner", str(tmp_path / "reader")]
    told = CliRunner().invoke(cli.app, ["caption", *options, "--slots"])
    assert told.exit_code == 0, told.output
    line = json.loads(told.stdout)
    reader = load_captioner(tmp_path / "reader")
    ((start, pixels),) = stretches(file, reader)
    assert start == 0
    assert line["actors"][0]["name"] == reader.see(pixels)[0].actors[0].name
    words = CliRunner().invoke(cli.app, ["caption", *options, "--language", "zh"])
    assert reader.caption(pixels, "zh")[0] in words.stdout
    (tmp_path / "reader" / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"lacks config.json"):
        load_captioner(tmp_path / "reader")
