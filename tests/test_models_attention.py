"""Plain products against torch's own attention, their slow twin."""

import pytest
import torch
import torch.nn.functional as F

from skyloom.models import attention
from skyloom.models.attention import attend, by_products


def inputs(length=7, keys=9, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(2, 3, rows, 8, generator=generator).to(dtype) for rows in (length, keys, keys)]


@pytest.mark.parametrize("queries", [2, 7, 100])
@pytest.mark.parametrize("shape", [None, (2, 1, 1, 9), (2, 1, 7, 9), (1, 1, 7, 9), (2, 3, 7, 9)])
def test_products_are_the_kernel_whatever_the_block_and_the_mask(queries, shape):
    mask = None if shape is None else torch.rand(shape, generator=torch.Generator().manual_seed(1)) > 0.4
    if mask is not None:
        mask[..., 0] = True
    query, key, value = inputs()
    expected = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    assert torch.allclose(by_products(query, key, value, mask, queries), expected, atol=1e-12)


def test_who_may_read_nothing_reads_zeros_as_in_the_kernel():
    mask = torch.ones(2, 1, 7, 9, dtype=torch.bool)
    mask[1, :, 3] = False
    query, key, value = inputs()
    expected = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    assert not expected[1, :, 3].any()
    for queries in (2, 100):
        assert torch.allclose(by_products(query, key, value, mask, queries), expected, atol=1e-12)


def test_a_query_that_fits_one_key_alone_gets_its_value():
    key, value = 60 * torch.eye(4)[None, None], torch.arange(16.0).view(1, 1, 4, 4)
    assert torch.allclose(by_products(key, key, value, None, 3), value)
    mask = torch.ones(4, 4, dtype=torch.bool)
    mask[2] = torch.tensor([True, False, False, False])
    assert torch.allclose(by_products(key, key, value, mask, 3)[0, 0, 2], value[0, 0, 0])


def test_bf16_without_gradients_goes_by_products_and_learning_does_not(monkeypatch):
    went = []
    monkeypatch.setattr(attention, "by_products", lambda *given: went.append(given))
    low, high = inputs(dtype=torch.bfloat16), inputs(dtype=torch.float32)
    attend(*low, None)
    with torch.no_grad():
        attend(*high, None)
        assert not went
        attend(*low, None)
    assert len(went) == 1


def test_bf16_products_are_as_near_the_truth_as_the_kernel():
    exact = inputs(200, 230)
    truth = F.scaled_dot_product_attention(*exact)
    low = [part.bfloat16() for part in exact]
    with torch.no_grad():
        ours, theirs = attend(*low, None).double(), F.scaled_dot_product_attention(*low).double()
    assert (ours - truth).pow(2).mean().sqrt() < 1.6 * (theirs - truth).pow(2).mean().sqrt()
