"""What is made once for a whole sampling, against its slow twin: a network told everything anew in every call."""

import pytest
import torch

from pipeline_parts import ToyTextEncoder, toy_networks
from skyloom.pipelines.canvas import PromptSpan
from skyloom.pipelines.velocity import Condition, Pinned, encode_prompts, span_masks, stack, velocity_of
from skyloom.seeds import generator_for

FRAMES, CELLS = 2, 4
GENERATOR = generator_for(0, "velocity")


def condition(*spans):
    words = encode_prompts(ToyTextEncoder().encode, [spans], FRAMES)
    return Condition(words, torch.randn(1, 8, FRAMES, 4, 4, generator=GENERATOR))


def anew(network, shared, noisy, sigma, conditions):
    """Everything from scratch, as for one call alone."""
    count, words = len(conditions), stack([each.words for each in conditions])
    attention, among = span_masks(words, FRAMES, CELLS)
    return network(
        noisy, sigma, words.embeds, words.mask, known=shared.mask.repeat(count, 1, 1, 1, 1),
        context_sigma=shared.context_sigma.repeat(count), source=torch.cat([each.source for each in conditions]),
        scalars=shared.scalars.repeat(count, 1), attention_mask=attention, word_mask=among,
    )  # fmt: skip


@pytest.mark.parametrize("sigmas", [(0.9, 0.4, 0.1)])
def test_what_is_kept_is_what_would_be_made_anew(sigmas):
    network, read = toy_networks()[1], []
    network.text.register_forward_hook(lambda *given: read.append(1))
    mask = torch.zeros(1, 1, FRAMES, 4, 4)
    mask[:, :, 0] = 1
    shared = Pinned(mask, torch.tensor([0.1]), torch.full((1, 5), 0.3))
    both = [condition(PromptSpan("a fox", 0, 1), PromptSpan("a red dog", 1)), condition(PromptSpan(""))]
    ask = velocity_of(network, shared)
    with torch.no_grad():
        for sigma in sigmas:
            noisy = torch.randn(2, 8, FRAMES, 4, 4, generator=GENERATOR)
            levels = torch.full((2,), sigma)
            assert torch.equal(ask(noisy, levels, list(both)), anew(network, shared, noisy, levels, both))
        assert len(read) == 1 + len(sigmas)
        alone = ask(noisy[:1], levels[:1], both[:1])
        assert torch.equal(alone, anew(network, shared, noisy[:1], levels[:1], both[:1]))
        assert not torch.equal(alone, ask(noisy[:1], levels[:1], both[1:]))  # other conditions are no others' words
    assert len(read) == 4 + len(sigmas)
