"""Norms, attention, feed-forward: the shared blocks.

Weights carry two marks for the optimizer: `muon` (False keeps a matrix out of Muon) and `muon_splits` (a fused matrix
is orthogonalised in so many row blocks).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from skyloom.models.attention import attend


class RMSNorm(nn.Module):
    """Root-mean-square norm over the last axis (Zhang & Sennrich 2019), computed in float32."""

    def __init__(self, size: int, learned: bool = True) -> None:
        super().__init__()
        self.size = size
        self.weight = nn.Parameter(torch.ones(size)) if learned else None

    def forward(self, x: Tensor) -> Tensor:
        """x: (..., size). Returns the same shape and type."""
        normed = F.rms_norm(x.float(), (self.size,), eps=1e-6)
        return (normed if self.weight is None else normed * self.weight).to(x.dtype)


def linear(rows_in: int, rows_out: int, *, muon: bool = True, splits: int = 1, zero: bool = False) -> nn.Linear:
    """Return a bias-free linear layer (normal with variance 1/rows_in, or zero) marked for the optimizer."""
    layer = nn.Linear(rows_in, rows_out, bias=False)
    nn.init.zeros_(layer.weight) if zero else nn.init.normal_(layer.weight, std=rows_in**-0.5)
    layer.weight.muon = muon  # ty: ignore[missing-attribute]
    layer.weight.muon_splits = splits  # ty: ignore[missing-attribute]
    return layer


class SwiGLU(nn.Module):
    """Gated feed-forward (Shazeer 2020): down(silu(gate) * up)."""

    def __init__(self, size: int, ratio: float) -> None:
        super().__init__()
        hidden = max(8, round(size * ratio / 32) * 32)
        self.gate_up = linear(size, 2 * hidden, splits=2)
        self.down = linear(hidden, size, zero=True)

    def forward(self, x: Tensor) -> Tensor:
        """x: (..., size)."""
        gate, up = self.gate_up(x).chunk(2, dim=-1)
        return self.down(F.silu(gate) * up)


class Attention(nn.Module):
    """Self-attention with normed queries and keys, and rotary positions."""

    def __init__(self, size: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = linear(size, 3 * size, splits=3)
        self.out = linear(size, size, zero=True)
        self.query_norm = RMSNorm(size // num_heads)
        self.key_norm = RMSNorm(size // num_heads)

    def unturned(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return query, key, value (b, n, l, head_dim) of tokens x (b, l, d) that have no place yet."""
        query, key, value = rearrange(self.qkv(x), "b l (three n d) -> three b n l d", three=3, n=self.num_heads)
        return self.query_norm(query), self.key_norm(key), value

    def project(self, x: Tensor, rotation: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """x: (b, l, d); rotation: cos and sin (l, head_dim / 2). Returns query, key, value (b, n, l, head_dim)."""
        query, key, value = self.unturned(x)
        return rotate(query, *rotation), rotate(key, *rotation), value

    def mix(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        """Attend and project: (b, l, d). mask: bool, broadcasts to (b, n, l, keys), True attends."""
        mixed = attend(query, key, value, mask)
        return self.out(rearrange(mixed, "b n l d -> b l (n d)"))

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor], mask: Tensor | None) -> Tensor:
        """x: (b, l, d); rotation: cos and sin (l, head_dim / 2); mask: bool, to (b, n, l, l), True attends."""
        return self.mix(*self.project(x, rotation), mask)


class ReadingAttention(Attention):
    """Self-attention that reads words too: their keys and values join those of the video in one softmax.

    Words are read, not rewritten, so a word costs two projections where a video token costs a whole block, and its
    keys and values are the same at every noise level. Words have no place: they are not rotated.
    """

    def __init__(self, size: int, num_heads: int) -> None:
        super().__init__(size, num_heads)
        self.words = linear(size, 2 * size, splits=2)

    def read(self, x: Tensor, words: Tensor, rotation: tuple[Tensor, Tensor], mask: Tensor | None) -> Tensor:
        """x: (b, l, d); words: (b, m, d); mask: bool, to (b, n, l, m + l), words first. Returns (b, l, d)."""
        query, key, value = self.project(x, rotation)
        said, meant = self.heard(words)
        return self.mix(query, torch.cat([said, key], dim=2), torch.cat([meant, value], dim=2), mask)

    def heard(self, words: Tensor) -> tuple[Tensor, Tensor]:
        """Return key and value (b, n, m, head_dim) of words (b, m, d)."""
        said, meant = rearrange(self.words(words), "b m (two n d) -> two b n m d", two=2, n=self.num_heads)
        return self.key_norm(said), meant


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn the pairs (first half, second half) of x (b, n, l, head_dim) by the angles of cos, sin (l, head_dim / 2)."""
    first, second = x.chunk(2, dim=-1)
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


@dataclass(frozen=True)
class Modulation:
    """What a noise level does to a normed token: x * (1 + scale) + shift, and a gate on the branch's result."""

    shift: Tensor
    scale: Tensor
    gate: Tensor

    def apply(self, x: Tensor) -> Tensor:
        """x: (b, l, d); fields broadcast to it."""
        return x * (1 + self.scale) + self.shift


def fourier_features(values: Tensor, size: int, max_period: float = 10_000.0) -> Tensor:
    """Return cos and sin of values (...) at size / 2 geometric frequencies: (..., size) (Vaswani et al. 2017)."""
    exponents = torch.arange(size // 2, device=values.device, dtype=torch.float32) / (size // 2)
    angles = values.float()[..., None] * max_period**-exponents
    return torch.cat([angles.cos(), angles.sin()], dim=-1)
