"""Three frames of discs continued: codec, canvas and transformer together.

The autoencoder of videos packs four frames into a latent cell, so three known frames would lie across two cells. For
this table the canvas is laid out in cells of three frames instead, and pictures are coded by the inertial codec;
transformer, path and sampler are those of every other task, with empty words.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from skyloom.config import TransformerConfig, from_dict, to_dict
from skyloom.data.phyworld import FRAME_SECONDS, NUM_FRAMES, Motion, frame_times, scenario
from skyloom.data.phyworld_pictures import render_discs
from skyloom.diffusion.sampler import sample
from skyloom.diffusion.schedule import linear_schedule
from skyloom.errors import CheckpointError
from skyloom.models.inertial_canvas import CELL, cells_of, held, to_latents, to_states
from skyloom.models.inertial_codec import InertialCodec
from skyloom.models.transformer import Transformer
from skyloom.pipelines.checkpoint import fill
from skyloom.seeds import generator_for

KIND = "skyloom phyworld checkpoint"
FRAMES = CELL * cells_of(NUM_FRAMES)


def colours(pixels: Tensor, discs: int) -> Tensor:
    """Return how much each disc covers, (b, f, k, h, w) in [0, 1], of clips (b, 3, f, h, w) in [-1, 1]."""
    red, _, blue = ((1 - pixels.clamp(-1, 1)) / 2).unbind(1)
    return torch.stack([blue, red][:discs], 2)


def pixels_of(covered: Tensor) -> Tensor:
    """Return the clips (b, 3, f, h, w) of coverage (b, f, k, h, w)."""
    red = covered[:, :, 0]
    blue = covered[:, :, 1] if covered.shape[2] == 2 else torch.zeros_like(red)
    return torch.stack([1 - blue, (1 - red - blue).clamp(min=0), 1 - red], 1) * 2 - 1


def whole_in_view(covered: Tensor) -> Tensor:
    """Return where nothing touches the picture's edge, (...) bool for coverage (..., h, w)."""
    edge = covered[..., [0, -1], :].sum((-2, -1)) + covered[..., :, [0, -1]].sum((-2, -1))
    return (edge == 0) & (covered.sum((-2, -1)) > 1)


def empty_words(count: int, config: TransformerConfig) -> tuple[Tensor, Tensor]:
    """Return the words of a canvas without any: embeds (count, 1, text_dim) and mask (count, 1)."""
    return torch.zeros(count, 1, config.text_dim), torch.ones(count, 1, dtype=torch.bool)


@dataclass
class Continuer:
    """A trained model of one scenario; `about` is what its card says (steps, clips, symmetries)."""

    name: str
    codec: InertialCodec
    transformer: Transformer
    about: dict[str, Any]

    @property
    def discs(self) -> int:
        """How many discs a clip has."""
        return scenario(self.name).discs

    def latents(self, pixels: Tensor) -> Tensor:
        """Encode clips of FRAMES frames: (b, 9 k, cells, 1, 1)."""
        covered = colours(pixels, self.discs)
        states = held(self.codec.encode(covered), whole_in_view(covered), FRAME_SECONDS)
        return to_latents(states.nan_to_num(), FRAME_SECONDS)

    @torch.no_grad()
    def generate(self, known: Tensor, seeds: list[int], steps: int = 8) -> Tensor:
        """Continue three frames (b, 3, 3, h, w) in [-1, 1] to clips (b, 3, NUM_FRAMES, h, w)."""
        states = self.codec.encode(colours(known, self.discs)).nan_to_num()
        first = to_latents(states, FRAME_SECONDS)
        shape = (first.shape[1], cells_of(NUM_FRAMES), 1, 1)
        noise = torch.stack([torch.randn(shape, generator=generator_for(seed, "phyworld sample")) for seed in seeds])
        context = torch.cat([first, torch.zeros_like(noise[:, :, 1:])], 2)
        mask = torch.zeros(len(noise), 1, *shape[1:])
        mask[:, :, 0] = 1
        words = empty_words(len(noise), self.transformer.config)

        def velocity(noisy: Tensor, sigma: Tensor) -> Tensor:
            return self.transformer(noisy, sigma, *words, known=mask)

        found = sample(velocity, noise, linear_schedule(steps), known=mask, context=context)
        return self._painted(known, to_states(found, FRAME_SECONDS, self.discs)[:, :NUM_FRAMES])

    def _painted(self, known: Tensor, states: Tensor) -> Tensor:
        batch, frames, discs = states.shape[:3]
        covered = self.codec.decode(states.reshape(-1, 3)).view(batch, frames, discs, *known.shape[-2:])
        made = pixels_of(covered.float())
        return torch.cat([known, made[:, :, CELL:]], 2)


def rendered(motion: Motion, size: int, frames: int = FRAMES) -> Tensor:
    """Render clips of a Motion: (b, 3, frames, size, size)."""
    return render_discs(motion.positions(frame_times(frames)), motion.radius, size)


def save_continuer(folder: Path, model: Continuer) -> Path:
    """Write a folder: config.json, codec.safetensors, transformer.safetensors, card.md."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(model.codec.state_dict(), folder / "codec.safetensors")
    save_file(model.transformer.state_dict(), folder / "transformer.safetensors")
    config = {"kind": KIND, "scenario": model.name, "size": model.codec.size, "about": model.about}
    config["transformer"] = to_dict(model.transformer.config)
    lines = "\n".join(f"- {name}: {value}" for name, value in model.about.items())
    (folder / "card.md").write_text(f"# PhyWorld, {model.name}\n\n{lines}\n", "utf-8")
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", "utf-8")
    return folder


def is_continuer(folder: Path) -> bool:
    """Tell whether a folder holds a model of this file."""
    path = folder / "config.json"
    return path.is_file() and json.loads(path.read_text("utf-8")).get("kind") == KIND


def load_continuer(folder: Path) -> Continuer:
    """Read what `save_continuer` wrote. Raises CheckpointError."""
    if not is_continuer(folder):
        raise CheckpointError(f"{folder} is not a checkpoint trained on PhyWorld: `skyloom train phyworld` makes one")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    codec = InertialCodec(config["size"])
    transformer = Transformer(from_dict(TransformerConfig, config["transformer"]))
    fill(codec, load_file(folder / "codec.safetensors"), str(folder / "codec.safetensors"))
    fill(transformer, load_file(folder / "transformer.safetensors"), str(folder / "transformer.safetensors"))
    return Continuer(config["scenario"], codec, transformer.eval(), config["about"])
