"""Muon on hidden matrices, AdamW on the rest.

Muon (Jordan et al. 2024, "Muon: an optimizer for hidden layers") moves a matrix along the orthogonal polar factor of
its momentum. The factor is found by five quintic Newton-Schulz steps with the coefficients of Polar Express (Amsel et
al. 2025, arXiv 2505.16932). A parameter may carry two attributes: `muon = False` sends it to AdamW, `muon_splits = 3`
treats the rows of a fused projection as so many matrices.
"""

# pyright: reportPrivateImportUsage=false
from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from skyloom.config import OptimConfig
from skyloom.training.distributed import gather, keep_shard, local

MOMENTUM = 0.95
BETAS = (0.9, 0.95)
EPSILON = 1e-8
SAFETY = 1.02
POLAR_EXPRESS = (
    (8.28721201814563, -23.595886519098837, 17.300387312530933),
    (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
    (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
    (3.3184196573706015, -2.488488024314874, 0.51004894012372),
    (2.300652019954817, -1.6689039845747493, 0.4188073119525673),
)


def lr_factor(step: int, steps: int, config: OptimConfig) -> float:
    """Return the share of the full rate at a step: linear warm-up, constant, linear decay that would be 0 at `steps`.

    >>> lr_factor(0, 1000, OptimConfig()), lr_factor(500, 1000, OptimConfig()), lr_factor(825, 1000, OptimConfig())
    (0.01, 1.0, 0.5)
    """
    rise = (step + 1) / max(1, config.warmup_steps)
    fall = (steps - step) / max(1.0, config.decay_share * steps)
    return min(1.0, rise, fall)


def orthogonalise(matrices: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return the polar factor U V^T of each matrix U S V^T: (n, r, c) to (n, r, c).

    Singular values above a thousandth of the norm come to within 0.8 and 1.15.
    """
    if matrices.shape[-2] > matrices.shape[-1]:
        return orthogonalise(matrices.mT, dtype).mT
    norm = torch.linalg.matrix_norm(matrices.float(), keepdim=True)
    factor = (matrices / (norm * SAFETY + 1e-12)).to(dtype)
    for linear, cubic, quintic in POLAR_EXPRESS:
        linear, cubic, quintic = linear / SAFETY, cubic / SAFETY**3, quintic / SAFETY**5
        gram = factor @ factor.mT
        poly = torch.baddbmm(gram, gram, gram, beta=cubic, alpha=quintic)
        factor = torch.baddbmm(factor, poly, factor, beta=linear)
    return factor.to(matrices.dtype)


def is_hidden(parameter: Tensor) -> bool:
    """Tell whether Muon trains this parameter: a matrix or a convolution's kernel that the model did not exempt."""
    return parameter.ndim >= 2 and getattr(parameter, "muon", True)


class Optimizer:
    """Both rules over one set of named parameters. `state` is a flat dict of tensors, all float32."""

    def __init__(
        self, parameters: Mapping[str, nn.Parameter], config: OptimConfig, dtype: torch.dtype = torch.float32
    ) -> None:
        """`dtype` is the one in which Newton-Schulz runs (bfloat16 is safe and faster where the machine has it)."""
        self.config, self.dtype, self.parameters = config, dtype, dict(parameters)
        self.state: dict[str, Tensor] = {}
        for name, parameter in self.parameters.items():
            for kind in ("momentum",) if is_hidden(parameter) else ("mean", "square"):
                self.state[f"{kind}/{name}"] = torch.zeros_like(parameter, requires_grad=False)

    @torch.no_grad()
    def step(self, step: int, factor: float) -> None:
        """Move every parameter that has a gradient. `step` counts from 0; `factor` scales both learning rates."""
        moved = {name: p for name, p in self.parameters.items() if p.grad is not None}
        hidden = {name: p for name, p in moved.items() if is_hidden(p)}
        rest = {name: p for name, p in moved.items() if not is_hidden(p)}
        if hidden:
            self._muon(hidden, self.config.muon_lr * factor)
        if rest:
            self._adamw(rest, self.config.adamw_lr * factor, step + 1)

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters.values():
            parameter.grad = None

    def _kept(self, kind: str, names: Mapping[str, nn.Parameter]) -> list[Tensor]:
        return [local(self.state[f"{kind}/{name}"]) for name in names]

    def _muon(self, parameters: Mapping[str, nn.Parameter], rate: float) -> None:
        """Nesterov momentum, then all matrices of one shape orthogonalised in one batch."""
        gradients = [local(p.grad) for p in parameters.values()]  # type: ignore[arg-type]
        momenta = self._kept("momentum", parameters)
        torch._foreach_lerp_(momenta, gradients, 1 - MOMENTUM)
        ahead = torch._foreach_lerp(gradients, momenta, MOMENTUM)
        torch._foreach_mul_([local(p) for p in parameters.values()], 1 - rate * self.config.weight_decay)
        batches: dict[torch.Size, list[tuple[nn.Parameter, Tensor]]] = defaultdict(list)
        for parameter, update in zip(parameters.values(), ahead, strict=True):
            matrices = _as_matrices(gather(update, parameter), getattr(parameter, "muon_splits", 1))
            batches[matrices.shape[1:]].append((parameter, matrices))
        for (rows, columns), members in batches.items():
            factors = orthogonalise(torch.cat([matrices for _, matrices in members]), self.dtype)
            scale = max(1.0, rows / columns) ** 0.5
            for (parameter, matrices), moved in zip(members, factors.split([len(m) for _, m in members]), strict=True):
                update = keep_shard(moved.to(matrices.dtype).reshape(parameter.shape), parameter)
                local(parameter).add_(update, alpha=-rate * scale)

    def _adamw(self, parameters: Mapping[str, nn.Parameter], rate: float, count: int) -> None:
        """Loshchilov and Hutter 2019, algorithm 2."""
        gradients = [local(p.grad) for p in parameters.values()]  # type: ignore[arg-type]
        weights = [local(p) for p in parameters.values()]
        means, squares = self._kept("mean", parameters), self._kept("square", parameters)
        torch._foreach_lerp_(means, gradients, 1 - BETAS[0])
        torch._foreach_mul_(squares, BETAS[1])
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - BETAS[1])
        roots = torch._foreach_sqrt(squares)
        torch._foreach_div_(roots, (1 - BETAS[1] ** count) ** 0.5)
        torch._foreach_add_(roots, EPSILON)
        torch._foreach_mul_(weights, 1 - rate * self.config.weight_decay)
        torch._foreach_addcdiv_(weights, means, roots, -rate / (1 - BETAS[0] ** count))


def _as_matrices(update: Tensor, splits: int) -> Tensor:
    """View a weight (out, ...) as (splits, out / splits, columns)."""
    return update.reshape(splits, update.shape[0] // splits, -1)


def clip_gradients(parameters: Mapping[str, nn.Parameter], most: float) -> Tensor:
    """Scale all gradients so that their joint norm is at most `most`; return the norm they had."""
    gradients = [p.grad for p in parameters.values() if p.grad is not None]
    norm = gather(torch.nn.utils.get_total_norm(gradients))
    torch._foreach_mul_([local(g) for g in gradients], (most / (norm + 1e-6)).clamp(max=1.0))
    return norm
