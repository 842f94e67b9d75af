"""Videos changed: what stays, what is asked, what is found."""

import numpy as np
import pytest
import torch

from pipeline_parts import toy_pipeline
from skyloom.errors import InvalidArgument
from skyloom.models.locator import Locator
from skyloom.pipelines import edits, find, masks, tasks
from skyloom.presets import TINY
from skyloom.shapes import Strides, VideoSize
from skyloom.video import Video

QUICK = {"num_inference_steps": 1, "guidance_scale": 1.0, "seed": 3}


@pytest.fixture(scope="module")
def pipeline():
    return toy_pipeline()


def video(num_frames=9, seed=0, height=32, width=32, fps=8.0):
    return Video(np.random.default_rng(seed).integers(0, 255, (num_frames, height, width, 3), np.uint8), fps)


def box(left, top, right, bottom):
    return lambda room, video, frames: masks.box_mask(room, (left, top, right, bottom), video.frames.shape[1:3], frames)


@pytest.mark.parametrize("count", [1, 5, 7, 9, 14])
def test_every_length_is_kept(pipeline, count):
    assert len(pipeline.instruct(video(count), "make it snow", **QUICK).frames) == count
    assert len(pipeline.restyle(video(count), "charcoal", strength=0.4, **QUICK).frames) == count
    assert len(pipeline.inpaint(video(count), box(0, 0, 0.5, 0.5), **QUICK).frames) == count


def test_outside_the_mask_is_the_own(pipeline):
    own = video(9)
    made = pipeline.inpaint(own, box(0.25, 0.5, 0.75, 1.0), "a fox", **QUICK).frames
    inside = np.zeros((32, 32), bool)
    inside[16:, 8:24] = True
    assert np.array_equal(made[:, ~inside], own.frames[:, ~inside])
    assert not np.array_equal(made[:, inside], own.frames[:, inside])


def test_strength_by_word_is_by_number(pipeline):
    words, number = (pipeline.restyle(video(), "a", strength=strength, **QUICK) for strength in ("subtle", 0.3))
    assert np.array_equal(words.frames, number.frames) and words.metadata["strength"] == 0.3
    kept = pipeline.decode(pipeline.encode(video().pixels()))
    distances = [
        (pipeline.restyle(video(), "a", strength=strength, **QUICK).pixels() - kept.clamp(-1, 1)).abs().mean()
        for strength in (0.01, "mild", 1.0)
    ]
    assert distances == sorted(distances)


def test_both_guidances_count(pipeline):
    settings = {**QUICK, "guidance_scale": 3.0}
    base = pipeline.instruct(video(), "make it snow", **settings).frames
    for change in ({"guidance_scale": 5.0}, {"source_guidance_scale": 2.0}):
        assert not np.array_equal(base, pipeline.instruct(video(), "make it snow", **{**settings, **change}).frames)


def test_outpainting_shows_the_whole_video(pipeline):
    own = video(5)
    made = pipeline.outpaint(own, "a fox", width=64, height=32, **QUICK)
    assert made.frames.shape == (5, 32, 64, 3) and np.array_equal(made.frames[:, :, 16:48], own.frames)
    assert (made.frames[:, :, :16] != 0).any()
    with pytest.raises(InvalidArgument, match="be of another shape than the video"):
        pipeline.outpaint(own, **QUICK)


def test_only_the_masked_part_of_a_picture_moves(pipeline):
    own = video(1)
    made = pipeline.cinemagraph(own, box(0.5, 0.0, 1.0, 1.0), "waves", seconds=1.6, **QUICK).frames
    assert len(made) == 13 and np.array_equal(made[0], own.frames[0])
    assert (made[:, :, :16] == own.frames[0][None, :, :16]).all()
    assert (np.diff(made[:, :, 16:].astype(int), axis=0) != 0).any()


