"""Suites from end to end at toy size: what they ask, what they resume, what they write."""

import json
from dataclasses import replace

import pytest
import torch
import typer
from rich.console import Console
from typer.testing import CliRunner

from skyloom.cli.evaluate import evaluate
from skyloom.errors import CheckpointError, InvalidArgument
from skyloom.evaluation import prompts_suite, suites
from skyloom.evaluation.autoencoder_suite import averaged_down, latent_ratio, moving_foreground
from skyloom.evaluation.failures import FAILURES
from skyloom.evaluation.oracle import NAME, ActorReading, Reading
from skyloom.evaluation.oracle_clips import render_scenes, vocabulary_of
from skyloom.evaluation.samples import SampleLog
from skyloom.evaluation.speed import percentiles
from skyloom.models.autoencoder import Autoencoder
from skyloom.models.transformer import Transformer
from skyloom.models.watcher import Watcher, save_watcher
from skyloom.pipelines.checkpoint import SamplingConfig, save_checkpoint
from skyloom.presets import preset
from skyloom.shapes import VideoSize
from skyloom.training.readers import new_reader
from skyloom.world.facts import describe_all
from skyloom.world.physics import simulate
from skyloom.world.sampling import sample_scenes
from skyloom.world.split import is_heldout

TINY = preset("tiny")
PLAN = prompts_suite.PromptsPlan(TINY.world, TINY.clip, count=3, batch_size=2)


def untrained():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Watcher(vocabulary_of(TINY.world))


class OneEye:
    """A judge that costs nothing: it counts by brightness."""

    def read(self, pixels):
        fox = ActorReading("fox", "walk", "left", 1.0)
        bright = (pixels.mean((1, 2, 3, 4)) > 0).tolist()
        return [Reading(2 if b else 1, (fox,), "beach", "clear", "still", "3d render", True) for b in bright]


def scenes_of(prompts):
    group = prompts_suite.GROUPS[prompts[0].group]
    return sample_scenes(
        prompts_suite.world_of(PLAN, group), torch.tensor([prompt.scene for prompt in prompts]), group.split
    )


def run_prompts(path, generate, plan=PLAN):
    log = SampleLog(path, {"seed": 0})
    counted = []
    samples = prompts_suite.run(plan, OneEye(), generate, lambda pixels: pixels, log, counted.append)
    return samples, sum(counted)


def grey(prompts, seeds):
    return torch.zeros(len(prompts), 3, 5, 32, 32)


def test_groups_ask_what_they_say():
    plan = replace(PLAN, count=12)
    for name, group in prompts_suite.GROUPS.items():
        prompts = prompts_suite.choose_prompts(plan, name)
        scenes = scenes_of(prompts)
        held = is_heldout(scenes.actor[:, 0], scenes.motion[:, 0], scenes.place)
        assert bool(held.all()) if group.split == "heldout" else not bool(held.any())
        for prompt, facts in zip(prompts, describe_all(scenes), strict=True):
            assert facts.count == group.actors == len(prompt.wanted["actors"])
            assert all(actor.speed == "normal" for actor in facts.actors)
            assert any("一" <= letter <= "鿿" for letter in prompt.text) == (group.language == "zh")


def test_other_words_are_about_the_same_scenes():
    seen, free, chinese = (prompts_suite.choose_prompts(PLAN, name) for name in ("seen", "free", "chinese"))
    assert [p.scene for p in seen] == [p.scene for p in free] == [p.scene for p in chinese]
    assert [p.wanted for p in seen] == [p.wanted for p in free] == [p.wanted for p in chinese]
    assert not {p.text for p in seen} & {p.text for p in free}


def test_fewer_prompts_are_the_first_of_more():
    more = prompts_suite.choose_prompts(replace(PLAN, count=9), "two")
    assert more[:3] == prompts_suite.choose_prompts(PLAN, "two")


def test_a_stopped_suite_goes_on_and_ends_the_same(tmp_path):
    whole, _ = run_prompts(tmp_path / "whole.jsonl", grey)
    asked = []

    def stops_after_two(prompts, seeds):
        if len(asked) == 2:
            raise KeyboardInterrupt
        asked.append(prompts)
        return grey(prompts, seeds)

    with pytest.raises(KeyboardInterrupt):
        run_prompts(tmp_path / "cut.jsonl", stops_after_two)
    asked.clear()

    def counts(prompts, seeds):
        asked.extend(prompts)
        return grey(prompts, seeds)

    resumed, steps = run_prompts(tmp_path / "cut.jsonl", counts)
    assert resumed == whole
    assert len(asked) == 15 - 3
    assert steps == 15


