"""The training commands, as they are typed."""

import json

import pytest
import typer
from safetensors.torch import load_file
from typer.testing import CliRunner

from skyloom.cli.few_step import train_few_step
from skyloom.cli.planner import train_planner
from skyloom.cli.train import resolved, train_autoencoder, train_transformer
from skyloom.errors import CheckpointError, InvalidArgument


@pytest.fixture(scope="module")
def run():
    app = typer.Typer()
    app.command("autoencoder")(train_autoencoder)
    app.command("transformer")(train_transformer)
    app.command("planner")(train_planner)
    app.command("few-step")(train_few_step)
    return lambda *words: CliRunner().invoke(app, list(map(str, words)))


def test_fields_are_set_by_name_and_wrong_ones_are_told(run):
    chosen = resolved("tiny", ["clip.height=48", 'world.places=["meadow"]', "autoencoder_training.precision=fp32"])
    assert chosen.clip.height == 48 and chosen.world.places == ("meadow",)
    with pytest.raises(InvalidArgument, match="transformer"):
        resolved("tiny", ["transfomer.num_layers=2"])
    with pytest.raises(InvalidArgument, match="FIELD=VALUE"):
        resolved("tiny", ["clip.height"])
    shown = run("autoencoder", "tiny", "nowhere", "--steps", 7, "--dry-run")
    assert json.loads(shown.stdout)["autoencoder_training"]["steps"] == 7


SIZE = ["--set", "clip.height=16", "--set", "clip.width=16", "--device", "cpu", "--steps", 2]


@pytest.fixture(scope="module")
def weights(run, tmp_path_factory):
    run_dir = tmp_path_factory.mktemp("autoencoder")
    trained = run("autoencoder", "tiny", run_dir, *SIZE)
    assert trained.exit_code == 0, trained.output
    return run_dir / "autoencoder.safetensors"


@pytest.mark.parametrize("cached", [8, "null"])
def test_both_stages_from_nothing_to_weights(run, weights, tmp_path, cached):
    assert load_file(weights)["latent_std"].min() > 0
    options = ["--autoencoder", weights, *SIZE, "--set", f"cached_clips={cached}"]
    for _ in range(2):
        second = run("transformer", "tiny", tmp_path, *options, "--set", "transformer_training.batch_size=2")
        assert second.exit_code == 0, (second.output, second.exception)
    assert (tmp_path / "transformer.safetensors").exists()
    assert (tmp_path / "samples" / "00000002.png").exists()
    words = ["--bank", tmp_path / "bank"] if cached == 8 else []
    third = run("planner", "tiny", tmp_path / "planner", *SIZE, *words, "--set", "planner_training.batch_size=2")
    assert third.exit_code == 0, (third.output, third.exception)
    assert (tmp_path / "planner" / "transformer.safetensors").exists()
    begun = ["--start", tmp_path / "transformer.safetensors", "--guidance", 3]
    fourth = run("few-step", "tiny", tmp_path / "few", *options, *words, *begun)
    assert fourth.exit_code == 0, (fourth.output, fourth.exception)
    jumps = load_file(tmp_path / "few" / "few_step.safetensors")
    assert jumps.keys() - load_file(tmp_path / "transformer.safetensors").keys() == {"levels.jump_in.weight"}
    assert json.loads((tmp_path / "few" / "run.json").read_text())["sampling"]["guidance_scale"] == 3
    missing = run("transformer", "tiny", tmp_path, "--autoencoder", tmp_path / "none.safetensors")
    assert isinstance(missing.exception, CheckpointError)
