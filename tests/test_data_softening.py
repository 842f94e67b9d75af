"""Softening of renders: linear maps with known answers."""

import torch

from skyloom.data.softening import block_matrix, blur_matrix, cosine_basis, mix_matrix, resample_matrix, soften
from skyloom.seeds import generator_for


def test_every_map_keeps_a_flat_picture():
    ones = torch.ones(32)
    for matrix in (blur_matrix(32, 1.3), resample_matrix(32, 0.5), block_matrix(32, 3)):
        assert torch.allclose(matrix @ ones, ones, atol=1e-5)
    assert torch.allclose(mix_matrix(17, 0.4) @ torch.ones(17), torch.ones(17), atol=1e-6)


def test_cosine_basis_is_orthonormal_and_whole_blocks_lose_nothing():
    basis = cosine_basis()
    assert torch.allclose(basis @ basis.T, torch.eye(8), atol=1e-6)
    assert torch.allclose(block_matrix(16, 8), torch.eye(16), atol=1e-6)


def test_block_map_is_a_projection_onto_low_frequencies():
    matrix = block_matrix(8, 3)
    assert torch.allclose(matrix @ matrix, matrix, atol=1e-6)
    basis = cosine_basis()
    assert torch.allclose(matrix @ basis[2], basis[2], atol=1e-6)
    assert torch.allclose(matrix @ basis[3], torch.zeros(8), atol=1e-6)


def test_smear_of_a_flash_falls_on_its_neighbours():
    flash = torch.zeros(5)
    flash[2] = 1
    assert torch.allclose(mix_matrix(5, 0.4) @ flash, torch.tensor([0, 0.2, 0.6, 0.2, 0]))


def test_a_clip_is_softened_by_its_own_draws():
    clips = torch.rand((3, 3, 5, 16, 16), generator=torch.Generator().manual_seed(0)) * 2 - 1
    once = soften(clips, generator_for(0, "test"))
    assert torch.equal(once, soften(clips, generator_for(0, "test")))
    assert not torch.equal(once, soften(clips, generator_for(1, "test")))
    assert once.abs().amax() <= 1