def test_a_perfect_generator_reaches_the_floor(tmp_path):
    def perfect(texts, seeds):
        chosen = [p for name in prompts_suite.GROUPS for p in prompts_suite.choose_prompts(PLAN, name)]
        found = [next(p for p in chosen if (p.text, p.seed) == pair) for pair in zip(texts, seeds, strict=True)]
        return render_scenes(scenes_of(found), TINY.clip)

    samples, _ = run_prompts(tmp_path / "suite.jsonl", perfect)
    for group in prompts_suite.GROUPS:
        scores = prompts_suite.scores_of(samples, group)
        assert scores["generated"] == scores["render"] == scores["reconstruction"]
        assert len(scores["another render"]) == 3


def test_averaging_to_all_numbers_loses_nothing():
    pixels = torch.rand(1, 3, 8, 16, 16)
    assert torch.allclose(averaged_down(pixels, pixels[0].numel()), pixels, atol=1e-6)
    coarse = averaged_down(pixels, pixels[0].numel() // 8)
    assert coarse.var() < pixels.var() / 4
    assert coarse.mean().item() == pytest.approx(pixels.mean().item(), abs=0.02)


def test_moving_foreground_is_where_movers_are():
    world = replace(TINY.world, two_actors=0, weather=0, camera=0, style=0)
    for motions, moves in ((("run",), True), (("stand",), False)):
        scenes = sample_scenes(replace(world, motions=motions), torch.arange(6), "train")
        tracks = simulate(scenes, 5, 8.0)
        mask = moving_foreground(scenes, tracks, render_scenes(scenes, TINY.clip))
        assert mask.shape == (6, 1, 5, 32, 32)
        share = mask.mean((1, 2, 3, 4))
        assert ((share > 0.01) & (share < 0.5)).all() if moves else (share == 0).all()


def test_latent_ratio_of_the_tiny_preset():
    ratio = latent_ratio(Autoencoder(TINY.autoencoder), VideoSize(5, 32, 32))
    assert ratio == 3 * 5 * 32 * 32 / (8 * 2 * 4 * 4)


def test_percentiles_of_a_known_list():
    assert percentiles([float(n) for n in range(1, 101)]) == {"p50": 50.5, "p95": 95.0}
    assert percentiles([2.0]) == {"p50": 2.0, "p95": 2.0}


@pytest.fixture
def judged(tmp_path, monkeypatch):
    """A tiny checkpoint and an untrained judge."""
    save_watcher(untrained(), tmp_path / "oracle", NAME)
    monkeypatch.setattr(suites, "SHIPPED", tmp_path / "oracle")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        networks = Autoencoder(TINY.autoencoder), Transformer(TINY.transformer)
    states = [network.state_dict() for network in networks]
    sampling = SamplingConfig(num_inference_steps=1)
    return save_checkpoint(tmp_path / "tiny", TINY, *states, "a test", sampling=sampling)


def test_the_command_grades_a_checkpoint(judged, tmp_path):
    app = typer.Typer()
    app.command()(evaluate)
    words = [
        "prompts",
        "autoencoder",
        "speed",
        "--checkpoint",
        str(judged),
        "--out",
        str(tmp_path / "report"),
        "--quick",
        "--count",
        "1",
    ]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert list(report["numbers"]) == ["prompts", "autoencoder", "speed"]
    assert set(report["numbers"]["prompts"]) == set(prompts_suite.GROUPS)
    assert report["numbers"]["speed"]["stages"]["denoise"]["p50"] > 0
    page = (tmp_path / "report" / "report.md").read_text()
    assert "floor: the real render" in page
    assert len((tmp_path / "report" / "prompts.jsonl").read_text().splitlines()) == 1 + 5


def test_failures_and_captions_are_graded_beside(judged, tmp_path, monkeypatch):
    save_watcher(new_reader("captioner", TINY), tmp_path / "captioner", "captioner")
    monkeypatch.setattr(suites, "CAPTIONER", tmp_path / "captioner")
    request = suites.Request(str(judged), tmp_path / "report", 1, 1, 0)
    report = suites.run_suites(["failures", "captions"], request, Console(quiet=True))
    assert set(report.numbers["failures"]) == set(FAILURES)
    assert set(report.numbers["failures"]["drift"]) == {"generated", "render", "planted"}
    assert report.numbers["captions"]["render"]["coverage place"]["samples"] == 1
    assert "captions" in suites.default_suites()
    monkeypatch.setattr(suites, "CAPTIONER", tmp_path / "nowhere")
    assert "captions" not in suites.default_suites()


def test_wrong_names_and_strange_worlds_are_refused(judged):
    with pytest.raises(InvalidArgument, match=r"nearest: prompts"):
        suites.run_suites(["promts"], suites.Request(None, judged.parent, 1, 1, 0), None)
    with pytest.raises(CheckpointError, match=r"does not know .* actors"):
        suites.judge_of(replace(TINY.world, actors=70))
