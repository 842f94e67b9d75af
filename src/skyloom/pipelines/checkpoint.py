"""Checkpoint folders, written and read.

    config.json              the preset as plain values, how to sample, kind and version
    autoencoder.safetensors  transformer.safetensors     never a pickle
    planner.safetensors      networks of EXTRAS, only those that were trained
    card.md                  data, seed, steps, hardware, minutes, measured scores, the command that made it

Matrices are stored in fp32, bf16, 8 bits or, for networks of EXTRAS, as what they differ by from the transformer
(pipelines.packing); vectors stay in fp32.
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
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from skyloom.config import Preset, from_dict, to_dict
from skyloom.errors import CheckpointError, InvalidArgument, nearest_name, one_of
from skyloom.pipelines.packing import DTYPES, holds_differences, pack, pack_difference, unpack

KIND, VERSION = "skyloom checkpoint", 1
WEIGHTS = Path(__file__).parent.parent / "weights"
PARTS = ("autoencoder", "transformer")
EXTRAS = ("planner", "locator", "causal", "few_step")
"""Networks that a checkpoint may hold beside its PARTS."""
EXTRAS_DTYPES = ("difference", *DTYPES)
BASE_HASH = "difference from transformer.safetensors, sha256"


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
    extras_dtype: str | None = None,
) -> Path:
    """Write a checkpoint beside its place, then rename it; an older one there is replaced. Returns the folder.

    dtype: "bf16", "int8" or "fp32", for the transformer's matrices; the autoencoder has its own; extras: networks by
    name (EXTRAS); extras_dtype: for their matrices, as the transformer's unless given; "difference" stores in few bits
    how they differ from it. Raises CheckpointError when the place cannot be written or holds something else.
    """
    one_of("dtype", dtype, DTYPES)
    one_of("autoencoder_dtype", autoencoder_dtype, DTYPES)
    extras_dtype = one_of("extras_dtype", extras_dtype or dtype, EXTRAS_DTYPES)
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
        transformer = pack(transformer_state, dtype)
        save_file(transformer, _file(beside, "transformer"))
        for part, state in extras.items():
            if extras_dtype == "difference":
                packed = pack_difference(state, unpack(transformer))
                save_file(packed, _file(beside, part), {BASE_HASH: _transformer_hash(beside)})
            else:
                save_file(pack(state, extras_dtype), _file(beside, part))
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
    networks: dict[str, dict[str, Tensor]] = {}
    for part in parts_of(folder):
        networks[part] = _read_part(folder, part, networks.get("transformer"))
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


def _read_part(folder: Path, part: str, transformer: Mapping[str, Tensor] | None) -> dict[str, Tensor]:
    """Read a network; transformer: its weights, for those that are stored as what they differ by from it."""
    path = _file(folder, part)
    if not path.is_file():
        raise CheckpointError(f"{folder} is incomplete: it has no {path.name}")
    try:
        with safe_open(path, framework="pt") as file:
            packed, said = {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
        if holds_differences(packed) and said.get(BASE_HASH) != _transformer_hash(folder):
            raise CheckpointError(f"{path} was stored as the difference from another transformer: pack both again")
        return unpack(packed, transformer)
    except (SafetensorError, OSError, KeyError, RuntimeError) as error:
        raise CheckpointError(f"{path} is damaged: {error}") from error


def _transformer_hash(folder: Path) -> str:
    return hashlib.sha256(_file(folder, "transformer").read_bytes()).hexdigest()


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
