"""The table of presets, from tiny to large.

A row is everything a checkpoint is made from. Sizes: `tiny` runs in seconds and is for tests; `nano` is trained on two
CPU cores in three to four hours; `base` on one GPU in under an hour; `large` is planned, not trained.
"""

from __future__ import annotations

from typing import Any

from skyloom.config import (
    AutoencoderConfig,
    ClipConfig,
    LocatorConfig,
    OptimConfig,
    Preset,
    TaskMix,
    TrainConfig,
    TransformerConfig,
    WorldConfig,
)
from skyloom.errors import one_of
from skyloom.shapes import plan_channels

NANO_MOTIONS = (
    "stand", "walk", "run", "jump", "bounce", "fall", "roll", "fly", "float", "spin", "grow", "shrink",
)  # fmt: skip

NANO_WORLD = WorldConfig(
    actors=64, motions=NANO_MOTIONS, two_actors=0.2, three_actors=0.0,
    weather=0.2, camera=0.2, style=0.1, event=0.0, cut=0.0,
)  # fmt: skip


def planner_of(slots: int, **sizes: Any) -> TransformerConfig:
    """Return a planner for `slots` actors at the autoencoders' temporal stride."""
    channels = plan_channels(AutoencoderConfig().temporal_stride)
    return TransformerConfig(latent_channels=channels, patch_size=1, box_slots=slots, box_names=True, **sizes)


TINY = Preset(
    name="tiny",
    autoencoder=AutoencoderConfig(
        latent_channels=8, hidden_size=32, encoder_blocks=1, decoder_blocks=1, refine_channels=8
    ),
    transformer=TransformerConfig(
        latent_channels=8, hidden_size=64, num_layers=2, num_heads=2, text_layers=1, max_text_tokens=24,
        box_slots=2, box_names=True,
    ),
    world=NANO_WORLD,
    clip=ClipConfig(num_frames=5, height=32, width=32),
    autoencoder_training=TrainConfig(steps=20, batch_size=4, compile=False, precision="fp32", checkpoint_every=5),
    transformer_training=TrainConfig(steps=20, batch_size=8, compile=False, precision="fp32", checkpoint_every=5),
    tasks=TaskMix(),
    planner=planner_of(slots=2, hidden_size=32, num_layers=1, num_heads=1, text_layers=1, max_text_tokens=24),
    planner_training=TrainConfig(steps=20, batch_size=8, compile=False, precision="fp32", checkpoint_every=5),
    few_step_training=TrainConfig(steps=20, batch_size=2, compile=False, precision="fp32", checkpoint_every=5),
    locator=LocatorConfig(latent_channels=8, hidden_size=32, num_layers=1),
    locator_training=TrainConfig(steps=20, batch_size=8, compile=False, precision="fp32", checkpoint_every=5),
    cached_clips=32,
    captions_per_clip=2,
)

NANO = Preset(
    name="nano",
    autoencoder=AutoencoderConfig(
        latent_channels=32, hidden_size=160, encoder_blocks=5, decoder_blocks=6, refine_channels=24
    ),
    transformer=TransformerConfig(
        latent_channels=32, hidden_size=320, num_layers=7, num_heads=5, text_layers=2, max_text_tokens=32,
        box_slots=2, box_names=True,
    ),
    world=NANO_WORLD,
    clip=ClipConfig(),
    autoencoder_training=TrainConfig(
        steps=4800, batch_size=8,
        optim=OptimConfig(muon_lr=0.01, adamw_lr=1e-3, decay_share=0.6, ema_halflives=(60, 200)),
    ),
    transformer_training=TrainConfig(
        steps=3000, batch_size=64, optim=OptimConfig(ema_halflives=(60, 200)), sample_every=250,
    ),
    tasks=TaskMix(
        nothing_known=0.66, image=0.06, first_frames=0.1, last_frames=0.02, both_ends=0.04, every_kth=0.03,
        random_box=0.04, source=0.05,
    ),
    planner=planner_of(slots=2, hidden_size=128, num_layers=4, num_heads=2, text_layers=2, max_text_tokens=32),
    planner_training=TrainConfig(steps=1200, batch_size=128, sample_every=100_000),
    locator=LocatorConfig(latent_channels=32),
    cached_clips=20_480,
    captions_per_clip=2,
    caption_mix=(("en", "plain", 55), ("en", "terse", 20), ("zh", "plain", 17), ("zh", "terse", 8)),
)  # fmt: skip

BASE = Preset(
    name="base",
    autoencoder=AutoencoderConfig(
        latent_channels=16, hidden_size=256, encoder_blocks=4, decoder_blocks=6, refine_channels=32
    ),
    transformer=TransformerConfig(
        latent_channels=16, hidden_size=448, num_layers=8, num_heads=7, text_layers=2, max_text_tokens=64,
        box_slots=3, box_names=True,
    ),
    world=WorldConfig(),
    clip=ClipConfig(num_frames=33, height=128, width=128),
    autoencoder_training=TrainConfig(
        steps=4000, batch_size=64, optim=OptimConfig(muon_lr=0.01, adamw_lr=1e-3), sample_every=1000,
        checkpoint_every=500,
    ),
    transformer_training=TrainConfig(
        steps=6000, batch_size=192, optim=OptimConfig(ema_halflives=(150, 500)), sample_every=1000, checkpoint_every=500
    ),
    tasks=TaskMix(),
    planner=planner_of(slots=3, hidden_size=256, num_layers=4, num_heads=4, text_layers=2, max_text_tokens=64),
    planner_training=TrainConfig(steps=1500, batch_size=256, compile=False, sample_every=100_000),
    locator=LocatorConfig(latent_channels=16, hidden_size=128),
    few_step_training=TrainConfig(
        steps=600, batch_size=64, log_every=10, sample_every=300, checkpoint_every=100,
        optim=OptimConfig(muon_lr=0.005, adamw_lr=5e-4, warmup_steps=20, decay_share=0.7, ema_halflives=(20, 80)),
    ),
)  # fmt: skip
"""16 channels for 4 x 8 x 8 pixels of 3 colours are 48:1; 33 frames of 128 x 128 are 9 x 8 x 8 = 576 tokens."""

LARGE = Preset(
    name="large",
    autoencoder=AutoencoderConfig(
        latent_channels=48, hidden_size=512, encoder_blocks=6, decoder_blocks=10, refine_channels=64
    ),
    transformer=TransformerConfig(
        latent_channels=48, hidden_size=2048, num_layers=28, num_heads=32, text_layers=4, max_text_tokens=256
    ),
    world=WorldConfig(),
    clip=ClipConfig(num_frames=65, height=512, width=512, fps=16.0),
    autoencoder_training=TrainConfig(steps=100_000, batch_size=256),
    transformer_training=TrainConfig(steps=300_000, batch_size=1024),
    tasks=TaskMix(),
)

PRESETS = {preset.name: preset for preset in (TINY, NANO, BASE, LARGE)}


def preset(name: str) -> Preset:
    """Return a preset by name. Raises InvalidArgument with the nearest name."""
    return PRESETS[one_of("preset", name, PRESETS)]
