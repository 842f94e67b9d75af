"""Few steps: when the network that jumps is asked, and what."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from pipeline_parts import ToyTextEncoder, randomised, toy_networks
from skyloom.models.transformer import Transformer
from skyloom.pipelines import tasks
from skyloom.pipelines.checkpoint import SamplingConfig, load_checkpoint, save_checkpoint
from skyloom.pipelines.loading import from_checkpoint
from skyloom.pipelines.pipeline import Pipeline
from skyloom.presets import TINY
from skyloom.video import Video

SAMPLING = SamplingConfig(num_inference_steps=20, guidance_scale=3.0, method="heun")


def jumper():
    with torch.random.fork_rng():
        torch.manual_seed(4)
        return randomised(Transformer(TINY.few_step), 4)


class Asked:
    """Keeps what a network is asked."""

    def __init__(self, network):
        self.calls = []
        network.register_forward_pre_hook(self._keep, with_kwargs=True)

    def _keep(self, network, given, named):
        target = named.get("target_sigma")
        self.calls.append((given[0], float(given[1][0]), None if target is None else float(target[0])))

    def levels(self):
        return [(sigma, target) for _, sigma, target in self.calls]


@pytest.fixture
def asked():
    """A pipeline, and what its two networks are asked."""
    autoencoder, transformer = toy_networks()
    jumps = jumper()
    pipeline = Pipeline(
        autoencoder, transformer, ToyTextEncoder(), TINY, "toy", sampling=SAMPLING, few_step=lambda: jumps
    )
    return pipeline, Asked(transformer), Asked(jumps)


def video(frames=5):
    pixels = np.random.default_rng(0).integers(0, 255, (frames, 32, 32, 3), dtype=np.uint8)
    return Video(pixels, 8.0)


@pytest.mark.parametrize("steps", [1, 2, 4, 8])
def test_few_steps_are_as_many_jumps_without_guidance(asked, steps):
    pipeline, walks, jumps = asked
    made = pipeline.sample([tasks.text_to_video(pipeline.room(), "a fox")], [3], pipeline.request(steps))
    grid = [1 - n / steps for n in range(steps + 1)]
    assert jumps.levels() == list(pairwise(grid)) and not walks.calls
    assert all(len(noisy) == 1 for noisy, *_ in jumps.calls), "no branch without words"
    again = pipeline.sample([tasks.text_to_video(pipeline.room(), "a dog")], [3], pipeline.request(steps))
    assert not torch.allclose(made, again)


@pytest.mark.parametrize(
    ("settings", "few"),
    [
        ({}, False),
        ({"num_inference_steps": 8}, True),
        ({"num_inference_steps": 9}, False),
        ({"num_inference_steps": 4, "guidance_scale": 3.0}, False),
        ({"num_inference_steps": 4, "negative_prompt": "rain"}, False),
        ({"num_inference_steps": 4, "source_guidance_scale": 1.5}, False),
    ],
)
def test_a_guidance_that_is_not_fused_in_asks_the_many_step_network(asked, settings, few):
    pipeline, walks, jumps = asked
    canvas = tasks.text_to_video(pipeline.room(), "a fox")
    made = pipeline.run(canvas, seed=0, **settings)
    assert bool(jumps.calls) is few and bool(walks.calls) is not few
    assert made.metadata["network"] == ("few_step" if few else "transformer")
    assert made.metadata["guidance_scale"] == 3.0 and made.metadata["method"] == ("euler" if few else "heun")


def test_a_checkpoint_whose_default_is_few_steps_jumps_unasked(asked):
    pipeline, walks, jumps = asked
    pipeline.sampling = replace(SAMPLING, num_inference_steps=4)
    pipeline.run(tasks.text_to_video(pipeline.room(), "a fox"), seed=0)
    assert len(jumps.calls) == 4 and not walks.calls


def test_without_a_network_that_jumps_all_is_as_before():
    pipeline = Pipeline(*toy_networks(), ToyTextEncoder(), TINY, "toy", sampling=SAMPLING)
    assert pipeline.few_step is None and not pipeline.request(4).few_step


def test_tasks_jump_too(asked):
    pipeline, walks, jumps = asked
    room, request = pipeline.room(), pipeline.request(2)
    pinned = tasks.keyframes(room, "a fox", {0: video(1)})
    latents = pipeline.sample([pinned], [0], request)
    assert torch.equal(latents[:, :, :1], pinned.known[:, :, :1])
    begun = tasks.restyle(room, "a fox", video(), 0.6)
    pipeline.sample([begun], [0], request)
    levels = torch.tensor(jumps.levels())
    torch.testing.assert_close(levels, torch.tensor([(1.0, 0.5), (0.5, 0.0), (0.6, 0.3), (0.3, 0.0)]))
    assert not walks.calls


def test_the_network_comes_from_the_checkpoint_when_it_is_first_asked(tmp_path):
    autoencoder, transformer = toy_networks()
    states = autoencoder.state_dict(), transformer.state_dict()
    few = {"few_step": jumper().state_dict()}
    plain = save_checkpoint(tmp_path / "plain", TINY, *states, "", "int8", sampling=SAMPLING)
    folder = save_checkpoint(tmp_path / "few", TINY, *states, "", "int8", sampling=SAMPLING, extras=few)
    assert load_checkpoint(plain).sha256 != load_checkpoint(folder).sha256
    assert from_checkpoint(load_checkpoint(plain), ToyTextEncoder()).few_step is None
    pipeline = from_checkpoint(load_checkpoint(folder), ToyTextEncoder())
    assert "few_step" not in vars(pipeline)
    request = pipeline.request(4)
    canvas = tasks.text_to_video(pipeline.room(), "a fox")
    made = pipeline.sample([canvas], [0], request)
    exact = Pipeline(*toy_networks(), ToyTextEncoder(), TINY, "toy", sampling=SAMPLING, few_step=jumper)
    assert not torch.equal(made, exact.sample([canvas], [0], request))
    torch.testing.assert_close(made, exact.sample([canvas], [0], request), atol=0.3, rtol=0)
