"""From a checkpoint's folder to networks that answer."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from skyloom.config import Preset
from skyloom.errors import CheckpointError
from skyloom.models.autoencoder import Autoencoder
from skyloom.models.locator import Locator
from skyloom.models.text_encoder import TextEncoder, load_text_encoder
from skyloom.models.transformer import Transformer
from skyloom.pipelines.checkpoint import Checkpoint, fill, load_checkpoint
from skyloom.pipelines.pipeline import Pipeline

LATER = ("causal", "few_step")
"""Networks that are built when they are first asked for."""


def extra_network(part: str, preset: Preset) -> Transformer | Locator | None:
    """Make the network of EXTRAS that a checkpoint may hold beside the two; None where the preset has none such."""
    if part == "locator":
        return None if preset.locator is None else Locator(preset.locator)
    config = {"planner": preset.planner, "causal": preset.transformer, "few_step": preset.few_step}[part]
    return None if config is None else Transformer(config)


def from_checkpoint(checkpoint: Checkpoint, text_encoder: TextEncoder, device: str = "cpu") -> Pipeline:
    """Build the networks of a checkpoint. Raises CheckpointError where the weights do not fit the config."""
    preset = checkpoint.preset
    autoencoder, transformer = Autoencoder(preset.autoencoder), Transformer(preset.transformer)
    fill(autoencoder, checkpoint.autoencoder, "autoencoder.safetensors")
    fill(transformer, checkpoint.transformer, "transformer.safetensors")
    now = {part: _extra(checkpoint, part, device) for part in ("planner", "locator") if part in checkpoint.extras}
    later = {part: partial(_extra, checkpoint, part, device) for part in LATER if part in checkpoint.extras}
    return Pipeline(
        autoencoder.to(device), transformer.to(device), text_encoder, preset, checkpoint.name,
        sampling=checkpoint.sampling, sha256=checkpoint.sha256, **now, **later,
    )  # fmt: skip


def _extra(checkpoint: Checkpoint, part: str, device: str) -> Any:
    """Build one of EXTRAS. Raises CheckpointError where the preset knows none such."""
    network = extra_network(part, checkpoint.preset)
    if network is None:
        raise CheckpointError(f"{part}.safetensors is there, but the preset {checkpoint.preset.name} has no {part}")
    fill(network, checkpoint.extras[part], f"{part}.safetensors")
    return network.to(device)


def load(name_or_path: str | Path | None = None, device: str = "cpu") -> Pipeline:
    """Load a checkpoint by shipped name or folder; None is the best one shipped. Raises CheckpointError."""
    return from_checkpoint(load_checkpoint(name_or_path), load_text_encoder(), device)
