"""The autoencoder's streams, causality and start."""

from __future__ import annotations

import pytest
import torch

from skyloom.config import AutoencoderConfig
from skyloom.errors import InvalidArgument
from skyloom.models.autoencoder import Autoencoder

CONFIG = AutoencoderConfig(latent_channels=8, hidden_size=32, encoder_blocks=2, decoder_blocks=2, refine_channels=8)


@pytest.fixture(scope="module")
def network():
    g = torch.Generator().manual_seed(0)
    made = Autoencoder(CONFIG).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=g))
    return made


def clip(frames: int = 13, batch: int = 1) -> torch.Tensor:
    return torch.rand(batch, 3, frames, 16, 24, generator=torch.Generator().manual_seed(2)) * 2 - 1


@torch.no_grad()
def test_streams_equal_the_whole(network):
    pixels = clip()
    latents = network.encode(pixels)
    assert latents.shape == (1, 8, 4, 2, 3)
    for cuts in ([1, 4, 8], [5, 8], [9, 4], [1, 12]):
        chunks = network.encode_stream(pixels.split(cuts, dim=2))
        torch.testing.assert_close(torch.cat(list(chunks), dim=2), latents, rtol=1e-4, atol=1e-4)
    whole = network.decode(latents)
    assert whole.shape == pixels.shape
    for cuts in ([1, 1, 1, 1], [2, 2], [1, 3]):
        chunks = network.decode_stream(latents.split(cuts, dim=2))
        torch.testing.assert_close(torch.cat(list(chunks), dim=2), whole, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_nothing_looks_ahead(network):
    pixels = clip()
    later = pixels.clone()
    later[:, :, 5:] += 0.5
    a, b = network.encode(pixels), network.encode(later)
    assert torch.equal(a[:, :, :2], b[:, :, :2])
    assert (a[:, :, 2] - b[:, :, 2]).abs().max() > 1e-3
    c = a.clone()
    c[:, :, 2:] += 0.5
    assert torch.equal(network.decode(a)[:, :, :5], network.decode(c)[:, :, :5])


@torch.no_grad()
def test_an_image_is_a_video_of_one_frame(network):
    pixels = clip()
    torch.testing.assert_close(network.encode(pixels[:, :, :1]), network.encode(pixels)[:, :, :1], rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_memory_of_the_frame_before_is_used(network):
    latents = network.encode(clip())
    alone = network.decode(latents[:, :, :1])
    torch.testing.assert_close(alone, network.decode(latents)[:, :, :1], rtol=1e-5, atol=1e-5)
    swapped = latents.clone()
    swapped[:, :, 0] += 1
    assert (network.decode(latents)[:, :, 1:5] - network.decode(swapped)[:, :, 1:5]).abs().max() > 1e-4


@torch.no_grad()
def test_starts_at_the_principal_components():
    """Patches that live in few dimensions come back exactly before any training."""
    g = torch.Generator().manual_seed(3)
    network = Autoencoder(CONFIG)
    basis = torch.randn(4, 3, 5, 8, 8, generator=g)
    pixels = torch.einsum("bkhw,kcfij->bcfhiwj", torch.randn(32, 4, 2, 2, generator=g), basis).reshape(32, 3, 5, 16, 16)
    network.start_from_patches(pixels)
    assert (network.decode(network.encode(pixels)) - pixels).abs().max() < 1e-2 * pixels.abs().max()


@torch.no_grad()
def test_calibrate_standardises_and_decoding_does_not_change(network):
    pixels = clip(batch=4)
    before = network.decode(network.encode(pixels))
    network.calibrate(network.encode(pixels))
    latents = network.encode(pixels)
    torch.testing.assert_close(latents.mean((0, 2, 3, 4)), torch.zeros(8), rtol=0, atol=1e-4)
    torch.testing.assert_close(latents.std((0, 2, 3, 4)), torch.ones(8), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(network.decode(latents), before, rtol=1e-3, atol=1e-3)


def test_bad_sizes_are_told(network):
    with pytest.raises(InvalidArgument, match="num_frames must be 1 \\+ a multiple of 4, got 4"):
        network.encode(clip(4))
    with pytest.raises(InvalidArgument, match="latents must be"):
        network.decode(torch.zeros(1, 3, 1, 2, 2))
