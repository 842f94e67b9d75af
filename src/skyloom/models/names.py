"""Names of actors, as a network hears them.

A box says where somebody is, its name says who (as the grounding of GLIGEN does, Li et al. 2023): the words of a whole
sentence leave open which noun belongs to which box. A name is the mean of its tokens' features. All names have most of
that in common, so features are standardised by those of the names of training.
"""

from __future__ import annotations

import torch
from einops import reduce
from torch import Tensor, nn

from skyloom.config import TransformerConfig
from skyloom.models.layers import linear


def name_features(embeds: Tensor, mask: Tensor) -> Tensor:
    """Return the mean features of each name's own tokens: embeds (n, l, d), mask (n, l) to (n, d).

    Token 0 stands for the whole (models.text_encoder) and is left out. The features of no word are zeros.
    """
    own = mask[:, 1:, None].to(embeds.dtype)
    return (embeds[:, 1:] * own).sum(1) / own.sum(1).clamp(min=1)


class HearsNames(nn.Module):
    """What is told names: it standardises their features by those of the names of training."""

    mean: Tensor  # (text_dim,)
    std: Tensor  # (text_dim,)

    def __init__(self, text_dim: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(text_dim))
        self.register_buffer("std", torch.ones(text_dim))

    @torch.no_grad()
    def calibrate(self, names: Tensor) -> None:
        """Standardise by the features (n, text_dim) of the names of training."""
        self.mean.copy_(names.mean(0))
        self.std.copy_(names.std(0).clamp(min=1e-3))

    def standard(self, names: Tensor) -> Tensor:
        """Return features (..., text_dim) as standard ones."""
        return (names - self.mean) / self.std


class Naming(HearsNames):
    """Adds to every token the names of those whose boxes cover it; begins by adding nothing."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__(config.text_dim)
        size, self.patch_size = config.hidden_size, config.patch_size
        self.hear = linear(config.text_dim, size, muon=False)
        self.act = nn.SiLU()
        self.out = linear(size, size, zero=True)

    def forward(self, boxes: Tensor, names: Tensor) -> Tensor:
        """boxes: (b, s, f, h, w), how much of each cell is covered; names: (b, s, text_dim), zeros for none.

        Returns (b, l, d), what to add to the tokens.
        """
        given = (names.abs().amax(-1, keepdim=True) > 0).to(names.dtype)
        heard = self.out(self.act(self.hear(self.standard(names)))) * given
        patch = self.patch_size
        covered = reduce(boxes, "b s f (h p) (w q) -> b (f h w) s", "max", p=patch, q=patch)
        return covered.to(heard.dtype) @ heard
