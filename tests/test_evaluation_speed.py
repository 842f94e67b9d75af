"""Bookkeeping of the stopwatch: what it counts is known on paper."""

from __future__ import annotations

import json
import sys

import pytest
import torch

from pipeline_parts import toy_pipeline
from skyloom.cli.bench import parse_wanted
from skyloom.errors import InvalidArgument
from skyloom.evaluation import bench, speed
from skyloom.evaluation.speed import STAGES, Stopwatch, Wanted, denoise_flops, integrating, percentiles
from skyloom.pipelines.tasks import text_to_video
from skyloom.presets import TINY


@pytest.mark.parametrize(
    ("values", "p50", "p95"),
    [([3.0], 3.0, 3.0), ([2.0, 1.0], 1.5, 2.0), (list(range(101)), 50, 95), ([5.0, 1.0, 3.0, 2.0, 4.0], 3.0, 5.0)],
)
def test_percentiles_against_paper(values, p50, p95):
    assert percentiles(values) == {"p50": p50, "p95": p95}


def test_a_stage_is_as_long_as_the_clock_says(monkeypatch):
    clock = iter([10.0, 12.5, 20.0, 20.5])
    monkeypatch.setattr(speed.time, "perf_counter", lambda: next(clock))
    watch = Stopwatch()
    for name in ("text", "text"):
        with watch.stage(name):
            pass
    assert watch.seconds == {"text": [2.5, 0.5]}


def test_the_rate_of_a_core_is_that_of_the_clock_by_the_share_of_time_it_had(monkeypatch):
    monkeypatch.setattr(speed, "matmul_rate", lambda dtype, seconds: 100.0)
    monkeypatch.setattr(speed.time, "perf_counter", iter([0.0, 6.0]).__next__)
    monkeypatch.setattr(speed.time, "process_time", iter([1.0, 3.0]).__next__)
    assert speed.matmul_rates(torch.float32) == (100.0, pytest.approx(300.0))  # a third of the clock was ours


def by_hand(words: int, cells: int) -> tuple[int, int]:
    """FLOP of the tiny network by hand, 2 * rows * in * out a product: of its words, and of the rest of a call."""
    config = TINY.transformer
    d, patch = config.hidden_size, config.latent_channels * config.patch_size**2
    mlp, refine = max(8, round(d * config.mlp_ratio / 32) * 32), max(8, round(d * 2 / 32) * 32)
    told = config.patch_size**2 * (2 * config.latent_channels + 2 + config.box_slots) + 3 * 16
    layer = words * (3 * d * d + d * d + 3 * d * refine) + 2 * words * words * d
    text = words * config.text_dim * d + config.text_layers * layer
    levels = 256 * d + 5 * 17 * d + d * d + d * 6 * d
    block = cells * (3 * d * d + d * d + 3 * d * mlp) + words * 2 * d * d + 2 * cells * (words + cells) * d
    return 2 * text, 2 * (levels + cells * told * d + config.num_layers * block + cells * d * patch)


@pytest.mark.parametrize(("steps", "guidance", "branches"), [(1, 1.0, 1), (3, 1.0, 1), (3, 4.0, 2)])
def test_flop_are_those_of_a_hand_count_and_words_are_read_once(steps, guidance, branches):
    pipeline = toy_pipeline()
    canvas = text_to_video(pipeline.room(num_frames=1 if branches == 2 else None), "a red ball")
    grid = canvas.size
    cells = grid.latent_frames * grid.latent_height * grid.latent_width // TINY.transformer.patch_size**2
    words, call = by_hand(4, cells)
    assert denoise_flops(pipeline, canvas, pipeline.request(steps, guidance)) == branches * (words + steps * call)


def test_the_sampler_is_put_back_even_after_an_error():
    pipeline = toy_pipeline()
    plain, watch = pipeline.integrate, Stopwatch()
    with pytest.raises(ZeroDivisionError), integrating(pipeline, lambda: watch.stage("denoise")):
        assert pipeline.integrate is not plain
        raise ZeroDivisionError
    assert pipeline.integrate is plain


