"""From a checkpoint's folder to networks that answer."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from skyloom.config import TransformerConfig
from skyloom.models.autoencoder import Autoencoder
from skyloom.models.text_encoder import TextEncoder, load_text_encoder
from skyloom.models.transformer import Transformer
from skyloom.pipelines.checkpoint import Checkpoint, fill, load_checkpoint
from skyloom.pipelines.pipeline import Pipeline


def from_checkpoint(checkpoint: Checkpoint, text_encoder: TextEncoder, device: str = "cpu") -> Pipeline:
    """Build the networks of a checkpoint. Raises CheckpointError where the weights do not fit the config."""
    preset = checkpoint.preset
    autoencoder, transformer = Autoencoder(preset.autoencoder), Transformer(preset.transformer)
    fill(autoencoder, checkpoint.autoencoder, "autoencoder.safetensors")
    fill(transformer, checkpoint.transformer, "transformer.safetensors")
    planner = None
    if "planner" in checkpoint.extras and preset.planner is not None:
        planner = Transformer(preset.planner)
        fill(planner, checkpoint.extras["planner"], "planner.safetensors")
        planner = planner.to(device)
    causal, few_step = (
        partial(_later, checkpoint, part, config, device) if part in checkpoint.extras else None
        for part, config in (("causal", preset.transformer), ("few_step", preset.few_step))
    )
    own = {
        "sampling": checkpoint.sampling, "sha256": checkpoint.sha256, "planner": planner, "causal": causal,
        "few_step": few_step,
    }  # fmt: skip
    return Pipeline(autoencoder.to(device), transformer.to(device), text_encoder, preset, checkpoint.name, **own)


def _later(checkpoint: Checkpoint, part: str, config: TransformerConfig, device: str) -> Transformer:
    """Build one of the networks that are built when they are first asked for."""
    network = Transformer(config)
    fill(network, checkpoint.extras[part], f"{part}.safetensors")
    return network.to(device)


def load(name_or_path: str | Path | None = None, device: str = "cpu") -> Pipeline:
    """Load a checkpoint by shipped name or folder; None is the best one shipped. Raises CheckpointError."""
    return from_checkpoint(load_checkpoint(name_or_path), load_text_encoder(), device)
