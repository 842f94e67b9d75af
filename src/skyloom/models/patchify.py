"""Latents to tokens, tokens to latents."""

from __future__ import annotations

from einops import rearrange
from torch import Tensor

from skyloom.shapes import LatentSize


def patchify(latents: Tensor, patch_size: int) -> Tensor:
    """(b, c, f, h, w) -> (b, l, patch_size**2 * c), frames slowest, then rows, then columns."""
    return rearrange(latents, "b c f (h p) (w q) -> b (f h w) (p q c)", p=patch_size, q=patch_size)


def unpatchify(tokens: Tensor, grid: LatentSize, patch_size: int) -> Tensor:
    """(b, l, patch_size**2 * c) -> (b, c, f, h, w); grid is the size in tokens."""
    return rearrange(
        tokens,
        "b (f h w) (p q c) -> b c f (h p) (w q)",
        f=grid.latent_frames,
        h=grid.latent_height,
        w=grid.latent_width,
        p=patch_size,
        q=patch_size,
    )
