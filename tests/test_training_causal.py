"""The causal stage: whose history is read, that it learns, that it can be resumed, and the command."""

import dataclasses

import torch
import typer
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from pipeline_parts import randomised, toy_networks
from skyloom.cli.causal import train_causal
from skyloom.config import OptimConfig, TaskMix, TrainConfig, TransformerConfig
from skyloom.diffusion.flow import mix, sample_sigma, velocity_target
from skyloom.models.boxes import no_boxes
from skyloom.models.cache import Cache
from skyloom.models.transformer import Transformer
from skyloom.pipelines.checkpoint import load_checkpoint, save_checkpoint
from skyloom.presets import NANO, TINY
from skyloom.seeds import generator_for
from skyloom.training import causal
from skyloom.training.causal import CausalStage, causal_tasks, causal_training, draw_span, finish_causal
from skyloom.training.examples import Examples, unnamed
from skyloom.training.loop import train

NETWORK = TransformerConfig(
    latent_channels=4, hidden_size=32, num_layers=1, num_heads=2, text_dim=6, text_layers=1, max_text_tokens=3
)


class StillDraw:
    """Clips that never change: what comes next is what was there before."""

    def _made(self, name, number, count):
        g = generator_for(0, name, number)
        latents = torch.randn(count, 4, 1, 2, 2, generator=g).expand(-1, -1, 4, -1, -1).contiguous()
        mask = torch.ones(count, 3, dtype=torch.bool)
        boxes, scalars = no_boxes(count), torch.full((count, 5), float("nan"))
        return Examples(
            latents, torch.zeros(count, 3, 6), mask, scalars, torch.zeros_like(latents), boxes, unnamed(boxes)
        )

    def examples(self, seed, step, wants_source, rows):
        assert not wants_source.any()
        whole = self._made("examples", step, len(wants_source))
        return Examples(**{f.name: getattr(whole, f.name)[rows] for f in dataclasses.fields(whole)})

    def unseen(self, number, count):
        return self._made("unseen", number, count)

    def empty_prompt(self):
        return torch.zeros(1, 3, 6), torch.tensor([[True, False, False]])


def stage_of(steps=40, spread=0.0):
    config = TrainConfig(
        steps=steps, batch_size=16, precision="fp32", compile=False, checkpoint_every=5, sample_every=100,
        optim=OptimConfig(muon_lr=0.02, adamw_lr=1e-2, warmup_steps=3, ema_halflives=(2, 1000)),
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Transformer(NETWORK)
    return CausalStage(randomised(network, 0, spread) if spread else network, config, TaskMix(), StillDraw())


def resampled(stage, seed=3):
    """A question, what its history starts from, the level, and the history."""
    question, whole = stage._asks.question(0), slice(None)
    latents, g = question.examples.latents, torch.Generator().manual_seed(seed)
    sigma = sample_sigma(len(latents), g, shift=causal.RESAMPLED_SHIFT)
    noise = torch.randn(latents.shape, generator=g)
    return question, noise, sigma, stage.history(question, 3, torch.Generator().manual_seed(seed), whole)


def test_a_network_that_says_nothing_leaves_its_history_noised():
    question, noise, sigma, history = resampled(stage_of())
    latents = question.examples.latents
    torch.testing.assert_close(history[:, :, :3], mix(latents, noise, sigma)[:, :, :3])
    assert torch.equal(history[:, :, 3], latents[:, :, 3])


def test_a_network_that_knows_the_clip_makes_it_again(monkeypatch):
    """The path is straight, so steps of Euler's along the true velocity end at the clip."""
    stage, told = stage_of(), {}

    def velocity(cache, noisy, sigma, boxes=None):
        return told["velocity"][:, :, cache.made : cache.made + 1]

    question, noise, _, _ = resampled(stage)
    told["velocity"] = velocity_target(question.examples.latents, noise)
    monkeypatch.setattr(Cache, "velocity", velocity)
    torch.testing.assert_close(resampled(stage)[3], question.examples.latents, atol=1e-5, rtol=0)


def test_histories_are_the_networks_own_and_take_no_gradient():
    stage = stage_of(steps=40, spread=0.3)
    made = [float(stage.loss(step)[1]["own_history"]) for step in range(40)]
    assert made[:4] == [0.0] * 4 and 0.6 < sum(made[4:]) / 36 < 1
    assert not resampled(stage)[3].requires_grad
    stage.loss(made.index(1.0))[0].backward()
    assert all(parameter.grad is not None for parameter in stage.network.parameters())


def test_tasks_rates_and_spans():
    tasks = causal_tasks(TaskMix(drop_prompt=0.2))
    assert tasks.nothing_known == 1 and tasks.drop_prompt == 0.2
    assert tasks.image == tasks.source == tasks.first_frames == tasks.random_box == 0
    fine = causal_training(NANO.transformer_training)
    assert fine.steps == 375 and fine.optim.muon_lr == 0.005 and fine.batch_size == NANO.transformer_training.batch_size
    g = torch.Generator().manual_seed(0)
    assert {draw_span(9, g) for _ in range(20)} == {5, 9} and {draw_span(1, g) for _ in range(9)} == {2}


def test_it_learns_to_look_back(tmp_path):
    """Clips stand still, so the past tells the next frame; the loss falls below what frames alone could give."""
    stage = stage_of(steps=60)
    before = stage.unseen_loss(2)
    train(stage, stage.config, tmp_path, measure=False)
    assert stage.unseen_loss(2) < 0.7 * before


def test_a_run_goes_on_with_the_same_bits(tmp_path):
    for name, stops in (("whole", [6]), ("parts", [3, 6])):
        for stop in stops:
            stage = stage_of(steps=6)
            train(stage, stage.config, tmp_path / name, measure=False, until=stop)
        finish_causal(stage, tmp_path / name)
    whole, parts = (load_file(tmp_path / name / "causal.safetensors") for name in ("whole", "parts"))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_the_command_from_a_checkpoint_to_its_part(tmp_path):
    autoencoder, transformer = toy_networks()
    states = autoencoder.state_dict(), transformer.state_dict()
    save_checkpoint(tmp_path / "start", TINY, *states, "", "fp32")
    save_file(states[0], tmp_path / "autoencoder.safetensors")
    app = typer.Typer()
    app.command()(train_causal)
    options = ["--start", tmp_path / "start", "--autoencoder", tmp_path / "autoencoder.safetensors", "--device", "cpu"]
    fields = ["clip.height=16", "clip.width=16", "cached_clips=8", "transformer_training.batch_size=2"]
    options += ["--steps", "2", *(word for field in fields for word in ("--set", field))]
    for _ in range(2):
        done = CliRunner().invoke(app, ["tiny", str(tmp_path / "run"), *map(str, options)])
        assert done.exit_code == 0, (done.output, done.exception)
    made = load_file(tmp_path / "run" / "causal.safetensors")
    assert made.keys() == load_checkpoint(tmp_path / "start").transformer.keys()
    assert (tmp_path / "run" / "samples" / "00000002.png").exists()
    assert not all(torch.equal(made[name], states[1][name]) for name in made)
