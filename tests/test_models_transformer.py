"""The transformer's invariances, each with a bug that would break it."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from skyloom.config import SCALARS, TransformerConfig
from skyloom.errors import InvalidArgument
from skyloom.models.layers import Attention, rotate
from skyloom.models.patchify import patchify, unpatchify
from skyloom.models.rope import rotation, token_positions
from skyloom.models.transformer import Transformer, block_causal_mask
from skyloom.shapes import LatentSize

CONFIG = TransformerConfig(latent_channels=4, hidden_size=64, num_layers=2, num_heads=2, text_layers=1)


@pytest.fixture(scope="module")
def network():
    """A transformer whose zero-initialised parts have been moved away from zero."""
    generator = torch.Generator().manual_seed(0)
    made = Transformer(CONFIG).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return made


def inputs(batch: int = 2, frames: int = 3, height: int = 4, width: int = 6, words: int = 5, seed: int = 1):
    g = torch.Generator().manual_seed(seed)
    return {
        "noisy_latents": torch.randn(batch, 4, frames, height, width, generator=g),
        "sigma": torch.rand(batch, generator=g),
        "prompt_embeds": torch.randn(batch, words, 768, generator=g),
        "prompt_mask": torch.ones(batch, words, dtype=torch.bool),
    }


def changed(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).detach().abs().max())


def test_patchify_places_every_cell_where_it_belongs():
    latents = torch.arange(2 * 3 * 2 * 4 * 6).view(2, 3, 2, 4, 6)
    tokens = patchify(latents, 2)
    assert tokens.shape == (2, 2 * 2 * 3, 12)
    token = tokens[1, 1 * 6 + 1 * 3 + 2]  # frame 1, row 1, column 2
    assert token.tolist() == latents[1, :, 1, 2:4, 4:6].permute(1, 2, 0).flatten().tolist()
    assert torch.equal(unpatchify(tokens, LatentSize(2, 2, 3), 2), latents)


def test_rotary_product_depends_on_the_distance_only():
    g = torch.Generator().manual_seed(0)
    query, key = torch.randn(32, generator=g), torch.randn(32, generator=g)

    def product(at: list[float], to: list[float]) -> torch.Tensor:
        turned = [rotate(x.view(1, 1, 1, -1), *rotation(torch.tensor([p]), 32)) for x, p in ((query, at), (key, to))]
        return (turned[0] * turned[1]).sum()

    for axis in range(3):
        shift = [0.0, 0.0, 0.0]
        shift[axis] = 3.0
        near = product([1.0, 2.0, 0.5], [2.0, -1.0, 1.5])
        moved = product([a + s for a, s in zip([1.0, 2.0, 0.5], shift, strict=True)],
                        [a + s for a, s in zip([2.0, -1.0, 1.5], shift, strict=True)])  # fmt: skip
        other = product([a + s for a, s in zip([1.0, 2.0, 0.5], shift, strict=True)], [2.0, -1.0, 1.5])
        torch.testing.assert_close(near, moved, rtol=1e-4, atol=1e-4)
        assert abs(float(near - other)) > 1e-2, f"axis {axis} does not turn"


def test_rotation_keeps_length_and_none_is_identity():
    x = torch.randn(1, 1, 4, 32, generator=torch.Generator().manual_seed(0))
    turned = rotate(x, *rotation(token_positions(LatentSize(1, 2, 2)) + 1, 32))
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))
    assert torch.equal(rotate(x, *rotation(torch.zeros(4, 3), 32)), x)


def test_attention_does_not_change_when_all_positions_move_together():
    layer = Attention(64, 2)
    with torch.no_grad():
        layer.out.weight.copy_(torch.eye(64))
    x = torch.randn(1, 12, 64, generator=torch.Generator().manual_seed(0))
    positions = token_positions(LatentSize(2, 2, 3))
    here, moved = (layer(x, rotation(positions + shift, 32), None).detach() for shift in (0, 5))
    torch.testing.assert_close(here, moved, rtol=1e-4, atol=1e-4)
    assert changed(here, layer(x, rotation(torch.zeros(12, 3), 32), None)) > 1e-3


def test_positions_are_counted_from_the_middle():
    positions = token_positions(LatentSize(2, 3, 5), first_frame=4)
    assert positions[0].tolist() == [4, -1, -2]
    assert positions[-1].tolist() == [5, 1, 2]
    torch.testing.assert_close(positions[:, 1:].mean(0), torch.zeros(2))


def test_fresh_network_says_zero():
    assert not Transformer(CONFIG)(**inputs()).detach().any()


def test_padding_words_changes_nothing(network):
    given = inputs()
    padded = dict(given)
    padded["prompt_embeds"] = torch.cat([given["prompt_embeds"], torch.full((2, 3, 768), 7.0)], dim=1)
    padded["prompt_mask"] = torch.cat([given["prompt_mask"], torch.zeros(2, 3, dtype=torch.bool)], dim=1)
    torch.testing.assert_close(network(**given), network(**padded), rtol=1e-4, atol=1e-4)


def test_samples_of_a_batch_do_not_meet(network):
    given = inputs()
    one = {name: value[1:] for name, value in given.items()}
    torch.testing.assert_close(network(**given)[1:], network(**one), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["sigma", "prompt_embeds", "noisy_latents"])
def test_every_input_is_heard(network, name):
    given = inputs()
    other = {**given, name: given[name].flip(0) if name != "prompt_embeds" else given[name].flip(1)}
    assert changed(network(**given), network(**other)) > 1e-3  # flip(1): the order of words matters


def test_known_cells_source_and_scalars_are_heard(network):
    given = inputs()
    plain = network(**given)
    known = torch.zeros(2, 1, 3, 4, 6)
    known[:, :, 0] = 1
    held = network(**given, known=known)
    assert changed(plain, held) > 1e-3
    assert changed(held, network(**given, known=known, context_sigma=torch.full((2,), 0.3))) > 1e-3
    assert changed(plain, network(**given, source=torch.ones(2, 4, 3, 4, 6))) > 1e-3
    for index in range(len(SCALARS)):
        scalars = torch.full((2, len(SCALARS)), float("nan"))
        absent = network(**given, scalars=scalars)
        torch.testing.assert_close(plain, absent)
        scalars[:, index] = 0.0
        assert changed(plain, network(**given, scalars=scalars)) > 1e-4, SCALARS[index]


def test_nothing_known_equals_a_mask_of_zeros_and_no_source_equals_zeros(network):
    given = inputs()
    zeros = torch.zeros(2, 1, 3, 4, 6)
    torch.testing.assert_close(network(**given), network(**given, known=zeros, source=torch.zeros(2, 4, 3, 4, 6)))


def test_context_level_touches_known_cells_only_through_their_own_modulation(network):
    """With nothing known, the context's level must change nothing at all."""
    given = inputs()
    zeros = torch.zeros(2, 1, 3, 4, 6)
    with_level = network(**given, known=zeros, context_sigma=torch.full((2,), 0.9))
    torch.testing.assert_close(network(**given), with_level)


