"""Names of actors as a network hears them."""

import torch

from skyloom.config import TransformerConfig
from skyloom.models.names import Naming, name_features

CONFIG = TransformerConfig(latent_channels=2, hidden_size=16, num_heads=1, text_dim=6, box_slots=2, box_names=True)


def naming():
    torch.manual_seed(0)
    network = Naming(CONFIG)
    torch.nn.init.normal_(network.out.weight)
    return network


def test_a_name_is_the_mean_of_its_own_tokens():
    embeds = torch.arange(24.0).view(2, 4, 3)
    mask = torch.tensor([[True, True, True, False], [True, False, False, False]])
    found = name_features(embeds, mask)
    assert torch.equal(found[0], embeds[0, 1:3].mean(0))
    assert not found[1].any()


def test_it_begins_by_adding_nothing():
    assert not Naming(CONFIG)(torch.ones(1, 2, 1, 2, 2), torch.randn(1, 2, 6)).any()


def test_only_the_tokens_under_a_box_hear_its_name():
    boxes = torch.zeros(1, 2, 2, 4, 4)
    boxes[0, 0, 0, 0, 1], boxes[0, 1, 1, 3, 3] = 0.5, 1.0
    names = torch.randn(1, 2, 6, generator=torch.Generator().manual_seed(1))
    network = naming()
    added = network(boxes, names)[0]
    heard = network.out(network.act(network.hear(names)))[0]
    assert added.abs().sum(1).nonzero()[:, 0].tolist() == [0, 7]
    torch.testing.assert_close(added[0], 0.5 * heard[0])
    torch.testing.assert_close(added[7], heard[1])


def test_slots_have_no_rank():
    boxes, names = torch.rand(1, 2, 1, 4, 4), torch.randn(1, 2, 6)
    network = naming()
    torch.testing.assert_close(network(boxes, names), network(boxes.flip(1), names.flip(1)))


def test_no_name_is_silence_even_after_standardising():
    network, boxes = naming(), torch.ones(1, 2, 1, 2, 2)
    known = torch.randn(50, 6, generator=torch.Generator().manual_seed(2)) * 3 + 7
    network.calibrate(known)
    standard = (known - network.mean) / network.std
    torch.testing.assert_close(standard.mean(0), torch.zeros(6), atol=1e-5, rtol=0)
    torch.testing.assert_close(standard.std(0), torch.ones(6))
    names = torch.stack([known[0], torch.zeros(6)])[None]
    torch.testing.assert_close(network(boxes, names), network(boxes[:, :1], names[:, :1]))