def test_a_box_is_shares_of_the_frame():
    room = tasks.Room(VideoSize(5, 32, 32), 8.0, Strides(4, 8), None)
    mask = masks.box_mask(room, (0.25, 0.5, 0.75, 1.0), (100, 200), 5)
    wanted = torch.zeros(32, 32)
    wanted[16:, :] = 1  # cropped to the square in the middle of 200 x 100, the box from 50 to 150 is all of its width
    assert torch.equal(mask, wanted.expand(5, -1, -1))
    for bad in ((0.5, 0, 0.5, 1), (-0.1, 0, 1, 1), (0, 0, 1, 1.5)):
        with pytest.raises(InvalidArgument, match="box must"):
            masks.box_mask(room, bad, (32, 32), 5)


def test_new_rises_within_the_mask_only():
    mask = torch.zeros(1, 16, 16)
    mask[0, 4:12, 4:12] = 1
    share = masks.soft(mask)
    assert (share[mask == 0] == 0).all() and share[0, 8, 8] == 1 and 0 < share[0, 5, 8] < 1
    thin = torch.zeros(1, 16, 16)
    thin[0, 3] = 1
    assert torch.equal(masks.soft(thin), thin)


def test_masks_that_ask_for_nothing_are_refused(pipeline):
    black = Video(np.zeros((1, 32, 32, 3), np.uint8), 8.0)
    mask = lambda room, video, frames: masks.mask_of(room, black, frames)  # noqa: E731
    with pytest.raises(InvalidArgument, match="be white somewhere"):
        pipeline.inpaint(video(), mask, **QUICK)


def test_what_two_words_tell_apart_is_found(pipeline, monkeypatch):
    """A network whose answer to "dog" differs from that to "fox" in one cell has its dog there."""
    asked = []

    def answer(engine, canvas, noisy, sigma):
        asked.append((canvas.prompts[0].text, sigma))
        out = torch.zeros_like(noisy)
        out[:, :, 1, 2, 3] = 5.0 if "dog" in canvas.prompts[0].text else 0.0
        return out

    monkeypatch.setattr(find, "velocity", answer)
    room = pipeline.room()
    here, there = tasks.text_to_video(room, "a dog runs"), tasks.text_to_video(room, "a fox runs")
    found = find.difference(pipeline, torch.zeros(1, 8, 2, 4, 4), here, there, 0)
    assert found.argmax() == 1 * 16 + 2 * 4 + 3 and asked == [("a dog runs", 0.5), ("a fox runs", 0.5)]
    cells = find.cells_of(found, 0.5)
    assert cells[0, 0, 1, 2, 3] == 1 and cells[0, 0, :, :, 0].sum() == 0
    mask = find.pixels_of(cells, 4, 8)
    assert mask.shape == (5, 32, 32) and mask[1:5, 16:24, 24:].all() and not mask[:, :, :8].any()
    made = pipeline.replace_thing(video(5), "dog", "fox", "a dog runs", **QUICK)
    assert made.metadata["prompt"] == "a fox runs" and made.metadata["replaced"] == ["dog", "fox"]
    assert np.array_equal(made.frames[:, :, :8], video(5).frames[:, :, :8])


def test_an_actor_that_is_found_by_name_is_replaced_where_it_is(monkeypatch):
    """Over two windows, in the last of which it is gone; what is not found so is found the other way."""
    pipeline = toy_pipeline()
    pipeline.locator = Locator(TINY.locator)
    asked = []

    def found(locator, latents, shown, names):
        asked.append((latents.shape[2], bool(shown.all()), names.shape))
        boxes = torch.tensor([0.25, 0.0, 0.5, 0.5]).expand(1, 1, 1 + 4 * (latents.shape[2] - 1), 4)
        return boxes if len(asked) == 1 else boxes * float("nan")

    monkeypatch.setattr(edits, "located", found)
    own = video(9)
    made = pipeline.replace_thing(own, "dog", "fox", "a dog runs", **QUICK)
    assert asked == [(2, True, (1, 1, 768))] * 2
    changed = (made.frames != own.frames).any(-1)
    assert changed[:5, 16:, 8:16].any((1, 2)).all() and not changed[5:].any()
    assert not changed[:, :14].any() and not changed[:, :, :7].any() and not changed[:, :, 17:].any()
    ways = []
    monkeypatch.setattr(edits.find, "difference", lambda *a: ways.append(a[-1]) or torch.ones(1, 1, 2, 4, 4))
    pipeline.replace_thing(own, "dog", "fox", "a dog runs", **QUICK)  # found nowhere any more
    assert len(asked) == 4 and len(ways) == 2
    pipeline.replace_thing(own, "runs", "stands", "a dog runs", **QUICK)
    assert len(asked) == 4 and len(ways) == 4


