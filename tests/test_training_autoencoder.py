"""The autoencoder's loss and stage."""

import math
import re
from dataclasses import replace

import pytest
import torch

from skyloom.config import AutoencoderConfig, OptimConfig, TrainConfig
from skyloom.errors import CheckpointError
from skyloom.models.autoencoder import Autoencoder
from skyloom.training.autoencoder import (
    SQUARE,
    AutoencoderStage,
    finish_autoencoder,
    latent_penalty,
    measure,
    moving_pixels,
    psnr,
    reconstruct,
    reconstruction_loss,
)
from skyloom.training.batches import UNSEEN, Batches
from skyloom.training.decoder import DecoderStage, finish_decoder, start_decoder
from skyloom.training.distributed import Ranks
from skyloom.training.loop import train

TINY = AutoencoderConfig(latent_channels=8, hidden_size=16, encoder_blocks=1, decoder_blocks=1, refine_channels=8)


def squares(indices):
    """A square that crosses a shaded ground; clip i by index alone."""
    clips = torch.linspace(-0.6, 0.2, 32).view(1, 1, 1, 32, 1).repeat(len(indices), 3, 5, 1, 32)
    for row, index in enumerate(indices.tolist()):
        for frame in range(5):
            left, top = (index * 7 + 2 * frame) % 24, index * 5 % 24
            clips[row, index % 3, frame, top : top + 8, left : left + 8] = 0.9
    return clips


def test_moving_pixels_are_those_that_change():
    pixels = torch.zeros(1, 3, 4, 2, 2)
    pixels[0, 1, 2, 0, 1] = 0.5
    expected = torch.zeros(1, 1, 4, 2, 2)
    expected[0, 0, 1:4, 0, 1] = 1
    assert torch.equal(moving_pixels(pixels), expected)


def test_psnr_of_a_known_error():
    pixels = torch.zeros(2, 3, 3, 4, 4)
    assert psnr(pixels + 0.2, pixels).item() == pytest.approx(20.0, abs=1e-4)
    weight = torch.zeros(2, 1, 3, 4, 4)
    weight[0, :, :, :2] = 1
    decoded = pixels.clone()
    decoded[:, :, :, 2:] = 1.0
    decoded[0, :, :, :2] = 0.02
    assert psnr(decoded, pixels, weight).item() == pytest.approx(40.0, abs=1e-3)


def test_a_constant_error_costs_only_its_own_size():
    pixels = squares(torch.arange(2))
    assert reconstruction_loss(pixels, pixels) == 0
    assert reconstruction_loss(pixels + 0.1, pixels).item() == pytest.approx(0.1 + SQUARE * 0.01, abs=1e-4)


def test_penalty_of_a_shifted_and_scaled_normal():
    latents = torch.randn(64, 2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    assert latent_penalty(latents).abs() < 1e-3
    wanted = 0.5 * (9 + 4 - 1 - math.log(4))
    assert latent_penalty(2 * latents + 3).item() == pytest.approx(wanted, rel=3e-2)


def test_ranks_and_workers_give_the_clips_of_the_step():
    config = TrainConfig(steps=6, batch_size=4)
    whole = Batches(squares, config, Ranks()).at(3)
    halves = [Batches(squares, config, Ranks(rank, 2)).at(3) for rank in range(2)]
    assert torch.equal(torch.cat(halves), whole)
    ahead = Batches(squares, config, Ranks(), workers=1)
    for step in (0, 2, 3, 4):
        assert torch.equal(ahead.at(step), squares(torch.arange(4 * step, 4 * step + 4)))


def test_training_improves_on_the_principal_components(tmp_path):
    config = TrainConfig(
        steps=30, batch_size=4, precision="fp32", compile=False, sample_every=30, checkpoint_every=30,
        optim=OptimConfig(muon_lr=0.01, adamw_lr=2e-3, warmup_steps=5, ema_halflives=(2, 1000)),
    )  # fmt: skip
    torch.manual_seed(0)
    autoencoder = Autoencoder(TINY)
    stage = AutoencoderStage(autoencoder, config, squares, tmp_path)
    before = measure(autoencoder, squares, clips=16)["psnr"]
    train(stage, config, tmp_path)
    found = finish_autoencoder(autoencoder, config, squares, tmp_path, clips=16)
    assert found["psnr"] > before + 0.5
    assert found["halflife"] in (0, 2, 1000)
    latents = autoencoder.encode(squares(UNSEEN + 5000 + torch.arange(16)))
    assert latents.mean((0, 2, 3, 4)).abs().max() < 1e-4
    assert torch.allclose(latents.std((0, 2, 3, 4)), torch.ones(8), atol=1e-3)
    assert (tmp_path / "samples" / "00000030.png").read_bytes().startswith(b"\x89PNG")


def finished(config):
    """An autoencoder every weight of which matters, as after training."""
    autoencoder = Autoencoder(config)
    generator = torch.Generator().manual_seed(3)
    for tensor in autoencoder.state_dict().values():
        tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.1)
    autoencoder.latent_std.abs_().add_(0.5)
    return autoencoder


