"""Randomness as an argument: named generators, hashed numbers.

`generator_for` gives a torch generator that depends on (seed, purpose, index) only: one for each sample or training
step, so that a seed gives the same video in any batch and a resumed run draws what the unbroken one would have drawn.
`hashed_uniform` is counter-based (splitmix64, Steele et al. 2014): number i is a function of (seed, purpose, i) alone,
computed in int64 on any device, so scene i of a world is the same in any batch, on a CPU and on a GPU.
"""

from __future__ import annotations

import hashlib
import secrets

import torch
from torch import Tensor

from skyloom.errors import InvalidArgument

MAX_SEED = 2**63 - 1


def check_seed(seed: int | None) -> int:
    """Return `seed`, or a fresh random one for None. Raises InvalidArgument outside [0, 2**63)."""
    if seed is None:
        return secrets.randbelow(2**31)
    if not 0 <= seed <= MAX_SEED:
        raise InvalidArgument("seed", seed, f"be between 0 and {MAX_SEED}", min(max(seed, 0), MAX_SEED))
    return seed


def derive_seed(seed: int, purpose: str, index: int = 0) -> int:
    """Return a 63-bit seed that depends on all three arguments (BLAKE2b)."""
    digest = hashlib.blake2b(f"{seed}/{purpose}/{index}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") & MAX_SEED


def generator_for(seed: int, purpose: str, index: int = 0, device: str | torch.device = "cpu") -> torch.Generator:
    """Return a generator for one sample or one step: the same arguments always give the same numbers."""
    return torch.Generator(device=device).manual_seed(derive_seed(seed, purpose, index))


def normal_on(
    device: str | torch.device, shape: tuple[int, ...], generator: torch.Generator, rows: slice = slice(None)
) -> Tensor:
    """Return `rows` of normal numbers of `shape`, on a device.

    A GPU draws them itself, from a seed that the generator (of a CPU) gives: other numbers than a CPU's, sooner there.
    """
    if torch.device(device).type == "cpu":
        return torch.randn(*shape, generator=generator)[rows]
    seed = int(torch.randint(MAX_SEED, (), generator=generator))
    return torch.randn(*shape, generator=torch.Generator(device).manual_seed(seed), device=device)[rows]


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _shift_right(bits: Tensor, places: int) -> Tensor:
    """Logical shift of int64 (torch's own shift keeps the sign)."""
    return (bits >> places) & ((1 << (64 - places)) - 1)


def hashed_bits(seed: int, purpose: str, index: Tensor, lanes: int = 1) -> Tensor:
    """Hash (seed, purpose, index, lane) to int64 bits.

    index: (n,) int64. Returns (n, lanes) int64.
    """
    key = derive_seed(seed, purpose)
    lane = torch.arange(lanes, device=index.device, dtype=torch.int64)
    bits = key + (index.long()[:, None] * 0x632BE5AB + lane + 1) * _signed(0x9E3779B97F4A7C15)
    bits = (bits ^ _shift_right(bits, 30)) * _signed(0xBF58476D1CE4E5B9)
    bits = (bits ^ _shift_right(bits, 27)) * _signed(0x94D049BB133111EB)
    return bits ^ _shift_right(bits, 31)


def hashed_uniform(seed: int, purpose: str, index: Tensor, lanes: int = 1) -> Tensor:
    """Return uniform numbers in [0, 1): (n, lanes) float32, for index (n,) int64."""
    return _shift_right(hashed_bits(seed, purpose, index, lanes), 40).float() / float(1 << 24)