def test_block_causal_mask_hides_the_future(network):
    given = inputs()
    mask = block_causal_mask(LatentSize(3, 2, 3), 5)
    later = dict(given)
    later["noisy_latents"] = given["noisy_latents"].clone()
    later["noisy_latents"][:, :, 2] += 1
    a, b = network(**given, attention_mask=mask), network(**later, attention_mask=mask)
    torch.testing.assert_close(a[:, :, :2], b[:, :, :2], rtol=1e-4, atol=1e-4)
    assert changed(a[:, :, 2], b[:, :, 2]) > 1e-3
    assert changed(network(**given)[:, :, :2], network(**later)[:, :, :2]) > 1e-3


def test_words_of_another_span_are_not_heard(network):
    """Two spans side by side, each heard by its own frames, give what each would give alone."""
    given = inputs(words=6)
    frame = torch.arange(3).repeat_interleave(6)
    span = torch.tensor([0, 0, 0, 1, 1, 1])
    video = torch.cat([(frame[:, None] > 0) == (span == 1), frame[:, None] == frame], dim=1)
    among = (span[:, None] == span).expand(2, 6, 6)
    both = network(**given, attention_mask=video, word_mask=among)
    alone = {**given, "prompt_embeds": given["prompt_embeds"][:, 3:], "prompt_mask": given["prompt_mask"][:, 3:]}
    second = network(**alone, attention_mask=torch.cat([torch.ones(18, 3, dtype=torch.bool), video[:, 6:]], dim=1))
    torch.testing.assert_close(both[:, :, 1:], second[:, :, 1:], rtol=1e-4, atol=1e-4)
    assert changed(both[:, :, :1], second[:, :, :1]) > 1e-3


def test_sizes_that_do_not_divide_are_told(network):
    with pytest.raises(InvalidArgument, match="latent_height must be a multiple of 2, got 3"):
        network(**inputs(height=3))
    with pytest.raises(InvalidArgument, match="hidden_size must be a multiple of 8 \\* num_heads = 24"):
        Transformer(TransformerConfig(hidden_size=64, num_heads=3))


def test_a_jump_network_begins_as_the_many_step_one_and_then_hears_how_far(network):
    jumper = Transformer(dataclasses.replace(CONFIG, jumps=True)).eval()
    jumper.load_state_dict({**network.state_dict(), "levels.jump_in.weight": jumper.levels.jump_in.weight.detach()})
    given = inputs()
    sigma = given["sigma"]
    assert torch.equal(jumper(**given, target_sigma=sigma / 2), network(**given))
    with torch.no_grad():
        jumper.levels.jump_in.weight.normal_(generator=torch.Generator().manual_seed(2))
    near, far = jumper(**given, target_sigma=sigma * 0.9), jumper(**given, target_sigma=sigma * 0)
    assert changed(near[0], far[0]) > 1e-3 and changed(near[1], far[1]) > 1e-3
    assert torch.equal(jumper(**given), network(**given)), "not told of a jump, it is as before"
    known = torch.zeros(2, 1, 3, 4, 6)
    torch.testing.assert_close(jumper(**given, target_sigma=sigma * 0, known=known), far, atol=1e-5, rtol=0)