DEEPER = {
    "as deep": TINY,
    "deeper encoder": replace(TINY, encoder_blocks=3),
    "deeper decoder": replace(TINY, decoder_blocks=3),
    "deeper everywhere": replace(TINY, encoder_blocks=2, decoder_blocks=3, refine_blocks=TINY.refine_blocks + 1),
}


@pytest.mark.parametrize("config", DEEPER.values(), ids=DEEPER)
def test_a_start_reconstructs_as_the_finished_run_did(tmp_path, config):
    before, pixels = finished(TINY), squares(torch.arange(3))
    autoencoder = Autoencoder(config)
    training = TrainConfig(steps=1, batch_size=2, precision="fp32", compile=False)
    AutoencoderStage(autoencoder, training, squares, tmp_path, start=before.state_dict())
    assert torch.equal(reconstruct(autoencoder, pixels), reconstruct(before, pixels))
    assert torch.equal(autoencoder.encode(pixels), before.encode(pixels))


MISFITS = {
    "wider": replace(TINY, hidden_size=24),
    "more channels": replace(TINY, latent_channels=12),
    "shallower": replace(TINY, decoder_blocks=TINY.decoder_blocks - 1),
}


@pytest.mark.parametrize("config", MISFITS.values(), ids=MISFITS)
def test_a_start_that_does_not_fit_is_refused(tmp_path, config):
    training = TrainConfig(steps=1, batch_size=2, precision="fp32", compile=False)
    with pytest.raises(CheckpointError, match="do not fit the preset's autoencoder"):
        AutoencoderStage(Autoencoder(config), training, squares, tmp_path, start=finished(TINY).state_dict())


@pytest.mark.parametrize("name", ["straight_in.first.weight", "encoder.0.space.weight"])
def test_a_start_that_lacks_a_weight_is_refused_by_name(tmp_path, name):
    state = finished(TINY).state_dict()
    del state[name]
    training = TrainConfig(steps=1, batch_size=2, precision="fp32", compile=False)
    with pytest.raises(CheckpointError, match=re.escape(name)):
        AutoencoderStage(Autoencoder(TINY), training, squares, tmp_path, start=state)


def test_a_refined_decoder_keeps_the_latents(tmp_path):
    before, pixels = finished(TINY), squares(torch.arange(2))
    autoencoder = Autoencoder(replace(TINY, decoder_blocks=2))
    start_decoder(autoencoder, before.state_dict())
    assert torch.equal(reconstruct(autoencoder, pixels), reconstruct(before, pixels))
    config = TrainConfig(
        steps=3, batch_size=2, precision="fp32", compile=False, sample_every=3, checkpoint_every=3,
        optim=OptimConfig(muon_lr=0.01, adamw_lr=2e-3, warmup_steps=1, ema_halflives=(2,)),
    )  # fmt: skip
    train(DecoderStage(autoencoder, config, squares, tmp_path), config, tmp_path)
    finish_decoder(autoencoder, config, squares, tmp_path)
    assert torch.equal(autoencoder.encode(pixels), before.encode(pixels))
    assert not torch.equal(reconstruct(autoencoder, pixels), reconstruct(before, pixels))


def test_a_decoder_of_another_encoder_is_refused():
    deeper = Autoencoder(replace(TINY, encoder_blocks=2))
    with pytest.raises(CheckpointError, match=r"encoder\.1"):
        start_decoder(deeper, finished(TINY).state_dict())
