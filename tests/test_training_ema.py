"""Averages of the weights."""

import torch
from torch import nn

from skyloom.training.ema import Ema, ema_decay


def test_half_of_the_old_average_is_left_after_a_halflife():
    weight = nn.Parameter(torch.ones(3))
    ema = Ema({"w": weight}, (5, 50))
    with torch.no_grad():
        weight.zero_()
    for step in range(1000, 1005):
        ema.update(step)
    assert torch.allclose(ema.averages[5]["w"], torch.full((3,), 0.5), atol=1e-6)
    assert torch.allclose(ema.averages[50]["w"], torch.full((3,), 0.5**0.1), atol=1e-6)


def test_the_random_start_is_forgotten():
    weight = nn.Parameter(torch.full((1,), 1e6))
    ema = Ema({"w": weight}, (400,))
    with torch.no_grad():
        weight.fill_(1.0)
    for step in range(20):
        ema.update(step)
    assert torch.allclose(ema.averages[400]["w"], torch.ones(1), atol=1e-5)
    assert ema_decay(10**6, 400) == 0.5 ** (1 / 400)


def test_applied_puts_the_average_in_and_the_weights_back():
    weight = nn.Parameter(torch.ones(2))
    ema = Ema({"w": weight}, (1, 10))
    with torch.no_grad():
        weight.fill_(5.0)
    with ema.applied(10):
        assert torch.equal(weight, torch.ones(2))
    assert torch.equal(weight, torch.full((2,), 5.0))
