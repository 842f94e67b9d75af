"""Checkpoint folders, written and read.

    config.json              the preset as plain values, how to sample, kind and version
    autoencoder.safetensors  transformer.safetensors     never a pickle
    planner.safetensors      networks of EXTRAS, only those that were trained
    card.md                  data, seed, steps, hardware, minutes, measured scores, the command that made it

Weights are stored in bf16 or, matrices only, in 8 bits with a scale for each output row; vectors stay in fp32.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from skyloom.config import Preset, from_dict, to_dict
from skyloom.errors import CheckpointError, InvalidArgument, nearest_name, one_of

KIND, VERSION = "skyloom checkpoint", 1
WEIGHTS = Path(__file__).parent.parent / "weights"
PARTS = ("autoencoder", "transformer")
EXTRAS = ("planner", "causal", "few_step")
"""Networks that a checkpoint may hold beside its PARTS, stored as the transformer is."""
DTYPES = ("int8", "bf16", "fp32")
CODES, SCALE = ".int8", ".scale"


@dataclass(frozen=True)
class SamplingConfig:
    """How a checkpoint is best asked; each value is the default of the command line's flag of that name."""

    num_inference_steps: int = 20
    guidance_scale: float = 4.0
    shift: float = 1.0
    guidance_low: float = 0.0
    guidance_high: float = 1.0
    rescale: float = 0.0
    method: str = "euler"


@dataclass(frozen=True)
class Checkpoint:
    """What a folder holds; `extras`: weights of the networks of EXTRAS that are there, by name."""

    name: str
    folder: Path
    preset: Preset
    sampling: SamplingConfig
    autoencoder: dict[str, Tensor]
    transformer: dict[str, Tensor]
    card: str
    sha256: str
    files: dict[str, int] = field(default_factory=dict)
    extras: dict[str, dict[str, Tensor]] = field(default_factory=dict)


def pack(state: Mapping[str, Tensor], dtype: str) -> dict[str, Tensor]:
    """Store matrices as `dtype`: "fp32", "bf16", or "int8" codes with one fp32 scale for each output row."""
    packed: dict[str, Tensor] = {}
    for name, tensor in state.items():
        values = tensor.detach().cpu()
        if values.dim() < 2 or not values.is_floating_point():
            packed[name] = values.clone()
        elif dtype == "int8":
            rows = values.float().flatten(1)
            scale = rows.abs().amax(1).clamp(min=1e-12) / 127
            packed[name + CODES] = (rows / scale[:, None]).round().to(torch.int8).reshape(values.shape)
            packed[name + SCALE] = scale
        else:
            packed[name] = values.to(torch.bfloat16 if dtype == "bf16" else torch.float32).contiguous()
    return packed


