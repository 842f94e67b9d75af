"""Weights in few bits, and back.

    matrix as int8            NAME.int8 codes of its shape, NAME.scale fp32, one for each output row
    matrix as a difference    NAME.difference uint8 (g, GROUP * bits / 8), NAME.group_scale fp16 (g,)
    anything else             as it is

A network that was trained on from another is near it: few bits tell the difference as well as eight tell the whole.
The difference is cut, row after row, into groups of GROUP; the base is what its own stored codes unpack to, so that
its rounding is made up for and no error adds up.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import pad

from skyloom.errors import CheckpointError

DTYPES = ("int8", "bf16", "fp32")
CODES, SCALE = ".int8", ".scale"
DIFFERENCE, GROUP_SCALE = ".difference", ".group_scale"
GROUP = 64
BITS = (4, 5, 6)
LOW = 4  # a group's first bytes hold the low bits of its codes, the others what is above
SHARES = tuple(0.6 + 0.05 * step for step in range(11))
"""Scales that are tried, as shares of the one that just holds a group's largest difference."""


def pack(state: Mapping[str, Tensor], dtype: str) -> dict[str, Tensor]:
    """Store matrices as `dtype`: "fp32", "bf16", or "int8" codes with one fp32 scale for each output row."""
    packed: dict[str, Tensor] = {}
    for name, tensor in state.items():
        values = tensor.detach().cpu()
        if not _is_matrix(values):
            packed[name] = values.clone()
        elif dtype == "int8":
            rows = values.float().flatten(1)
            scale = rows.abs().amax(1).clamp(min=1e-12) / 127
            packed[name + CODES] = (rows / scale[:, None]).round().to(torch.int8).reshape(values.shape)
            packed[name + SCALE] = scale
        else:
            packed[name] = values.to(torch.bfloat16 if dtype == "bf16" else torch.float32).contiguous()
    return packed


