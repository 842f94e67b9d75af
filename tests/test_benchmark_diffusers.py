"""The comparison with diffusers: arguments, turns, ratios and tables, without diffusers."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from rich.console import Console
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import against_diffusers as bench
import competitors
from competitors import Competitor, Work
from skyloom.errors import InvalidArgument, MissingDependency
from skyloom.shapes import LatentSize

TOY = Work(layers=1, width=16, heads=2, tokens=8, words=3, batch=2)


def result(name: str, seconds: tuple[float, ...], *, flops: int = 100, mode: str = "training") -> bench.Result:
    """A result on a machine of 100 FLOP a second at the median."""
    return bench.Result(name, mode, "fp32", 10, flops, seconds, (50.0, 100.0, 200.0))


def linear_competitor(name: str, calls: list[str]) -> Competitor:
    """A network of one product of 4 x 8 by 8 x 16: 1024 FLOP."""
    network, x = nn.Linear(8, 16), torch.randn(4, 8)

    def forward() -> torch.Tensor:
        calls.append(name)
        return network(x)

    return Competitor(name, network, forward)


@pytest.fixture(autouse=True)
def quick_machine(monkeypatch):
    """Do not spend time on the machine's rate."""
    monkeypatch.setattr(bench, "matmul_rate", lambda device, dtype, seconds: 100.0)


def shown(table: object) -> str:
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(table)
    console.file.close()
    return console.export_text()


@pytest.mark.parametrize(("tokens", "grid"), [(80, (5, 4, 4)), (576, (9, 8, 8)), (4, (1, 2, 2)), (20, (5, 2, 2))])
def test_grid_is_square_and_nearest_to_a_cube(tokens, grid):
    assert Work(tokens=tokens).grid == LatentSize(*grid)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"tokens": 81}, "tokens must be frames * side**2 with side at least 2, got 81; nearest: 80"),
        ({"width": 330}, "width must be a multiple of 8 * heads = 40, got 330; nearest: 320"),
        ({"layers": 0}, "layers must be at least 1, got 0; nearest: 1"),
    ],
)
def test_bad_sizes_name_the_nearest(sizes, message):
    with pytest.raises(InvalidArgument) as raised:
        Work(**sizes)
    assert str(raised.value) == message


def test_command_says_what_is_wrong(capsys):
    assert bench.main(["--tokens", "81"]) == 2
    assert "nearest: 80" in capsys.readouterr().err
    assert bench.main(["--threads", "0"]) == 2
    assert "threads must be at least 1" in capsys.readouterr().err


def test_missing_diffusers_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(MissingDependency, match=r"pip install skyloom\[compare\]"):
        competitors.diffusers()
    assert bench.main(["--layers", "1", "--width", "16", "--heads", "2", "--tokens", "8"]) == 2
    assert "skyloom[compare]" in capsys.readouterr().err


def test_our_network_sees_the_tokens_asked_for():
    ours = competitors.skyloom(TOY)
    seen = []
    ours.network.blocks[0].register_forward_hook(lambda module, given, out: seen.append([*given[:2], out]))
    assert ours.forward().shape == TOY.latents().shape
    lengths = [[tensor.shape for tensor in block] for block in seen]
    assert lengths == [[(TOY.batch, length, TOY.width) for length in (TOY.tokens, TOY.words, TOY.tokens)]]


def test_every_weight_of_ours_takes_part_in_training():
    ours = competitors.skyloom(TOY)
    bench.training_step(ours)
    idle = [name for name, weight in ours.network.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert idle == []


def test_inference_leaves_no_gradients():
    ours = linear_competitor("a", [])
    bench.inference(ours)
    assert all(weight.grad is None for weight in ours.network.parameters())


def test_competitors_take_turns_and_the_first_round_is_not_counted():
    calls: list[str] = []
    rounds: list[int] = []
    three = [linear_competitor(name, calls) for name in "abc"]
    found = bench.measure(three, "inference", "fp32", 2, lambda: rounds.append(1))
    assert "".join(calls) == "abc" * 3 + "abc"  # a warm-up, two counted rounds, then the count of FLOP
    assert len(rounds) == 3
    assert [len(one.seconds) for one in found] == [len(one.rates) for one in found] == [2, 2, 2]
    assert {one.flops for one in found} == {2 * 4 * 8 * 16}
    assert {one.parameters for one in found} == {8 * 16 + 16}


def test_a_training_step_of_one_layer_costs_two_products():
    found = bench.measure([linear_competitor("a", [])], "training", "fp32", 1, lambda: None)
    assert found[0].flops == 2 * (2 * 4 * 8 * 16)  # forward, and the weight's gradient; the input needs none


def test_ratios_are_theirs_over_ours():
    ours, theirs = result("ours", (1.0, 2.0, 4.0)), result("theirs", (3.0, 3.0, 9.0), flops=300)
    expected = {"time": 1.5, "min time": 3.0, "parameters": 1.0, "flop": 3.0, "per flop": 0.5}
    assert bench.ratios(theirs, ours) == pytest.approx(expected)
    assert set(bench.ratios(ours, ours).values()) == {1.0}


def test_share_of_the_matmul_rate():
    ours = result("ours", (1.0, 2.0, 4.0))
    assert ours.share == pytest.approx(100 / 2.0 / 100.0)
    assert ours.best_share == pytest.approx(100 / 1.0 / 200.0)


def test_tables_hold_every_number_uncut_on_a_narrow_screen():
    found = [result("ours", (1.0, 2.0, 4.0)), result("Latte, 28 pairs", (3.0, 3.0, 9.0), flops=300)]
    text = shown(bench.results_table(found))
    row = next(line for line in text.splitlines() if "Latte, 28 pairs" in line)
    assert row.split()[3:] == ["0.00", "0.0", "3000", "3000", "100.0%", "1.50", "3.00", "0.50"]
    assert "training, fp32" in text
    assert "…" not in text


@pytest.mark.parametrize(("seconds", "met"), [(2.0, "yes"), (2.9, "no")])
def test_target_is_judged_by_our_training_step_only(seconds, met):
    found = [result("ours", (0.1,), mode="inference"), result("ours", (seconds,)), result("theirs", (0.1,))]
    rows = [line.split() for line in shown(bench.shares_table(found)).splitlines() if "fp32" in line]
    assert [row[-2] for row in rows] == [met]


def test_report_is_json_with_machine_and_ratios():
    found = [result("ours", (1.0, 2.0, 4.0)), result("theirs", (3.0, 3.0, 9.0), flops=300)]
    read = json.loads(json.dumps(bench.report(found, TOY, 3)))
    assert read["machine"]["torch"].startswith(torch.__version__.split("+")[0])
    assert {"processor", "threads", "commit", "diffusers"} <= set(read["machine"])
    assert read["work"]["grid"] == [2, 2, 2]
    assert [one["theirs_over_ours"]["time"] for one in read["results"]] == [1.0, 1.5]


def test_repeats_are_checked():
    with pytest.raises(InvalidArgument, match="repeats must be at least 1, got 0"):
        bench.compare([linear_competitor("a", [])], ["fp32"], 0)