def test_a_measurement_holds_every_stage_and_its_sums():
    pipeline = toy_pipeline()
    pipeline.reworded = lambda prompt: prompt
    steps = []
    found = speed.measure(pipeline, Wanted(5, 32, 32, 2, 1.0), 2, 3, steps.append)
    assert sum(steps) == 2 and found["size"] == [5, 32, 32]
    assert set(found["stages"]) == set(STAGES) and all(len(found["seconds"][name]) == 2 for name in STAGES)
    whole, denoise = found["stages"]["whole"]["p50"], found["stages"]["denoise"]["p50"]
    assert found["video_seconds_per_second"] == pytest.approx(5 / found["fps"] / whole)
    rates, used = sorted(found["matmul_gflops"]), found["stages"]["denoise"]["processor"]
    by_core = found["denoise_gflop"] / used / found["matmul_gflops_core"]
    assert found["denoise_share_processor"] == pytest.approx(by_core)
    assert found["denoise_share"] == pytest.approx(found["denoise_gflop"] / denoise / rates[len(rates) // 2])
    assert found["stages"]["first frame"]["p50"] <= whole
    assert json.loads(json.dumps(found)) == found


def test_sizes_are_width_height_frames():
    assert parse_wanted("128x96x33", 4, 1.0) == Wanted(33, 96, 128, 4, 1.0)
    assert parse_wanted("", None, None) == Wanted()
    with pytest.raises(InvalidArgument, match="size must be WIDTHxHEIGHTxFRAMES, got '128x96'; nearest: 128x128x33"):
        parse_wanted("128x96", None, None)


def test_the_command_says_only_what_was_asked(tmp_path):
    plan = bench.Plan((), 1, seed=5)
    words = bench.command_of(Wanted(33, 96, 128, 4, 1.0), plan, tmp_path / "x.mp4")
    expected = ["--size", "128x96", "--frames", "33", "--steps", "4", "--guidance", "1.0", "--seed", "5", "--output"]
    assert words == [sys.executable, "-m", "skyloom", "generate", speed.PROMPT, *expected, str(tmp_path / "x.mp4")]
    assert bench.command_of(Wanted(), plan, tmp_path)[5:] == ["--seed", "5", "--output", str(tmp_path)]


def test_tables_and_file_hold_what_was_found(tmp_path, monkeypatch):
    pipeline = toy_pipeline()
    pipeline.reworded = lambda prompt: prompt
    monkeypatch.setattr(bench, "load", lambda checkpoint: pipeline)
    cost = {"seconds": 3.0, "megabytes": 400.0, "processor": 5.0}
    monkeypatch.setattr(bench, "time_command", lambda wanted, plan: cost)
    found = bench.run(bench.Plan((Wanted(1, 32, 32, 1, 1.0),), 1), lambda steps: None)
    bench.save(found, tmp_path / "deep" / "bench.json")
    read = json.loads((tmp_path / "deep" / "bench.json").read_text())
    assert read == found and list((tmp_path / "deep").iterdir()) == [tmp_path / "deep" / "bench.json"]
    assert {"processor", "commit", "threads", "load_average", "cores_allowed"} <= set(read["machine"])
    tables = bench.tables_of(found)
    assert [row[0] for row in tables[0].rows] == ["load", *STAGES]
    assert tables[1].rows == [["3.00", "5.00", "400.00"]] and "32 x 32, 1 frames" in tables[1].title
    assert f"{found['sizes'][0]['denoise_share']:.0%}" in tables[0].note


def test_a_size_that_cannot_be_made_is_refused_first(monkeypatch):
    monkeypatch.setattr(bench, "load", lambda checkpoint: toy_pipeline())
    monkeypatch.setattr(speed, "measure", lambda *given: pytest.fail("timed"))
    with pytest.raises(InvalidArgument, match="num_frames"):
        bench.run(bench.Plan((Wanted(18, 32, 32),), 1), lambda steps: None)


def test_types_are_what_the_pipeline_computes_in():
    assert speed.fast_type() in (torch.bfloat16, torch.float32)
