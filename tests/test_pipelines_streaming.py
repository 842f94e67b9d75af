"""Streams: the same as without a cache, frames as soon as they are made, no more memory for more of them."""

from dataclasses import replace
from itertools import islice, pairwise

import pytest
import torch

from pipeline_parts import ToyTextEncoder, randomised, toy_networks, toy_pipeline
from skyloom.config import SCALARS
from skyloom.diffusion.guidance import classifier_free, guided
from skyloom.diffusion.sampler import sample
from skyloom.diffusion.schedule import shifted_schedule
from skyloom.errors import CheckpointError
from skyloom.models.cache import Cache
from skyloom.models.causal import causal_velocity
from skyloom.models.transformer import Transformer
from skyloom.pipelines.checkpoint import SamplingConfig, load_checkpoint, save_checkpoint
from skyloom.pipelines.loading import from_checkpoint
from skyloom.pipelines.pipeline import Pipeline
from skyloom.pipelines.plan_ahead import planned_on, plans
from skyloom.pipelines.rolling import roll
from skyloom.pipelines.tasks import text_to_video
from skyloom.presets import TINY
from skyloom.shapes import LatentSize

QUICK = {"num_inference_steps": 2, "guidance_scale": 2.0, "seed": 3}


def transformer_of(config, seed):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return randomised(Transformer(config), seed)


@pytest.fixture(scope="module")
def pipeline():
    autoencoder, transformer = toy_networks()
    return Pipeline(
        autoencoder, transformer, ToyTextEncoder(), TINY, "toy", planner=transformer_of(TINY.planner, 3),
        causal=lambda: transformer_of(TINY.transformer, 5),
    )  # fmt: skip


def test_rolling_is_what_sampling_each_frame_over_its_whole_past_would_be(monkeypatch):
    """In fp32, with guidance and its interval: cached keys give the frames that all of history, run again, gives."""
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: False)
    monkeypatch.setattr("torch.cpu._is_amx_tile_supported", lambda: False)
    network, g, frames, span = transformer_of(TINY.transformer, 5), torch.Generator().manual_seed(0), 5, 3
    embeds, mask = torch.randn(2, 4, 768, generator=g), torch.ones(2, 4, dtype=torch.bool)
    scalars = torch.full((2, len(SCALARS)), float("nan"))
    noises, boxes = torch.randn(frames, 1, 8, 1, 4, 4, generator=g), torch.rand(1, 2, frames, 4, 4, generator=g)
    sampling = SamplingConfig(num_inference_steps=3, guidance_low=0.5, shift=2.0)
    cache = Cache(network, LatentSize(1, 4, 4), embeds, mask, span=span, scalars=scalars)
    rolled = torch.cat(list(roll(cache, [3.0, -2.0], sampling, noises, boxes.split(1, dim=2))), dim=2)

    made = torch.zeros(1, 8, frames, 4, 4)
    for frame in range(frames):

        def velocity_of(noisy, sigma, rows, frame=frame):
            whole = torch.zeros(len(rows), 8, frames, 4, 4)
            whole[:, :, frame : frame + 1] = noisy
            history, told = made.expand(len(rows), -1, -1, -1, -1), boxes.expand(len(rows), -1, -1, -1, -1)
            found = causal_velocity(network, whole, sigma, history, embeds[rows], mask[rows], span=span, boxes=told)
            return found[:, :, frame : frame + 1]

        velocity_fn = guided(velocity_of, classifier_free(0, 1, 3.0), interval=(0.5, 1.0))
        made[:, :, frame : frame + 1] = sample(velocity_fn, noises[frame], shifted_schedule(3, 2.0))
    torch.testing.assert_close(rolled, made, rtol=1e-4, atol=1e-4)


def test_the_first_frame_leaves_before_the_second_is_begun(pipeline):
    told = []
    film = pipeline.stream("a fox", num_frames=17, on_step=lambda done, total, _: told.append((done, total)), **QUICK)
    assert told == []
    chunks = iter(film.chunks)
    assert next(chunks).shape == (1, 32, 32, 3) and told == [(1, 10), (2, 10)]
    assert next(chunks).shape == (4, 32, 32, 3) and told[-1] == (4, 10)
    assert [len(chunk) for chunk in chunks] == [4, 4, 4] and film.size.num_frames == 17
    assert film.metadata["stream"] and film.metadata["seed"] == 3


def test_a_short_stream_is_the_beginning_of_a_long_one(pipeline):
    short, long = (pipeline.stream("a fox", num_frames=n, **QUICK).video() for n in (5, 25))
    assert (short.frames == long.frames[:5]).all() and len(long.frames) == 25
    other = pipeline.stream("a fox", num_frames=5, **{**QUICK, "seed": 4}).video()
    assert (short.frames != other.frames).any()


def test_the_stream_decodes_as_the_whole_would(pipeline):
    from skyloom.pipelines.engine import prepare
    from skyloom.pipelines.film import frames_of
    from skyloom.pipelines.streaming import latents_of

    job = prepare(pipeline, "a fox", QUICK, num_frames=13)
    latents = torch.cat(list(islice(latents_of(pipeline, pipeline.causal, job), 4)), dim=2)
    video = pipeline.stream("a fox", num_frames=13, **QUICK).video()
    assert abs(frames_of(pipeline.decode(latents)).astype(int) - video.frames.astype(int)).max() <= 1


def test_plans_paths_and_guidance_are_heard(pipeline):
    plain = pipeline.stream("a fox", num_frames=9, **QUICK).video().frames
    for change in (
        {"plan": False}, {"paths": [[(0.0, 0.2, 0.5), (1.0, 0.8, 0.5)]]}, {"guidance_scale": 1.0}, {"pan": 1.0},
    ):  # fmt: skip
        assert (pipeline.stream("a fox", num_frames=9, **{**QUICK, **change}).video().frames != plain).any(), change


def test_plans_go_on_where_they_ended(pipeline):
    planner = replace(pipeline.planner, latent_frames=5)
    canvas = text_to_video(pipeline.room(num_frames=17, width=64), "a fox")
    boxes = list(islice(plans(planner, ToyTextEncoder().encode, canvas, iter(range(9)), 2), 3))
    for before, after in pairwise(boxes):
        assert after.shape == (1, 2, 17, 4)
        torch.testing.assert_close(after[:, :, 1:5], before[:, :, 13:], equal_nan=True, atol=1e-5, rtol=0)
        assert torch.equal(after.isnan().all(2), before.isnan().all(2))
    there = torch.full((1, 2, 5, 4), 0.25)
    there[:, 1] = float("nan")
    gone_on = planned_on(planner, ToyTextEncoder().encode, canvas, there, 1)
    assert not gone_on[:, 0].isnan().any() and gone_on[:, 1].isnan().all()


def test_a_checkpoint_without_the_part_says_so(pipeline):
    with pytest.raises(CheckpointError, match="so it cannot stream"):
        toy_pipeline().stream("a fox")


def test_the_part_travels_in_the_checkpoint(tmp_path):
    autoencoder, transformer = toy_networks()
    states = autoencoder.state_dict(), transformer.state_dict()
    extra = transformer_of(TINY.transformer, 5).state_dict()
    save_checkpoint(tmp_path / "toy", TINY, *states, "", "fp32", extras={"causal": extra})
    loaded = from_checkpoint(load_checkpoint(tmp_path / "toy"), ToyTextEncoder())
    assert torch.equal(loaded.causal.out.weight, extra["out.weight"])
    assert len(loaded.stream("a fox", num_frames=5, **QUICK).video().frames) == 5