def unpack(packed: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return fp32 weights from what `pack` made."""
    state: dict[str, Tensor] = {}
    for name, tensor in packed.items():
        if name.endswith(CODES):
            plain = name.removesuffix(CODES)
            scale = packed[plain + SCALE]
            state[plain] = tensor.float() * scale.reshape(-1, *[1] * (tensor.dim() - 1))
        elif not (name.endswith(SCALE) and name.removesuffix(SCALE) + CODES in packed):
            state[name] = tensor.float() if tensor.is_floating_point() else tensor
    return state


def save_checkpoint(
    folder: Path | str,
    preset: Preset,
    autoencoder_state: Mapping[str, Tensor],
    transformer_state: Mapping[str, Tensor],
    card: str,
    dtype: str = "bf16",
    *,
    autoencoder_dtype: str = "bf16",
    sampling: SamplingConfig | None = None,
    extras: Mapping[str, Mapping[str, Tensor]] | None = None,
) -> Path:
    """Write a checkpoint beside its place, then rename it; an older one there is replaced. Returns the folder.

    dtype: "bf16", "int8" or "fp32", for the matrices of the transformer and of `extras`, networks by name (EXTRAS); the
    autoencoder has its own. Raises CheckpointError when the place cannot be written or holds something else.
    """
    one_of("dtype", dtype, DTYPES)
    one_of("autoencoder_dtype", autoencoder_dtype, DTYPES)
    folder = Path(folder)
    if folder.exists() and not _is_checkpoint(folder):
        raise CheckpointError(f"{folder} exists and is not a checkpoint; it is left alone")
    extras = {one_of("extras", part, EXTRAS): state for part, state in (extras or {}).items()}
    sampling = sampling or SamplingConfig()
    config = {"kind": KIND, "version": VERSION, "preset": to_dict(preset), "sampling": to_dict(sampling)}
    with _replacing(folder) as beside:
        (beside / "config.json").write_text(json.dumps(config, indent=1) + "\n")
        (beside / "card.md").write_text(card)
        save_file(pack(autoencoder_state, autoencoder_dtype), _file(beside, "autoencoder"))
        save_file(pack(transformer_state, dtype), _file(beside, "transformer"))
        for part, state in extras.items():
            save_file(pack(state, dtype), _file(beside, part))
    return folder


@contextmanager
def _replacing(folder: Path) -> Generator[Path]:
    """Yield a folder beside a place; once all is written it takes the place, and what stood there goes."""
    beside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    older = beside.with_name(beside.name + ".older")
    try:
        beside.mkdir(parents=True)
        yield beside
        if folder.exists():
            folder.rename(older)
        beside.rename(folder)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"cannot write {folder}: {error}") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        shutil.rmtree(older, ignore_errors=True)


def _file(folder: Path, part: str) -> Path:
    return folder / f"{part}.safetensors"


def parts_of(folder: Path) -> list[str]:
    """Return the names of the networks that a checkpoint has: all PARTS, and those of EXTRAS that are there."""
    return [*PARTS, *(part for part in EXTRAS if _file(folder, part).exists())]


def _is_checkpoint(folder: Path) -> bool:
    files = {file.name for file in folder.iterdir()} if folder.is_dir() else {"?"}
    return not files or ("config.json" in files and any(f"{part}.safetensors" in files for part in PARTS))


def shipped() -> list[str]:
    """Return the names of the checkpoints in the package."""
    return sorted(file.parent.name for file in WEIGHTS.glob("*/transformer.safetensors"))


def resolve(name_or_path: str | Path | None) -> Path:
    """Return a checkpoint's folder: a path, a shipped name, or the default one for None. Raises CheckpointError."""
    default = WEIGHTS / "DEFAULT"
    if name_or_path is None:
        if not default.exists():
            raise CheckpointError("no checkpoint is shipped with this copy; name one, or train one")
        name_or_path = default.read_text().strip()
    folder = WEIGHTS / name_or_path if str(name_or_path) in shipped() else Path(name_or_path)
    if not folder.exists():
        names = shipped()
        nearest = nearest_name(str(name_or_path), names)
        tail = f"; nearest: {nearest}" if nearest else ""
        raise CheckpointError(f"no checkpoint {str(name_or_path)!r}: shipped are {', '.join(names) or 'none'}{tail}")
    return folder


def load_checkpoint(name_or_path: str | Path | None = None) -> Checkpoint:
    """Read a checkpoint. Raises CheckpointError for a missing, incomplete or foreign one."""
    folder = resolve(name_or_path)
    preset, sampling = read_config(folder)
    networks = {part: _read_part(folder, part) for part in parts_of(folder)}
    card = folder / "card.md"
    files = {file.name: file.stat().st_size for file in sorted(folder.iterdir()) if file.is_file()}
    text = card.read_text() if card.exists() else ""
    name, digest = folder.resolve().name, sha256_of(folder)
    autoencoder, transformer = (networks.pop(part) for part in PARTS)
    return Checkpoint(name, folder, preset, sampling, autoencoder, transformer, text, digest, files, networks)


def read_config(folder: Path) -> tuple[Preset, SamplingConfig]:
    """Read what a checkpoint says of itself. Raises CheckpointError."""
    path = folder / "config.json"
    if not path.is_file():
        raise CheckpointError(f"{folder} is not a checkpoint: it has no config.json")
    try:
        config: dict[str, Any] = json.loads(path.read_text())
        if not isinstance(config, dict) or config.get("kind") != KIND:
            raise CheckpointError(f"{folder} is not a checkpoint of Skyloom")
        if config.get("version") != VERSION:
            raise CheckpointError(f"{folder} has version {config.get('version')}, this program reads {VERSION}")
        return from_dict(Preset, config["preset"]), from_dict(SamplingConfig, config["sampling"])
    except (ValueError, KeyError, TypeError, InvalidArgument) as error:
        raise CheckpointError(f"{path} is damaged: {error}") from error


def _read_part(folder: Path, part: str) -> dict[str, Tensor]:
    path = _file(folder, part)
    if not path.is_file():
        raise CheckpointError(f"{folder} is incomplete: it has no {path.name}")
    try:
        return unpack(load_file(path))
    except (SafetensorError, OSError, KeyError, RuntimeError) as error:
        raise CheckpointError(f"{path} is damaged: {error}") from error


def sha256_of(folder: Path) -> str:
    """Return one hash of a checkpoint's config and weights (not its card): 64 hex digits."""
    digest = hashlib.sha256()
    for file in (folder / "config.json", *(_file(folder, part) for part in parts_of(folder))):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def fill(network: torch.nn.Module, state: Mapping[str, Tensor], name: str) -> None:
    """Load weights into a network. Raises CheckpointError naming what does not fit."""
    wanted = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    found = {key: tuple(value.shape) for key, value in state.items()}
    if wanted != found:
        wrong = sorted(key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key))
        raise CheckpointError(f"{name} does not fit its config: {len(wrong)} tensors differ, the first is {wrong[0]}")
    network.load_state_dict(state)
