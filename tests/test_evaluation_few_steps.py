"""The few steps suite: columns, what four jumps lose, going on after a stop."""

import pytest
import torch

from pipeline_parts import ToyTextEncoder, randomised, toy_networks
from skyloom.evaluation import few_steps_suite
from skyloom.evaluation.few_steps_suite import COMPARED, REFERENCE, difference, tables_of, ways_of
from skyloom.evaluation.oracle import ActorReading, Reading
from skyloom.evaluation.prompts_suite import PromptsPlan
from skyloom.evaluation.samples import SampleLog
from skyloom.models.transformer import Transformer
from skyloom.pipelines.checkpoint import SamplingConfig
from skyloom.pipelines.pipeline import Pipeline
from skyloom.presets import TINY

PLAN = PromptsPlan(TINY.world, TINY.clip, count=3, batch_size=2)


class OneEye:
    """A judge that counts by brightness."""

    def read(self, pixels):
        fox = ActorReading("fox", "walk", "left", 1.0)
        bright = (pixels.mean((1, 2, 3, 4)) > 0).tolist()
        return [Reading(2 if b else 1, (fox,), "beach", "clear", "still", "3d render", True) for b in bright]


def grey(shade, asked=None):
    def generate(prompts, seeds):
        if asked is not None:
            asked.extend(prompts)
        return torch.full((len(prompts), 3, 5, 8, 8), shade)

    return generate


def test_every_prompt_is_made_in_every_way_and_a_stop_costs_nothing(tmp_path):
    asked = []
    ways = {COMPARED: grey(1.0, asked), REFERENCE: grey(-1.0)}
    done = []
    log = SampleLog(tmp_path / "log.jsonl", {"seed": 0})
    samples = few_steps_suite.run(PLAN, OneEye(), ways, log, done.append)
    assert len(samples) == len(asked) == sum(done) == 3 * len(few_steps_suite.SUITE_GROUPS)
    again = few_steps_suite.run(PLAN, OneEye(), ways, SampleLog(tmp_path / "log.jsonl", {"seed": 0}), done.append)
    assert again == samples and len(asked) == len(samples)
    one = [s for s in samples if s["group"] == "seen"]
    assert all(s["readings"][COMPARED]["count"] == 2 and s["readings"][REFERENCE]["count"] == 1 for s in one)
    found = difference(one, "count", 0)
    assert (found.mean, found.low, found.high, found.samples) == (-1.0, -1.0, -1.0, 3)
    assert difference(one, "place", 0).mean == 0.0 and difference([], "place", 0) is None
    tables, numbers = tables_of(samples, 0)
    assert tables[0].header == ["slot", COMPARED, REFERENCE, f"{COMPARED} - {REFERENCE}"]
    assert numbers["seen"]["scores"][REFERENCE]["count"] == 1.0 and numbers["seen"]["lost"]["count"] == -1.0
    assert numbers["two"]["lost"]["count"] == 1.0, "two actors were asked for"


@pytest.mark.parametrize("jumps", [True, False])
def test_columns_are_jumps_where_the_checkpoint_can_and_guided_steps(jumps, monkeypatch):
    network = randomised(Transformer(TINY.few_step), 1)
    more = {"few_step": lambda: network} if jumps else {}
    sampling = SamplingConfig(num_inference_steps=20, guidance_scale=3.0)
    pipeline = Pipeline(*toy_networks(), ToyTextEncoder(), TINY, "toy", sampling=sampling, **more)
    requests = []
    monkeypatch.setattr(Pipeline, "reworded", lambda self, prompt: prompt)
    monkeypatch.setattr(Pipeline, "sample", lambda self, c, s, request: requests.append(request) or torch.zeros(1))
    monkeypatch.setattr(Pipeline, "decode", lambda self, latents: torch.zeros(1, 3, 5, 8, 8))
    ways = ways_of(pipeline)
    for generate in ways.values():
        generate(["a fox"], [0])
    asked = [(r.sampling.num_inference_steps, r.few_step, r.sampling.guidance_scale) for r in requests]
    guided = [(steps, False, 3.0) for steps in (4, 8, 40)]
    assert asked == [(steps, True, 3.0) for steps in (1, 2, 4, 8)] * jumps + guided
    assert list(ways) == ["1 jumps", "2 jumps", "4 jumps", "8 jumps"] * jumps + ["4 guided", "8 guided", "40 guided"]
