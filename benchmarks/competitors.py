"""Networks of other libraries at our transformer's size.

Every network gets random weights and the same work: `batch` clips of `tokens` video tokens with `words` text tokens.

    skyloom  latents (b c f 2h 2w), word states (b m 768)    attention reads [words | video], per-token modulation
    LTX      patches (b l 4c), word states (b m 768)         attention over video, cross-attention to words
    Latte    latents (b c f 2h 2w), word states (b m 768)    pairs: within a frame (with words), then through time
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from skyloom.config import SCALARS, TransformerConfig
from skyloom.errors import InvalidArgument, MissingDependency
from skyloom.models.transformer import Transformer
from skyloom.seeds import generator_for
from skyloom.shapes import LatentSize

TEXT_DIM = 768
LATENT_CHANNELS = 32
PATCH = 2


@dataclass(frozen=True)
class Work:
    """Sizes that all networks share. Raises InvalidArgument for sizes that no network could have."""

    layers: int = 7
    width: int = 320
    heads: int = 5
    tokens: int = 80
    words: int = 32
    batch: int = 16

    def __post_init__(self) -> None:
        for name in ("layers", "width", "heads", "tokens", "words", "batch"):
            if getattr(self, name) < 1:
                raise InvalidArgument(name, getattr(self, name), "be at least 1", 1)
        unit = 8 * self.heads
        if self.width % unit:
            nearest = max(1, round(self.width / unit)) * unit
            raise InvalidArgument("width", self.width, f"be a multiple of 8 * heads = {unit}", nearest)
        if self.tokens % 4:
            wanted = "be frames * side**2 with side at least 2"
            raise InvalidArgument("tokens", self.tokens, wanted, max(1, round(self.tokens / 4)) * 4)

    @property
    def grid(self) -> LatentSize:
        """The token grid nearest to a cube: square frames (Latte knows no others), 80 = 5 * 4 * 4."""
        sides = [side for side in range(2, self.tokens + 1) if self.tokens % side**2 == 0]
        side = min(sides, key=lambda side: abs(self.tokens // side**2 - side))
        return LatentSize(self.tokens // side**2, side, side)

    def normal(self, *shape: int) -> Tensor:
        """Return random input of a shape, always the same."""
        return torch.randn(*shape, generator=generator_for(0, "benchmark input"))

    def latents(self) -> Tensor:
        """Return noisy latents (b, c, f, 2h, 2w)."""
        grid = self.grid
        frame = PATCH * grid.latent_height
        return self.normal(self.batch, LATENT_CHANNELS, grid.latent_frames, frame, frame)

    def word_states(self) -> Tensor:
        """Return word states (b, m, 768)."""
        return self.normal(self.batch, self.words, TEXT_DIM)


@dataclass(frozen=True)
class Competitor:
    """A network with its input: `forward()` gives its prediction."""

    name: str
    network: nn.Module
    forward: Callable[[], Tensor]

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(weight.numel() for weight in self.network.parameters())


def skyloom(work: Work) -> Competitor:
    """Return our transformer, given what training gives it: known cells, scalars, a mask over the words."""
    config = TransformerConfig(LATENT_CHANNELS, PATCH, work.width, work.layers, work.heads, text_dim=TEXT_DIM)
    network = Transformer(config).eval()
    leave_zero(network)
    latents, words = work.latents(), work.word_states()
    known = torch.zeros_like(latents[:, :1])
    known[:, :, 0] = 1
    given: dict[str, Tensor] = {
        "sigma": torch.linspace(0.1, 0.9, work.batch),
        "prompt_mask": torch.ones(work.batch, work.words, dtype=torch.bool),
        "known": known,
        "scalars": torch.zeros(work.batch, len(SCALARS)),
    }
    return Competitor("skyloom", network, lambda: network(latents, prompt_embeds=words, **given))


def leave_zero(network: nn.Module) -> None:
    """Give weights that start at zero small random values, as after training."""
    generator = generator_for(0, "benchmark weights")
    with torch.no_grad():
        for weight in network.parameters():
            if weight.ndim == 2 and not weight.any():
                weight.normal_(std=0.02, generator=generator)


def diffusers() -> Any:
    """Import diffusers, which takes seconds. Raises MissingDependency."""
    try:
        import diffusers
    except ImportError:
        raise MissingDependency("skyloom[compare]", "Comparing with diffusers") from None
    return diffusers


def ltx(work: Work) -> Competitor:
    """Return LTX-Video's transformer, called as its pipeline calls it (patches are folded before)."""
    patch_channels = LATENT_CHANNELS * PATCH**2
    network = diffusers().LTXVideoTransformer3DModel(
        in_channels=patch_channels,
        out_channels=patch_channels,
        num_layers=work.layers,
        num_attention_heads=work.heads,
        attention_head_dim=work.width // work.heads,
        cross_attention_dim=work.width,
        caption_channels=TEXT_DIM,
    )
    network.eval()
    grid = work.grid
    given = {
        "hidden_states": work.normal(work.batch, work.tokens, patch_channels),
        "encoder_hidden_states": work.word_states(),
        "timestep": torch.linspace(100, 900, work.batch).long(),
        "encoder_attention_mask": torch.ones(work.batch, work.words),
        "num_frames": grid.latent_frames,
        "height": grid.latent_height,
        "width": grid.latent_width,
        "rope_interpolation_scale": (0.5, 16.0, 16.0),
    }
    return Competitor("LTX", network, lambda: network(**given, return_dict=False)[0])


def latte(work: Work, pairs: int) -> Competitor:
    """Return Latte's transformer with `pairs` of spatial and temporal blocks, set up as Latte-1, without a mask."""
    grid = work.grid
    network = diffusers().LatteTransformer3DModel(
        num_attention_heads=work.heads,
        attention_head_dim=work.width // work.heads,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        num_layers=pairs,
        cross_attention_dim=work.width,
        attention_bias=True,
        sample_size=PATCH * grid.latent_height,
        patch_size=PATCH,
        activation_fn="gelu-approximate",
        num_embeds_ada_norm=1000,
        norm_type="ada_norm_single",
        norm_elementwise_affine=False,
        norm_eps=1e-6,
        caption_channels=TEXT_DIM,
        video_length=grid.latent_frames,
    )
    network.eval()
    given = {
        "hidden_states": work.latents(),
        "timestep": torch.linspace(100, 900, work.batch).long(),
        "encoder_hidden_states": work.word_states(),
    }
    return Competitor(f"Latte, {pairs} pairs", network, lambda: network(**given, return_dict=False)[0])


def field(work: Work) -> list[Competitor]:
    """Return ours first, then theirs; Latte with as many pairs as we have layers, and with no more blocks than we."""
    return [skyloom(work), ltx(work), latte(work, work.layers), latte(work, max(1, work.layers // 2))]
