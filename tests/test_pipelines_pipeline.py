"""The whole road with toy networks: seeds, batches, known cells, guidance, errors."""

import warnings
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch

from pipeline_parts import ToyTextEncoder, toy_pipeline
from skyloom.errors import GenerationError, InvalidArgument
from skyloom.pipelines import tasks
from skyloom.pipelines.canvas import PromptSpan
from skyloom.pipelines.checkpoint import load_checkpoint, save_checkpoint
from skyloom.pipelines.film import check_pixels
from skyloom.pipelines.loading import from_checkpoint
from skyloom.pipelines.prompts import PromptWarning
from skyloom.pipelines.velocity import encode_prompts, span_masks
from skyloom.presets import TINY
from skyloom.seeds import generator_for
from skyloom.shapes import VideoSize
from skyloom.video import Video

QUICK = {"num_inference_steps": 3, "guidance_scale": 3.0}


@pytest.fixture(scope="module")
def pipeline():
    return toy_pipeline()


def video(num_frames=5, seed=0):
    return Video(np.random.default_rng(seed).integers(0, 255, (num_frames, 32, 32, 3), np.uint8), 8.0)


def largest(first, second):
    return np.abs(first.frames.astype(int) - second.frames).max()


def test_size_rate_and_settings(pipeline):
    made = pipeline.generate("a fox runs", seed=3, num_frames=9, height=32, width=48, fps=10, **QUICK)
    assert made.frames.shape == (9, 32, 48, 3) and made.fps == 10
    wanted = {"prompt": "a fox runs", "seed": 3, "num_frames": 9, "height": 32, "width": 48, "fps": 10,
              "checkpoint": "toy", "checkpoint_sha256": "0" * 64, "num_inference_steps": 3, "guidance_scale": 3.0,
              "negative_prompt": "", "style": None, "expand": False, "method": "euler", "shift": 1.0}  # fmt: skip
    assert wanted.items() <= made.metadata.items()


def test_defaults_are_those_of_training(pipeline):
    made = pipeline.generate("a fox", seed=0, num_inference_steps=1)
    assert made.size == VideoSize(5, 32, 32) and made.fps == 8.0
    assert pipeline.image("a fox", seed=0, num_inference_steps=1).size == VideoSize(1, 32, 32)
    assert pipeline.generate("a fox", seconds=1.4, seed=0, num_inference_steps=1).size.num_frames == 13


def test_a_seed_is_a_video(pipeline):
    first, again, other = (pipeline.generate("a fox", seed=seed, **QUICK) for seed in (1, 1, 2))
    assert np.array_equal(first.frames, again.frames)
    assert largest(first, other) > 20
    drawn = pipeline.generate("a fox", **QUICK)
    same = pipeline.generate("a fox", seed=drawn.metadata["seed"], **QUICK)
    assert np.array_equal(drawn.frames, same.frames)


def test_a_seed_gives_the_same_video_in_any_batch(pipeline):
    room = pipeline.room()
    canvases = [tasks.text_to_video(room, prompt) for prompt in ("a fox", "a red ball rolls left", "rain")]
    together = pipeline.sample(canvases, [1, 2, 3], pipeline.request(**QUICK))
    for row, (canvas, seed) in enumerate(zip(canvases, (1, 2, 3), strict=True)):
        alone = pipeline.sample([canvas], [seed], pipeline.request(**QUICK))
        torch.testing.assert_close(together[row : row + 1], alone, atol=0.05, rtol=0)


def test_prompts_styles_and_guidance_count(pipeline):
    base = pipeline.generate("a fox", seed=1, **QUICK)
    for change in (
        {"prompt": "a dog"},
        {"style": "charcoal"},
        {"negative_prompt": "a cat"},
        {"guidance_scale": 6.0},
        {"num_inference_steps": 4},
        {"expand": True},
        {"fps": 16.0},
    ):
        settings = {"prompt": "a fox", "seed": 1, **QUICK, **change}
        assert largest(base, pipeline.generate(settings.pop("prompt"), **settings)) > 0, change


