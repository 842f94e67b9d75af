"""Complete, named, frozen configurations of every part.

A config holds every field that is needed to rebuild its part; nothing is read from elsewhere. `replace` sets fields by
dotted name from the command line, `to_dict` and `from_dict` round-trip through JSON.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import dataclass, field, is_dataclass
from typing import Any, TypeVar

from skyloom.errors import InvalidArgument, nearest_name
from skyloom.shapes import Strides

T = TypeVar("T")

SCALARS = ("fps", "motion", "pan", "tilt", "zoom")
"""Scalar conditions of the transformer, in this order: frames per second / 8 - 1, amount of motion in [0, 1], camera
pan and tilt in view widths and heights a second (right and up positive), zoom in doublings a second. NaN: not given."""


@dataclass(frozen=True)
class AutoencoderConfig:
    """Causal video autoencoder."""

    latent_channels: int = 24
    temporal_stride: int = 4
    spatial_stride: int = 8
    hidden_size: int = 192
    encoder_blocks: int = 3
    decoder_blocks: int = 5
    refine_channels: int = 24
    refine_blocks: int = 2

    @property
    def strides(self) -> Strides:
        """Pixels per latent cell."""
        return Strides(self.temporal_stride, self.spatial_stride)


@dataclass(frozen=True)
class TransformerConfig:
    """Diffusion transformer over spacetime patches."""

    latent_channels: int = 24
    patch_size: int = 2
    hidden_size: int = 384
    num_layers: int = 8
    num_heads: int = 6
    mlp_ratio: float = 2.6667
    text_dim: int = 768
    text_layers: int = 2
    max_text_tokens: int = 40
    box_slots: int = 0
    """How many actors can be told where to be, by boxes over time; 0: none."""
    box_names: bool = False
    """Whether each box can be told whose it is, by the features of a name (models.names)."""
    jumps: bool = False
    """Whether the network can be asked for the mean velocity down to a target level (diffusion.distillation)."""

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.hidden_size // self.num_heads


@dataclass(frozen=True)
class LocatorConfig:
    """Network that finds named actors in latents (models.locator)."""

    latent_channels: int = 24
    temporal_stride: int = 4
    hidden_size: int = 96
    num_layers: int = 3
    text_dim: int = 768


@dataclass(frozen=True)
class WorldConfig:
    """What a world shows, and how often. None stands for the whole vocabulary."""

    actors: int | None = None
    places: tuple[str, ...] | None = None
    motions: tuple[str, ...] | None = None
    two_actors: float = 0.25
    three_actors: float = 0.05
    weather: float = 0.3
    camera: float = 0.25
    style: float = 0.15
    event: float = 0.15
    cut: float = 0.05
    seed: int = 0


@dataclass(frozen=True)
class ClipConfig:
    """Size and rate of training clips."""

    num_frames: int = 17
    height: int = 64
    width: int = 64
    fps: float = 8.0


@dataclass(frozen=True)
class OptimConfig:
    """Muon on hidden matrices, AdamW on the rest; linear warm-up, constant, linear decay to zero."""

    muon_lr: float = 0.02
    adamw_lr: float = 2e-3
    weight_decay: float = 0.01
    warmup_steps: int = 100
    decay_share: float = 0.35
    clip_norm: float = 1.0
    ema_halflives: tuple[int, ...] = (100, 400)


@dataclass(frozen=True)
class TrainConfig:
    """One training run."""

    steps: int = 1000
    batch_size: int = 64
    seed: int = 0
    precision: str = "bf16"
    compile: bool = True
    optim: OptimConfig = field(default_factory=OptimConfig)
    log_every: int = 10
    sample_every: int = 500
    checkpoint_every: int = 100


def locator_training() -> TrainConfig:
    """Return how a locator is trained unless a preset says otherwise."""
    optim = OptimConfig(muon_lr=0.01, adamw_lr=2e-3, warmup_steps=20, decay_share=0.7, ema_halflives=(30,))
    return TrainConfig(
        steps=1000, batch_size=64, optim=optim, compile=False, sample_every=100_000, checkpoint_every=100
    )


def few_step_training() -> TrainConfig:
    """Return how a network learns to jump unless a preset says otherwise; its batch is of walks of its teacher."""
    optim = OptimConfig(muon_lr=0.005, adamw_lr=5e-4, warmup_steps=10, decay_share=0.7, ema_halflives=(10, 40))
    return TrainConfig(steps=200, batch_size=6, optim=optim, log_every=5, sample_every=100_000, checkpoint_every=50)


@dataclass(frozen=True)
class TaskMix:
    """Weights of the tasks in transformer training: how often each pattern of known latents is drawn."""

    nothing_known: float = 0.6
    image: float = 0.1
    first_frames: float = 0.12
    last_frames: float = 0.03
    both_ends: float = 0.04
    every_kth: float = 0.03
    random_box: float = 0.03
    source: float = 0.05
    drop_prompt: float = 0.1
    boxes_told: float = 0.75
    """How many samples without known cells are told where the actors are; of the others, half as many."""


@dataclass(frozen=True)
class Preset:
    """Everything that a checkpoint is made from: a row of the table in presets.py."""

    name: str
    autoencoder: AutoencoderConfig
    transformer: TransformerConfig
    world: WorldConfig
    clip: ClipConfig
    autoencoder_training: TrainConfig
    transformer_training: TrainConfig
    tasks: TaskMix
    planner: TransformerConfig | None = None
    """The network that says where actors go, if boxes are told; its latents are those of models.boxes.to_plan."""
    planner_training: TrainConfig = field(default_factory=TrainConfig)
    few_step_training: TrainConfig = field(default_factory=few_step_training)
    locator: LocatorConfig | None = None
    """The network that finds named actors in what is known, for a planner to go on from."""
    locator_training: TrainConfig = field(default_factory=locator_training)
    cached_clips: int | None = None
    captions_per_clip: int = 4
    caption_mix: tuple[tuple[str, str, int], ...] | None = None
    """(language, detail, weight) of training captions; None is the world's own mix."""

    @property
    def few_step(self) -> TransformerConfig:
        """The transformer that jumps, for few steps."""
        return dataclasses.replace(self.transformer, jumps=True)