def pack_difference(state: Mapping[str, Tensor], base: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Store matrices as their difference from those of the same name and shape in `base`, the rest as int8 does.

    Each takes the fewest of BITS that come as near as int8; where none does, it is stored as int8. base: fp32 weights
    as `unpack` returns them, which is what `unpack` must be given again.
    """
    packed: dict[str, Tensor] = {}
    for name, tensor in state.items():
        values, whole = tensor.detach().cpu(), pack({name: tensor}, "int8")
        alike = _is_matrix(values) and name in base and base[name].shape == values.shape
        packed |= (_difference(name, values.float(), base, whole) if alike else None) or whole
    return packed


def unpack(packed: Mapping[str, Tensor], base: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
    """Return fp32 weights from what `pack` or, with the same base, `pack_difference` made. Raises CheckpointError."""
    state: dict[str, Tensor] = {}
    for name, tensor in packed.items():
        if name.endswith(CODES):
            plain = name.removesuffix(CODES)
            scale = packed[plain + SCALE]
            state[plain] = tensor.float() * scale.reshape(-1, *[1] * (tensor.dim() - 1))
        elif name.endswith(DIFFERENCE):
            plain = name.removesuffix(DIFFERENCE)
            state[plain] = _add(base, plain, tensor, packed[plain + GROUP_SCALE])
        elif not _is_scale(name, packed):
            state[name] = tensor.float() if tensor.is_floating_point() else tensor
    return state


def holds_differences(packed: Mapping[str, Tensor]) -> bool:
    """Say whether a base is needed to unpack."""
    return any(name.endswith(DIFFERENCE) for name in packed)


def _is_matrix(values: Tensor) -> bool:
    return values.dim() >= 2 and values.is_floating_point()


def _is_scale(name: str, packed: Mapping[str, Tensor]) -> bool:
    ends = ((SCALE, CODES), (GROUP_SCALE, DIFFERENCE))
    return any(name.endswith(end) and name.removesuffix(end) + codes in packed for end, codes in ends)


def _difference(
    name: str, values: Tensor, base: Mapping[str, Tensor], whole: Mapping[str, Tensor]
) -> dict[str, Tensor] | None:
    """Store a matrix in the fewest bits that come as near as `whole` does; None where none do."""
    bound = (unpack(whole)[name] - values).square().sum()
    for bits in BITS:
        codes, scale = _rounded(values - base[name], bits)
        stored = {name + DIFFERENCE: _to_bytes(codes + 2 ** (bits - 1), bits), name + GROUP_SCALE: scale}
        if (unpack(stored, base)[name] - values).square().sum() <= bound:
            return stored
    return None


def _rounded(difference: Tensor, bits: int) -> tuple[Tensor, Tensor]:
    """Return codes (g, GROUP) in [-half, half) and fp16 scales (g,): for each group, those of the least squared error.

    A scale is tried by rounding to it, fitting it to the codes by least squares and rounding again.
    """
    half = 2 ** (bits - 1)
    flat = difference.flatten()
    groups = pad(flat, (0, -flat.numel() % GROUP)).view(-1, GROUP)
    largest = groups.gather(1, groups.abs().argmax(1, keepdim=True)) / -half
    best, fitted = torch.zeros_like(groups), torch.zeros_like(largest)
    least = torch.full_like(largest, torch.inf)
    for share in SHARES:
        codes = _codes(groups, share * largest, half)
        scale = (groups * codes).sum(1, keepdim=True) / codes.square().sum(1, keepdim=True).clamp(min=1)
        scale = scale.half().float()
        codes = _codes(groups, scale, half)
        error = (codes * scale - groups).square().sum(1, keepdim=True)
        better = error < least
        best, fitted = torch.where(better, codes, best), torch.where(better, scale, fitted)
        least = torch.where(better, error, least)
    return best, fitted[:, 0].half()


def _codes(groups: Tensor, scale: Tensor, half: int) -> Tensor:
    return torch.where(scale == 0, 0.0, groups / scale).round().clamp(-half, half - 1)


def _to_bytes(codes: Tensor, bits: int) -> Tensor:
    """Turn codes (g, GROUP) in [0, 2 ** bits) into bytes (g, GROUP * bits / 8)."""
    codes = codes.to(torch.uint8)
    parts = [_squeeze(codes % 2**LOW, LOW)]
    if bits > LOW:
        parts.append(_squeeze(codes >> LOW, bits - LOW))
    return torch.cat(parts, dim=1)


def _from_bytes(stored: Tensor, bits: int) -> Tensor:
    """Turn bytes (g, GROUP * bits / 8) into codes (g, GROUP)."""
    low = GROUP * LOW // 8
    codes = _spread(stored[:, :low], LOW)
    return codes if bits == LOW else codes | _spread(stored[:, low:], bits - LOW) << LOW


def _squeeze(codes: Tensor, width: int) -> Tensor:
    """Lay codes (g, n) of `width` bits, which divides 8, into bytes (g, n * width / 8)."""
    parts = codes.chunk(8 // width, dim=1)
    return torch.stack([part << width * place for place, part in enumerate(parts)]).sum(0, dtype=torch.uint8)


def _spread(stored: Tensor, width: int) -> Tensor:
    """Undo `_squeeze`."""
    return torch.cat([stored >> shift & 2**width - 1 for shift in range(0, 8, width)], dim=1)


def _add(base: Mapping[str, Tensor] | None, name: str, stored: Tensor, scale: Tensor) -> Tensor:
    """Add a stored difference to the base's matrix. Raises CheckpointError where there is none that it fits."""
    if base is None:
        raise CheckpointError(f"{name} is stored as a difference: load it with the checkpoint it belongs to")
    bits = 8 * stored.shape[-1] // GROUP
    if stored.shape != (len(scale), GROUP * bits // 8) or bits not in BITS:
        raise CheckpointError(f"{name} is stored as a difference of shape {tuple(stored.shape)}, which is damaged")
    if name not in base or -(-base[name].numel() // GROUP) != len(scale):
        found = tuple(base[name].shape) if name in base else "none"
        raise CheckpointError(f"{name} is a difference of {len(scale)} groups from a matrix, there is: {found}")
    steps = _from_bytes(stored, bits).float().sub_(2 ** (bits - 1)).mul_(scale.float()[:, None])
    return steps.flatten()[: base[name].numel()].view(base[name].shape) + base[name]