def test_guidance_of_one_does_not_ask_for_the_negative_prompt(pipeline):
    plain, negative = (
        pipeline.generate("a fox", seed=1, num_inference_steps=2, guidance_scale=1.0, negative_prompt=words)
        for words in ("", "a cat")
    )
    assert np.array_equal(plain.frames, negative.frames)


def test_known_frames_come_back_as_the_autoencoder_has_them(pipeline):
    picture, end = video(1), video(1, 1)
    canvas = tasks.keyframes(pipeline.room(num_frames=9), "a fox", {0: picture, 8: end})
    latents = pipeline.sample([canvas], [0], pipeline.request(**QUICK))
    assert torch.equal(latents[:, :, :1], pipeline.encode(picture.pixels()))
    assert torch.equal(latents[:, :, 2:], canvas.known[:, :, 2:])
    made = pipeline.run(canvas, seed=0, **QUICK)
    alone = Video.from_pixels(pipeline.decode(pipeline.encode(picture.pixels()))[0], 8.0)
    assert np.abs(made.frames[:1].astype(int) - alone.frames).max() <= 1


def test_what_is_known_changes_what_is_made(pipeline):
    room = pipeline.room(num_frames=9)
    first, second = (
        pipeline.sample([tasks.keyframes(room, "a fox", {0: video(1, seed)})], [0], pipeline.request(**QUICK))
        for seed in (0, 1)
    )
    assert (first[:, :, 1:] - second[:, :, 1:]).abs().max() > 0.05


def test_known_and_free_canvases_share_a_batch(pipeline):
    room = pipeline.room(num_frames=9)
    canvases = [tasks.text_to_video(room, "a fox"), tasks.keyframes(room, "a fox", {0: video(1)})]
    together = pipeline.sample(canvases, [5, 6], pipeline.request(**QUICK))
    alone = pipeline.sample(canvases[:1], [5], pipeline.request(**QUICK))
    torch.testing.assert_close(together[:1], alone, atol=0.05, rtol=0)


def test_strength_says_how_much_is_kept(pipeline):
    room = pipeline.room()
    latents = pipeline.encode(video().pixels())
    distances = []
    for strength in (0.01, 0.4, 1.0):
        made = pipeline.sample([tasks.restyle(room, "a", video(), strength)], [0], pipeline.request(**QUICK))
        distances.append((made - latents).std().item())
    assert distances == sorted(distances) and distances[0] < 0.1
    free = pipeline.sample([tasks.text_to_video(room, "a")], [0], pipeline.request(**QUICK))
    assert torch.equal(made, free)


def test_the_source_and_its_guidance_count(pipeline):
    canvas = tasks.instruct(pipeline.room(), "make it snow", video())
    base = pipeline.run(canvas, seed=0, source_guidance_scale=1.5, **QUICK)
    other = tasks.instruct(pipeline.room(), "make it snow", video(seed=1))
    assert largest(base, pipeline.run(other, seed=0, source_guidance_scale=1.5, **QUICK)) > 0
    assert largest(base, pipeline.run(canvas, seed=0, source_guidance_scale=3.0, **QUICK)) > 0


def test_each_guidance_pulls_at_its_own_condition(pipeline):
    room, other_words = pipeline.room(), "a red ball"
    canvas = tasks.instruct(room, "make it snow", video())
    words, source = tasks.instruct(room, other_words, video()), tasks.instruct(room, "make it snow", video(seed=1))

    def run(canvas, text_scale, source_scale):
        request = pipeline.request(2, text_scale, source_guidance_scale=source_scale)
        return pipeline.sample([canvas], [0], request)

    assert torch.equal(run(canvas, 0.0, 1.0), run(words, 0.0, 1.0))
    assert not torch.equal(run(canvas, 0.0, 1.0), run(source, 0.0, 1.0))
    assert torch.equal(run(canvas, 0.0, 0.0), run(source, 0.0, 0.0))
    assert not torch.equal(run(canvas, 1.0, 1.0), run(words, 1.0, 1.0))