def to_dict(config: Any) -> dict[str, Any]:
    """Return a config as plain JSON values."""
    return dataclasses.asdict(config)


def _build(annotation: Any, value: Any) -> Any:
    """Rebuild one field from its JSON value."""
    options = typing.get_args(annotation) if typing.get_origin(annotation) in (typing.Union, types.UnionType) else ()
    for option in (annotation, *options):
        if is_dataclass(option) and isinstance(option, type) and isinstance(value, dict):
            return from_dict(option, value)
    wants_tuple = any(typing.get_origin(option) is tuple for option in (annotation, *options))
    return _frozen(value) if wants_tuple else value


def _frozen(value: Any) -> Any:
    """Turn lists, however deep, into tuples."""
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value


def from_dict(kind: type[T], values: dict[str, Any]) -> T:
    """Build a config of `kind`. Raises InvalidArgument for a field it does not have."""
    annotations = typing.get_type_hints(kind)
    for name in values:
        if name not in annotations:
            wanted = f"be one of {', '.join(annotations)}"
            raise InvalidArgument(f"{kind.__name__} field", name, wanted, nearest_name(name, annotations))
    return kind(**{name: _build(annotations[name], value) for name, value in values.items()})


def replace(config: T, name: str, value: Any) -> T:
    """Return a copy with one field set by dotted name: `replace(preset, "transformer.num_layers", 4)`."""
    head, _, rest = name.partition(".")
    fields = [f.name for f in dataclasses.fields(config)]  # ty: ignore[invalid-argument-type]
    if head not in fields:
        wanted = f"start with one of {', '.join(fields)}"
        raise InvalidArgument("config field", name, wanted, nearest_name(head, fields))
    value = replace(getattr(config, head), rest, value) if rest else _frozen(value)
    return dataclasses.replace(config, **{head: value})  # ty: ignore[invalid-argument-type]
