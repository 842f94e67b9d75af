"""Canvases: what each task pins, and what it leaves open."""

import numpy as np
import pytest
import torch

from pipeline_parts import toy_networks
from skyloom.errors import InvalidArgument
from skyloom.pipelines import tasks
from skyloom.pipelines.canvas import Canvas, PromptSpan
from skyloom.shapes import LatentSize, Strides, VideoSize
from skyloom.video import Video

STRIDES = Strides(4, 8)
SIZE = VideoSize(17, 32, 48)


@pytest.fixture(scope="module")
def autoencoder():
    return toy_networks()[0]


@pytest.fixture(scope="module")
def room(autoencoder):
    def encode(pixels):
        with torch.no_grad():
            return autoencoder.encode(pixels)

    return tasks.Room(SIZE, 8.0, STRIDES, encode, patch=2, scalars={"fps": 8.0})


def noise_video(num_frames, seed=0, height=32, width=48, fps=8.0):
    frames = np.random.default_rng(seed).integers(0, 255, (num_frames, height, width, 3), np.uint8)
    return Video(frames, fps)


def test_text_alone_pins_nothing(room):
    canvas = tasks.text_to_video(room, "a fox", motion=0.5)
    assert canvas.size == LatentSize(5, 4, 6)
    assert canvas.known is None and canvas.mask is None and canvas.source is None
    row = canvas.scalar_row()[0]
    assert row[:2].tolist() == [0.0, 0.5] and row[2:].isnan().all()


def test_the_rate_is_told_in_units_of_eight():
    canvas = Canvas(LatentSize(1, 2, 2), (PromptSpan("a"),), scalars={"fps": 12.0, "zoom": -1.0})
    assert canvas.scalar_row()[0, [0, 4]].tolist() == [0.5, -1.0]


def test_a_first_picture_is_pinned_exactly(room, autoencoder):
    picture = noise_video(1)
    canvas = tasks.keyframes(room, "a fox", {0: picture})
    assert canvas.mask[0, 0, :, 0, 0].tolist() == [1, 0, 0, 0, 0]
    torch.testing.assert_close(canvas.known[:, :, :1], room.encode(picture.pixels()))


def test_a_later_picture_is_held_for_its_group(room, autoencoder):
    picture = noise_video(1)
    canvas = tasks.keyframes(room, "a fox", {0: noise_video(1, 3), 16: picture})
    assert canvas.mask[0, 0, :, 0, 0].tolist() == [1, 0, 0, 0, 1]
    still = room.encode(picture.pixels().expand(-1, -1, 5, -1, -1))
    torch.testing.assert_close(canvas.known[:, :, 4:], still[:, :, 1:])
    for frame in (3, -4, 20):
        with pytest.raises(InvalidArgument, match="multiple of 4 from 0 to 16"):
            tasks.keyframes(room, "a fox", {frame: picture})


def test_going_on_starts_with_the_last_frames(room):
    video = noise_video(16)
    canvas = tasks.extend(room, "a fox", video)
    assert canvas.mask[0, 0, :, 0, 0].tolist() == [1, 1, 0, 0, 0]
    torch.testing.assert_close(canvas.known[:, :, :2], room.encode(video.pixels()[:, :, -5:]))


def test_leading_up_ends_with_the_first_frames(room):
    video = noise_video(16)
    canvas = tasks.extend_back(room, "a fox", video)
    assert canvas.mask[0, 0, :, 0, 0].tolist() == [0, 0, 0, 1, 1]
    torch.testing.assert_close(canvas.known[:, :, 3:], room.encode(video.pixels()[:, :, :9])[:, :, 1:])


def test_connecting_and_looping_pin_both_ends(room):
    before, after = noise_video(16, 1), noise_video(16, 2)
    canvas = tasks.connect(room, "a fox", before, after)
    assert canvas.mask[0, 0, :, 0, 0].tolist() == [1, 1, 0, 1, 1]
    for part in (tasks.extend(room, "", before), tasks.extend_back(room, "", after)):
        held = part.mask.bool().expand_as(part.known)
        assert torch.equal(canvas.known[held], part.known[held])
    assert torch.equal(tasks.loop(room, "", before).known, tasks.connect(room, "", before, before).known)


def test_inpainting_asks_for_every_cell_the_mask_touches(room):
    mask = torch.zeros(17, 32, 48)
    mask[0, 9, 17] = 1
    mask[8, 31, 47] = 1
    canvas = tasks.inpaint(room, "a fox", noise_video(17), mask)
    assert (canvas.mask == 0).nonzero()[:, 2:].tolist() == [[0, 1, 2], [2, 3, 5]]
    torch.testing.assert_close(canvas.known, room.encode(noise_video(17).pixels()))


def test_restyling_and_instructing_hold_the_source(room):
    latents = room.encode(noise_video(17).pixels())
    restyled = tasks.restyle(room, "charcoal", noise_video(17), 0.6)
    assert restyled.strength == 0.6 and torch.equal(restyled.start, latents) and restyled.mask is None
    instructed = tasks.instruct(room, "make it snow", noise_video(20))
    assert instructed.source.shape == latents.shape and instructed.start is None


def test_pictures_of_any_size_and_rate_are_fitted(room):
    fast = noise_video(40, height=60, width=60, fps=16.0)
    assert tasks.instruct(room, "a", fast).source.shape == (1, 8, 5, 4, 6)
    assert tasks.keyframes(room, "a", {0: noise_video(1, height=300, width=7)}).known.shape[3:] == (4, 6)


def test_a_room_as_long_as_a_video(room):
    for frames, fps, wanted in ((17, 8.0, 17), (16, 8.0, 13), (34, 16.0, 17), (1, 8.0, 1), (20, 8.0, 17)):
        assert tasks.room_for(noise_video(frames, fps=fps), room).size.num_frames == wanted


@pytest.mark.parametrize(
    "call",
    [
        lambda room: tasks.extend(room, "a", noise_video(3)),
        lambda room: tasks.instruct(room, "a", noise_video(12)),
        lambda room: tasks.inpaint(room, "a", noise_video(17), torch.zeros(17, 32, 32)),
        lambda room: tasks.restyle(room, "a", noise_video(17), 0.0),
        lambda room: tasks.restyle(room, "a", noise_video(17), 1.2),
        lambda room: tasks.text_to_video(room, "a", wind=1.0),
        lambda room: Canvas(room.latents, ()),
        lambda room: Canvas(room.latents, (PromptSpan("a"),), known=torch.zeros(1, 8, 5, 4, 6)),
        lambda room: Canvas(room.latents, (PromptSpan("a"),), source=torch.zeros(1, 8, 5, 4, 4)),
        lambda room: tasks.Room(VideoSize(18, 32, 32), 8.0, STRIDES, room.encode).latents,
    ],
)
def test_what_does_not_fit_is_refused(room, call):
    with pytest.raises(InvalidArgument, match="must"):
        call(room)