def test_the_network_is_told_what_the_canvas_says(pipeline):
    told = []
    record = lambda _, args, named: told.append((args, named))  # noqa: E731
    hook = pipeline.transformer.register_forward_pre_hook(record, with_kwargs=True)
    canvas = tasks.keyframes(pipeline.room(num_frames=9, fps=12), "a fox", {0: video(1)})
    canvas = replace(canvas, context_sigma=0.2, prompts=(PromptSpan("a fox", 0, 1), PromptSpan("a dog", 1)))
    pipeline.sample([canvas], [0], pipeline.request(2, 3.0))
    hook.remove()
    assert len(told) == 2
    (noisy, sigma, embeds, mask), named = told[0]
    assert len(noisy) == len(sigma) == len(embeds) == len(mask) == 2 and sigma.tolist() == [1.0, 1.0]
    assert named["context_sigma"].tolist() == pytest.approx([0.2, 0.2])
    assert named["scalars"][:, 0].tolist() == [0.5, 0.5] and named["scalars"][:, 1:].isnan().all()
    assert torch.equal(named["known"], canvas.mask.repeat(2, 1, 1, 1, 1))
    assert named["attention_mask"].shape == (2, 12, 6 + 12) and not named["attention_mask"][0].all()
    assert named["source"] is None
    noise = torch.randn(8, 3, 4, 4, generator=generator_for(0, "noise"))
    torch.testing.assert_close(noisy[0, :, 0], 0.8 * canvas.known[0, :, 0] + 0.2 * noise[:, 0])
    assert torch.equal(noisy[0, :, 1:], noise[:, 1:])


def test_spans_are_seen_by_their_own_frames_only(pipeline):
    encode = pipeline.text_encoder.encode
    words = encode_prompts(encode, [[PromptSpan("a", 0, 2), PromptSpan("b c", 2)], [PromptSpan("d")]], 3)
    assert words.mask.sum(1).tolist() == [5, 2] and words.spanned
    seen, among = span_masks(words, frames=3, cells=2)
    assert seen.shape == (2, 6, 11) and among.shape == (2, 5, 5)
    assert seen[0, :4, :5].tolist() == [[True, True, False, False, False]] * 4
    assert seen[0, 4:, :5].tolist() == [[False, False, True, True, True]] * 2
    assert among[0, 0].tolist() == [True, True, False, False, False]
    assert seen[1, :, :2].all() and seen[:, :, 5:].all()


def test_a_span_over_everything_is_the_plain_prompt(pipeline):
    room = pipeline.room(num_frames=9)
    plain = tasks.text_to_video(room, "a fox runs")
    whole = replace(plain, prompts=(PromptSpan("a fox runs", 0, 3),))
    split = replace(plain, prompts=(PromptSpan("a fox runs", 0, 1), PromptSpan("a dog", 1, None)))
    plain, whole, split = (pipeline.sample([c], [0], pipeline.request(**QUICK)) for c in (plain, whole, split))
    torch.testing.assert_close(plain, whole)
    assert (plain - split).abs().max() > 0.05


