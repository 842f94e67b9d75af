"""The loop's promises: it stops on what is not finite, goes on where it stood, and refuses another run's folder."""

import dataclasses
import json

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from skyloom.errors import CheckpointError, InvalidArgument, TrainingError
from skyloom.training.checkpointing import Checkpoints, checkpoint_steps, read_weights
from skyloom.training.distributed import Ranks
from skyloom.training.loop import train
from skyloom.training.metrics import count_flops, drop_lines_after
from training_runs import ToyStage, as_ranks, spawner, toy_config  # noqa: F401 (a fixture)


def run(run_dir, steps, stage=None, **changes):
    config = dataclasses.replace(toy_config(steps), **changes)
    train(stage or ToyStage(config), config, run_dir, measure=False)
    return run_dir


def read_lines(run_dir):
    return [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]


def test_a_loss_that_is_not_finite_stops_the_run_before_the_step(tmp_path):
    stage = ToyStage(toy_config(20), broken=7)
    run(tmp_path / "whole", 7, seed=0)
    with pytest.raises(TrainingError, match="step 7: loss nan"):
        run(tmp_path / "broken", 20, stage)
    assert checkpoint_steps(tmp_path / "broken" / "checkpoints") == [5]
    assert all(p.isfinite().all() for p in stage.model.parameters())


def test_a_run_goes_on_where_it_stood_and_logs_no_step_twice(tmp_path):
    run(tmp_path / "a", 30)
    with pytest.raises(TrainingError):
        run(tmp_path / "b", 30, ToyStage(toy_config(30), broken=23))
    run(tmp_path / "b", 30)
    one, two = (load_file(tmp_path / d / "checkpoints/00000030/weights.safetensors") for d in "ab")
    assert all(torch.equal(one[name], two[name]) for name in one)
    logs = [read_lines(tmp_path / d) for d in "ab"]
    assert [line["step"] for line in logs[0]] == [4, 8, 12, 16, 20, 24, 28, 30]
    assert [line["step"] for line in logs[1]] == [4, 8, 12, 16, 20, 24, 28, 30]
    assert logs[0][-1]["loss"] == logs[1][-1]["loss"]


def test_another_config_is_refused_by_name_but_more_steps_are_not(tmp_path):
    run(tmp_path, 10)
    with pytest.raises(TrainingError, match=r"training\.batch_size = 8, got 16"):
        run(tmp_path, 10, batch_size=16)
    with pytest.raises(TrainingError, match=r"training\.seed = 0, got 1"):
        run(tmp_path, 10, seed=1)
    run(tmp_path, 15, log_every=3)
    assert checkpoint_steps(tmp_path / "checkpoints") == [10, 15]


def test_averages_and_weights_can_be_read_back(tmp_path):
    stage = ToyStage(toy_config(10))
    run(tmp_path, 10, stage)
    weights = read_weights(tmp_path, "toy")
    assert all(torch.equal(weights[name], value) for name, value in stage.model.state_dict().items())
    assert not torch.equal(read_weights(tmp_path, "toy", 30)["0.weight"], weights["0.weight"])
    with pytest.raises(CheckpointError, match="half-life 7"):
        read_weights(tmp_path, "toy", 7)
    with pytest.raises(CheckpointError, match="no checkpoint"):
        read_weights(tmp_path / "nowhere", "toy")


def test_half_written_checkpoints_are_not_seen(tmp_path):
    tensors = {"w": torch.arange(3.0)}
    checkpoints = Checkpoints(tmp_path, {"weights": tensors}, Ranks())
    checkpoints.save(1)
    (tmp_path / "checkpoints" / "00000002").mkdir()
    (tmp_path / "checkpoints" / "00000003.partial").mkdir()
    (tmp_path / "checkpoints" / "00000003.partial" / "step.json").write_text("{}")
    tensors["w"].zero_()
    assert checkpoints.restore() == 1
    assert torch.equal(tensors["w"], torch.arange(3.0))
    with pytest.raises(CheckpointError, match="other"):
        Checkpoints(tmp_path, {"weights": {"other": torch.zeros(3)}}, Ranks()).restore()


def test_lines_past_the_step_and_half_lines_are_dropped(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\n{"step": 2}\n{"step": 3}\n{"st')
    drop_lines_after(path, 2)
    assert path.read_text() == '{"step": 1}\n{"step": 2}\n'


def test_flops_of_a_known_product():
    layer = nn.Linear(32, 64)
    assert count_flops(lambda: layer(torch.zeros(8, 32, requires_grad=True)).sum().backward()) == 3 * 2 * 8 * 32 * 64


def test_batches_that_do_not_divide_are_refused():
    with pytest.raises(InvalidArgument, match="nearest: 6"):
        Ranks(0, 3).rows(8)


@pytest.mark.parametrize("kind", ["toy", "cut"])
def test_two_processes_train_as_one(tmp_path, spawner, kind):  # noqa: F811
    both = [spawner(kind, str(tmp_path / "two"), 20, environment) for environment in as_ranks(2)]
    for process in both:
        process.start()
    run(tmp_path / "one", 20)
    for process in both:
        process.join()
        assert process.exitcode == 0
    for part in ("weights", "ema"):
        one, two = (load_file(tmp_path / d / f"checkpoints/00000020/{part}.safetensors") for d in ("one", "two"))
        assert one.keys() == two.keys()
        assert max((one[name] - two[name]).abs().max() for name in one) < 1e-5
