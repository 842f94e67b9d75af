"""Muon and AdamW against what is known of them."""

import pytest
import torch
from torch import nn

from skyloom.config import OptimConfig
from skyloom.training.optim import Optimizer, clip_gradients, lr_factor, orthogonalise


def matrices(count, rows, columns, seed=0):
    return torch.randn(count, rows, columns, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("rows", "columns"), [(8, 8), (12, 40), (40, 12)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_orthogonalise_is_near_the_polar_factor(rows, columns, dtype):
    left, _, right = torch.linalg.svd(matrices(5, rows, columns), full_matrices=False)
    stack = left * torch.logspace(-1.5, 1, min(rows, columns)) @ right
    answer = orthogonalise(stack, dtype)
    values = torch.linalg.svdvals(answer)
    assert values.min() > 0.8 and values.max() < 1.16
    polar = left @ right
    cosine = (answer * polar).sum((1, 2)) / (answer.norm(dim=(1, 2)) * polar.norm(dim=(1, 2)))
    assert cosine.min() > 0.99


def test_orthogonalise_ignores_scale_and_turns_with_the_matrix():
    stack = matrices(1, 10, 16)
    turn = torch.linalg.qr(matrices(1, 10, 10, seed=1))[0]
    answer = orthogonalise(stack)
    assert torch.allclose(orthogonalise(1e-3 * stack), answer, atol=1e-5)
    assert torch.allclose(orthogonalise(turn @ stack), turn @ answer, atol=1e-4)


def test_muon_step_is_known_for_the_first_gradient():
    weight = nn.Parameter(torch.zeros(12, 4))
    optimizer = Optimizer({"w": weight}, OptimConfig(muon_lr=0.5, weight_decay=0.0))
    gradient = matrices(1, 12, 4)[0]
    weight.grad = gradient.clone()
    optimizer.step(0, 1.0)
    assert torch.allclose(weight.detach(), -0.5 * 3**0.5 * orthogonalise(gradient[None])[0], atol=1e-4)


def test_fused_matrices_are_orthogonalised_apart():
    fused = nn.Parameter(torch.zeros(12, 4))
    fused.muon_splits = 3
    apart = {str(i): nn.Parameter(torch.zeros(4, 4)) for i in range(3)}
    gradient = matrices(1, 12, 4)[0] * torch.tensor([1.0] * 4 + [50.0] * 4 + [0.1] * 4)[:, None]
    fused.grad = gradient.clone()
    for part, rows in zip(apart.values(), gradient.split(4), strict=True):
        part.grad = rows.clone()
    Optimizer({"fused": fused}, OptimConfig()).step(0, 1.0)
    Optimizer(apart, OptimConfig()).step(0, 1.0)
    assert torch.allclose(fused, torch.cat(list(apart.values())), atol=1e-6)


def test_adamw_equals_torch():
    config = OptimConfig(adamw_lr=1e-2, weight_decay=0.1)
    ours, theirs = (nn.Parameter(matrices(1, 6, 5)[0].clone()) for _ in range(2))
    ours.muon = False
    optimizer = Optimizer({"w": ours}, config)
    reference = torch.optim.AdamW([theirs], lr=1e-2, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1)
    for step in range(20):
        gradient = matrices(1, 6, 5, seed=step)[0]
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        optimizer.step(step, 1.0)
        reference.step()
    assert torch.allclose(ours, theirs, atol=1e-6)


def test_both_rules_find_the_minimum_of_a_quadratic():
    target = matrices(1, 6, 9, seed=3)[0]
    model = nn.ParameterDict({"hidden": nn.Parameter(torch.zeros(6, 9)), "bias": nn.Parameter(torch.zeros(6))})
    optimizer = Optimizer(dict(model.named_parameters()), OptimConfig(0.05, 0.05, weight_decay=0.0))
    for step in range(300):
        loss = (model["hidden"] - target).square().sum() + (model["bias"] - target[:, 0]).square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step(step, 1 - step / 300)
    assert loss < 1e-3


def test_weight_decay_shrinks_towards_zero():
    weight = nn.Parameter(torch.ones(4, 4))
    optimizer = Optimizer({"w": weight}, OptimConfig(muon_lr=0.1, weight_decay=0.5))
    weight.grad = torch.zeros(4, 4)
    optimizer.step(0, 1.0)
    assert torch.allclose(weight, torch.full((4, 4), 0.95))


def test_a_parameter_without_a_gradient_stays():
    weight = nn.Parameter(torch.ones(4, 4))
    optimizer = Optimizer({"w": weight}, OptimConfig())
    optimizer.step(0, 1.0)
    assert torch.equal(weight, torch.ones(4, 4))


def test_clip_gradients_returns_the_norm_and_keeps_the_direction():
    parameters = {name: nn.Parameter(torch.zeros(2)) for name in "ab"}
    parameters["a"].grad, parameters["b"].grad = torch.tensor([3.0, 0.0]), torch.tensor([0.0, 4.0])
    assert torch.isclose(clip_gradients(parameters, 1.0), torch.tensor(5.0))
    assert torch.allclose(parameters["a"].grad, torch.tensor([0.6, 0.0]), atol=1e-5)
    assert torch.isclose(clip_gradients(parameters, 2.0), torch.tensor(1.0), atol=1e-5)
    assert torch.allclose(parameters["b"].grad, torch.tensor([0.0, 0.8]), atol=1e-5)


def test_the_rate_warms_up_holds_and_ends_decayed():
    config = OptimConfig(warmup_steps=10, decay_share=0.2)
    rates = [lr_factor(step, 100, config) for step in range(100)]
    assert rates[0] == 0.1 and rates[9] == 1.0 and rates[80] == 1.0
    assert rates[90] == pytest.approx(0.5) and rates[99] == pytest.approx(0.05)
