"""Differences in few bits, against values known beforehand."""

import pytest
import torch

from skyloom.errors import CheckpointError
from skyloom.pipelines.packing import BITS, GROUP, holds_differences, pack, pack_difference, unpack
from skyloom.seeds import generator_for

STEP = 1 / 64


def grid(bits, *shape):
    """A base of odd quarter steps, which int8 does not hit, and a difference that visits every code of `bits`."""
    generator, half = generator_for(0, "packing"), 2 ** (bits - 1)
    base = (torch.randint(-90, 90, shape, generator=generator) * 2 + 1) * STEP / 4
    codes = torch.arange(-half, half).repeat(2**10)[: base.numel()].view(shape)
    return base, codes * STEP


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("shape", [(4, 64), (2, 3, 8, 16)])
def test_whole_steps_come_back_exactly_in_as_many_bits_as_they_need(bits, shape):
    base, difference = grid(bits, *shape)
    packed = pack_difference({"w": base + difference}, {"w": base})
    groups = base.numel() // GROUP
    assert packed["w.difference"].shape == (groups, GROUP * bits // 8)
    assert packed["w.group_scale"].tolist() == [STEP] * groups
    assert torch.equal(unpack(packed, {"w": base})["w"], base + difference)


def test_two_codes_lie_in_a_byte_the_groups_second_half_above():
    base, _ = grid(4, 1, 64)
    codes = torch.cat([torch.full((32,), -8), torch.arange(-8, 8).repeat(2)])
    packed = pack_difference({"w": base + codes * STEP}, {"w": base})
    assert packed["w.difference"].tolist() == [[high * 16 for high in range(16)] * 2]


@pytest.mark.parametrize("shape", [(3, 7), (5, 85), (16, 64), (2, 3, 5)])
def test_no_difference_is_exact_in_any_shape(shape):
    base = torch.randn(shape, generator=generator_for(0, "base"))
    packed = pack_difference({"w": base}, {"w": base})
    assert not packed["w.group_scale"].any()
    assert torch.equal(unpack(packed, {"w": base})["w"], base)


def test_the_bases_own_rounding_is_made_up_for():
    """From a base rounded to 8 bits, a network comes back as near as from the exact base, not with both errors."""
    generator = generator_for(1, "base")
    exact = torch.randn(64, 256, generator=generator)
    wanted = exact + 0.05 * torch.randn(64, 256, generator=generator)
    errors = []
    for base in ({"w": exact}, unpack(pack({"w": exact}, "int8"))):
        errors.append((unpack(pack_difference({"w": wanted}, base), base)["w"] - wanted).square().mean().item())
    assert errors[1] == pytest.approx(errors[0], rel=0.05)


def test_scales_are_better_than_those_that_just_hold_the_largest():
    base = torch.zeros(64, 64)
    base[:, 0] = 100.0  # int8 is coarse, so that 4 bits do
    difference = torch.randn(64, 64, generator=generator_for(2, "difference"))
    packed = pack_difference({"w": base + difference}, {"w": base})
    assert packed["w.difference"].shape[1] == GROUP // 2
    plain = difference.abs().amax(1, keepdim=True) / 7
    rounded = (difference / plain).round() * plain
    error = (unpack(packed, {"w": base})["w"] - base - difference).square().sum(1)
    assert (error <= (rounded - difference).square().sum(1)).float().mean() > 0.95
    assert error.sum() < 0.75 * (rounded - difference).square().sum()


def test_the_far_the_new_and_vectors_are_stored_as_int8_does():
    generator = generator_for(3, "far")
    state = {"far": torch.randn(8, 64, generator=generator), "new": torch.randn(4, 4, generator=generator),
             "bent": torch.randn(4, 4, generator=generator), "bias": torch.randn(5, generator=generator)}  # fmt: skip
    base = {"far": torch.randn(8, 64, generator=generator), "bent": torch.zeros(4, 2), "bias": torch.zeros(5)}
    packed = pack_difference(state, base)
    assert not holds_differences(packed)
    for name, value in pack(state, "int8").items():
        assert torch.equal(packed[name], value)


@pytest.mark.parametrize(
    ("base", "message"),
    [
        (None, "w is stored as a difference: load it with the checkpoint"),
        ({}, "w is a difference of 4 groups from a matrix, there is: none"),
        ({"w": torch.zeros(4, 65)}, r"w is a difference of 4 groups from a matrix, there is: \(4, 65\)"),
    ],
)
def test_a_base_that_does_not_fit_is_refused(base, message):
    exact, difference = grid(4, 4, 64)
    packed = pack_difference({"w": exact + difference}, {"w": exact})
    with pytest.raises(CheckpointError, match=message):
        unpack(packed, base)


def test_cut_codes_are_refused():
    exact, difference = grid(4, 4, 64)
    packed = pack_difference({"w": exact + difference}, {"w": exact})
    packed["w.difference"] = packed["w.difference"][:, :20]
    with pytest.raises(CheckpointError, match=r"of shape \(4, 20\), which is damaged"):
        unpack(packed, {"w": exact})