@pytest.mark.parametrize(("fast", "most"), [(False, 1e-5), (True, 0.02)])
def test_decoding_in_chunks_is_decoding_the_whole(pipeline, monkeypatch, fast, most):
    if not fast:  # a processor that knows bf16 decodes in it
        monkeypatch.setattr("skyloom.pipelines.precision.fast_matmul", lambda device: nullcontext())
    latents = torch.randn(1, 8, 9, 4, 4, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        whole = pipeline.autoencoder.decode(latents)
    assert (pipeline.decode(latents) - whole).abs().max() < most * whole.abs().max()


class Listening(ToyTextEncoder):
    """Notes what it is asked."""

    def __init__(self):
        self.asked = []

    def encode(self, prompts, *, max_length=64):
        self.asked.append(tuple(prompts))
        return super().encode(prompts, max_length=max_length)


def test_a_prompt_is_encoded_once_and_another_encoder_is_asked_anew():
    pipeline = toy_pipeline()
    pipeline.text_encoder = first = Listening()
    videos = [pipeline.generate("a fox", seed=0, **QUICK) for _ in range(2)]
    assert (videos[0].frames == videos[1].frames).all()
    assert len(first.asked) == len(set(first.asked)) > 0
    pipeline.text_encoder = second = Listening()
    pipeline.generate("a fox", seed=0, **QUICK)
    assert second.asked == first.asked


def test_progress_is_told_and_may_cancel(pipeline):
    seen = []
    pipeline.generate("a fox", seed=0, on_step=lambda *step: seen.append(step), **QUICK)
    assert [(done, total) for done, total, _ in seen] == [(1, 3), (2, 3), (3, 3)]
    assert seen[0][2].shape == (1, 8, 2, 4, 4)

    def cancel(done, total, denoised):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pipeline.generate("a fox", seed=0, on_step=cancel, **QUICK)


def test_unknown_words_are_named(pipeline):
    with pytest.warns(PromptWarning, match="may miss them: xylograph"):
        pipeline.generate("a fox and a xylograph", seed=0, **QUICK)
    with pytest.warns(PromptWarning, match="longer than this checkpoint reads"):
        pipeline.generate("a fox " * 30, seed=0, **QUICK)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pipeline.generate("a fox", seed=0, **QUICK)


def test_answers_that_are_no_video_are_errors():
    pipeline = toy_pipeline()
    with torch.no_grad():
        pipeline.transformer.out.weight.fill_(float("nan"))
    with pytest.raises(GenerationError, match="not finite"):
        pipeline.generate("a fox", seed=0, **QUICK)
    grey = torch.zeros(1, 3, 5, 8, 8)
    with pytest.raises(GenerationError, match="blank"):
        check_pixels(grey)
    with pytest.raises(GenerationError, match="blank"):
        check_pixels(grey + 5)
    grey[0, 1, 4, 2, 2] = 3 / 127.5
    assert check_pixels(grey) is grey


def test_a_checkpoint_makes_the_same_video(pipeline, tmp_path):
    states = pipeline.autoencoder.state_dict(), pipeline.transformer.state_dict()
    folder = save_checkpoint(tmp_path / "toy", TINY, *states, "", "fp32", autoencoder_dtype="fp32")
    loaded = from_checkpoint(load_checkpoint(folder), pipeline.text_encoder)
    before, after = (each.generate("a fox", seed=4, **QUICK) for each in (pipeline, loaded))
    assert np.array_equal(before.frames, after.frames)
    assert after.metadata["checkpoint_sha256"] == load_checkpoint(folder).sha256


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_frames": 18}, "num_frames must be 1 \\+ a multiple of 4, got 18; nearest: 17"),
        ({"num_frames": 0}, "num_frames must be"),
        ({"height": 40}, "height must be a multiple of 16, got 40"),
        ({"width": -16}, "width must be"),
        ({"seconds": 0}, "seconds must be above 0"),
        ({"seconds": 2, "num_frames": 5}, "seconds must be left out"),
        ({"fps": 0}, "fps must be above 0"),
        ({"seed": -1}, "seed must be between"),
        ({"num_inference_steps": 0}, "num_inference_steps must be at least 1"),
        ({"num_inference_steps": 10_000}, "num_inference_steps must be at most 1000"),
        ({"guidance_scale": -1.0}, "guidance_scale must be at least 0"),
        ({"style": "oil"}, "style must be one of"),
    ],
)
def test_bad_settings_are_refused(pipeline, settings, message):
    with pytest.raises(InvalidArgument, match=message):
        pipeline.generate("a fox", **{"seed": 0, **QUICK, **settings})


def test_a_picture_has_no_length(pipeline):
    with pytest.raises(InvalidArgument, match="a picture has one frame"):
        pipeline.image("a fox", seconds=2)
    with pytest.raises(InvalidArgument, match="prompt must hold at least one word"):
        pipeline.generate("  ")