def test_the_velocity_that_finds_is_the_networks_own(pipeline):
    canvas = tasks.text_to_video(pipeline.room(), "a dog runs")
    noisy = torch.randn(2, 8, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    words = pipeline.text_encoder.encode(["a dog runs"] * 2)
    with torch.no_grad():
        wanted = pipeline.transformer(
            noisy, torch.full((2,), 0.5), words.embeds, words.mask,
            context_sigma=torch.zeros(2), scalars=canvas.scalar_row().repeat(2, 1),
        )  # fmt: skip
    torch.testing.assert_close(find.velocity(pipeline, canvas, noisy, 0.5), wanted)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: p.restyle(video(), "a", strength=0.0), "strength must be above 0 and at most 1"),
        (lambda p: p.restyle(video(), "a", strength="stron"), "nearest: strong"),
        (lambda p: p.restyle(video(), ""), "prompt must hold at least one word"),
        (lambda p: p.replace_thing(video(), "dog", "fox", "a cat runs"), "hold the word that is replaced, 'dog'"),
        (lambda p: p.replace_thing(video(), "dog", "fox", threshold=0.0), "threshold must be above 0"),
    ],
)
def test_bad_input_is_refused(pipeline, call, message):
    with pytest.raises(InvalidArgument, match=message):
        call(pipeline)


def test_a_mask_tells_where_the_thing_is():
    mask = torch.zeros(3, 100, 50)
    mask[0, 20:70, 10:30] = 1
    mask[2, 50:100, 0:50] = 1
    spare = masks.SPARE
    found = masks.boxes_of(mask)
    assert found.shape == (1, 1, 3, 4) and found[0, 0, 1].isnan().all()
    inset = torch.tensor([0.4 * spare, 0.5 * spare, -0.4 * spare, -0.5 * spare])
    torch.testing.assert_close(found[0, 0, 0], torch.tensor([0.2, 0.3, 0.6, 0.8]) + inset)
    torch.testing.assert_close(found[0, 0, 2], torch.tensor([spare, 0.5 * spare, 1 - spare, 0.5 - 0.5 * spare]))


def test_a_mask_around_everything_or_of_two_parts_is_no_thing():
    frame = torch.zeros(1, 40, 40)
    assert masks.boxes_of(frame) is None and masks.boxes_of(frame + 1) is None
    frame[:, :, :5] = frame[:, :, -5:] = 1
    assert masks.boxes_of(frame) is None


def test_what_is_painted_is_told_its_place_and_what_is_widened_is_not(pipeline, monkeypatch):
    told = []
    sample = type(pipeline).sample

    def noted(self, canvases, seeds, request, on_step=None):
        told.append(canvases[0].boxes)
        return sample(self, canvases, seeds, request, on_step)

    monkeypatch.setattr(type(pipeline), "sample", noted)
    pipeline.inpaint(video(5), box(0.25, 0.5, 0.75, 1.0), "a fox", **QUICK)
    pipeline.outpaint(video(5), "a fox", width=64, height=32, **QUICK)
    pipeline.cinemagraph(video(1), box(0.25, 0.5, 0.75, 1.0), "a fox", seconds=0.5, **QUICK)
    assert told[0].shape == (1, 1, 5, 4) and told[1:] == [None, None]


def test_a_mask_is_drawn_around_a_box_a_little_wider():
    boxes = torch.tensor([[0.25, 0.0, 0.75, 0.5], [float("nan")] * 4])
    mask = masks.around(boxes, 40, 20)
    assert mask.shape == (2, 40, 20) and not mask[1].any()
    expected = torch.zeros(40, 20)
    expected[18:, 4:16] = 1  # 10 % of half a frame are a column and two rows
    assert torch.equal(mask[0], expected)
