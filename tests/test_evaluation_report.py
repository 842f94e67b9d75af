"""Pages, plots, strips, comparisons, power laws."""

import json
import re

import pytest
import torch
from PIL import Image

from skyloom.errors import CheckpointError, InvalidArgument
from skyloom.evaluation.compare import compare
from skyloom.evaluation.figures import figures_of, sample_scores
from skyloom.evaluation.page import dots, page, save_page
from skyloom.evaluation.plots import dot_plot, log_plot, nice_ticks
from skyloom.evaluation.report import Report, Table, score_text
from skyloom.evaluation.scaling import fit_power_law, read_run, same_seeds, scaling
from skyloom.evaluation.scoring import Score
from skyloom.evaluation.strips import keeping, ranked, save_strip, strip

CELL = score_text(Score(0.9, 0.8, 0.95, 20))
TABLE = Table("Prompts <all>", ["slot", "ours", "floor"], [["actor", CELL, ""]], "a & b")


def write_suite(folder, name, samples):
    folder.mkdir(parents=True, exist_ok=True)
    lines = [{"settings": {}}, *samples]
    (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def digits(errors):
    return [{"name": f"clip {n}", "errors": {"checkpoint": float(e)}} for n, e in enumerate(errors)]


def test_the_page_holds_everything_and_asks_for_nothing(tmp_path):
    write_suite(tmp_path, "moving-mnist", digits([3, 1, 2]))
    for n in range(3):
        save_strip(tmp_path, "moving-mnist", f"clip {n}", torch.zeros(2, 3, 9, 8, 8))
    path = save_page(Report({"seed": 0}, [TABLE]), tmp_path)
    text = path.read_text()
    assert "Prompts &lt;all&gt;" in text and "a &amp; b" in text
    assert text.count("data:image/webp;base64,") == 3 and "<svg" in text
    assert not re.search(r"https?://|<script|<link|url\(", text)
    captions = [figure.caption for figure in figures_of(tmp_path)["moving-mnist"]]
    assert ["clip 1" in captions[0], "clip 2" in captions[1], "clip 0" in captions[2]] == [True] * 3


def test_intervals_are_read_off_cells():
    (dot,) = dots(TABLE)["actor"]
    assert (dot.series, dot.mean, dot.low, dot.high) == ("ours", 0.9, 0.8, 0.95)
    assert dot_plot(dots(TABLE)).count("<circle") == 1
    assert dot_plot({}) == ""
    assert "<svg" not in page(Report({}, [Table("t", ["a"], [["1"]])]), {})


def test_ticks_are_round_and_inside():
    assert nice_ticks(0.0, 1.0) == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert nice_ticks(-3.0, 42.0) == [0.0, 10.0, 20.0, 30.0, 40.0]
    assert "<path" in log_plot([(1.0, 2.0), (10.0, 1.0)], [(1.0, 2.0), (10.0, 1.0)], ("a", "b"))


def test_a_strip_shows_clips_below_each_other_first_to_last(tmp_path):
    clips = torch.linspace(-1, 1, 9).view(1, 1, 9, 1, 1).expand(2, 3, 9, 4, 5).clone()
    clips[1] = -clips[1]
    picture = strip(clips, shown=3)
    assert picture.size == (15, 8)
    assert [picture.getpixel((x, 0))[0] for x in (0, 5, 10)] == [0, 128, 255]
    assert [picture.getpixel((x, 4))[0] for x in (0, 10)] == [255, 0]
    save_strip(tmp_path, "s", "a/b c", clips)
    with Image.open(tmp_path / "strips" / "s" / "a-b-c.webp") as kept:
        assert kept.size == (8 * 5, 8)
    assert ranked({"a": 1.0, "b": 3.0, "c": 2.0}, most_is_best=True) == {"best": "b", "median": "c", "worst": "a"}
    assert ranked({}, True) == {}


def test_differences_are_taken_within_samples(tmp_path):
    noise = torch.randn(50, generator=torch.Generator().manual_seed(0)).tolist()
    a = write_suite(tmp_path / "a", "moving-mnist", digits([100 * n for n in noise]))
    b = write_suite(tmp_path / "b", "moving-mnist", digits([100 * n - 1 for n in noise]))
    report = compare(a, b)
    row = report.tables[0].rows[0]
    assert row[3] == "-1" and row[5] == "yes" and row[6] == "50"
    same = compare(a, a).tables[0].rows[0]
    assert same[3] == "+0" and same[5] == ""
    with pytest.raises(InvalidArgument, match="evaluate --out"):
        compare(a, tmp_path)
    with pytest.raises(InvalidArgument, match="moving-mnist"):
        compare(a, write_suite(tmp_path / "c", "prompts", []))


def test_numbers_of_a_sample():
    sample = {"name": "x", "seed": 3, "group": "in", "errors": {"a": {"b": 1, "c": None}, "ok": True}}
    assert sample_scores(sample) == {"errors.a.b": 1.0, "errors.ok": 1.0}


def test_a_power_law_is_found_exactly():
    law = fit_power_law([(10.0 * 4**n, 3.0 * 4 ** (-0.25 * n)) for n in range(3)])
    assert (law.scale, law.exponent, law.worst) == pytest.approx((3.0, 0.25, 0.0))
    assert law.at(10.0 * 4**4) == pytest.approx(0.75)
    with pytest.raises(InvalidArgument, match="different compute"):
        fit_power_law([(1.0, 1.0), (1.0, 2.0)])


def write_run(folder, steps, loss):
    from safetensors.torch import save_file

    training = folder / "transformer"
    training.mkdir(parents=True)
    clip = {"num_frames": 5, "height": 32, "width": 32, "fps": 8.0}
    settings = {
        "training": {"batch_size": 8}, "transformer": {"patch_size": 2},
        "clips": {"clip": clip, "autoencoder": {"temporal_stride": 4, "spatial_stride": 8}},
    }  # fmt: skip
    (training / "run.json").write_text(json.dumps(settings))
    logged = [{"step": s, "loss": loss if s > 0.9 * steps else 9.0} for s in range(steps // 20, steps + 1, steps // 20)]
    (training / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in logged))
    save_file({"w": torch.zeros(10, 10)}, training / "transformer.safetensors")
    return folder


def test_the_same_seeds_of_all_runs_stand_side_by_side(tmp_path):
    runs = [tmp_path / name for name in ("x1", "x4")]
    assert same_seeds(runs, tmp_path / "out") is None
    for level, run in enumerate(runs):
        save_strip(run / "report", "prompts", "7", torch.full((1, 3, 5, 8, 8), 2.0 * level - 1))
    save_strip(runs[0] / "report", "prompts", "8", torch.zeros(1, 3, 5, 8, 8))  # a seed of one run only
    with Image.open(same_seeds(runs, tmp_path / "out")) as sheet:
        assert sheet.size == (2 * 40 + 4, 8)
        assert max(sheet.getpixel((20, 4))) < 8 and min(sheet.getpixel((64, 4))) > 247
    assert list(figures_of(tmp_path / "out")) == ["scaling"]


def test_runs_are_read_and_ordered_by_compute(tmp_path):
    runs = [write_run(tmp_path / f"x{n}", 20 * n, 2.0 * n**-0.5) for n in (4, 1, 32)]
    assert read_run(runs[1]).flops == 6 * 100 * (2 * 2 * 2) * 8 * 20
    report = scaling(runs)
    assert report.numbers["scaling"]["law"]["exponent"] == pytest.approx(0.5)
    assert report.numbers["scaling"]["monotone"] and [row[1] for row in report.tables[0].rows] == ["1x", "4x", "32x"]
    assert report.tables[0].drawing in page(report, {})
    with pytest.raises(CheckpointError, match="not a finished run"):
        read_run(tmp_path)


def test_strips_of_prompts_are_kept_under_their_seeds(tmp_path):
    asked = []

    def generate(prompts, seeds):
        asked.append(prompts)
        return torch.zeros(len(seeds), 3, 5, 8, 8)

    keeping(generate, tmp_path, "prompts")(["a fox", "a dog"], [7, 9])
    fox = [{"name": "fox", "motion": "walk", "direction": None}]
    reading = {"count": 1, "actors": fox, "place": "beach", "in_order": True}
    sample = {"group": "seen", "prompt": "a fox", "seed": 7, "wanted": {"count": 1, "actors": fox, "place": "beach"}}
    other = sample | {"name": "2", "seed": 9, "wanted": {"count": 2, "actors": fox, "place": "sea"}}
    kept = [s | {"readings": {"generated": reading}} for s in (sample | {"name": "1"}, other)]
    write_suite(tmp_path, "prompts", kept)
    best, _, worst = figures_of(tmp_path)["prompts"]
    assert (best.path.stem, worst.path.stem) == ("7", "9") and asked == [["a fox", "a dog"]]
