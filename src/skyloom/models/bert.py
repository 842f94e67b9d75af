"""BERT encoder: bidirectional transformer with norms after.

Devlin et al. 2019. Learned positions, exact GELU, queries, keys and values in one projection.
Axes: b prompts, l tokens, d width, n heads.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn


@dataclass(frozen=True)
class BertConfig:
    """Sizes of a BERT encoder."""

    hidden_size: int
    num_layers: int
    num_heads: int
    mlp_size: int
    max_positions: int
    norm_eps: float


class BertLayer(nn.Module):
    """Attention, then a two-layer network; each added to its input, then normalised."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.num_heads = config.num_heads
        self.qkv = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.attention_norm = nn.LayerNorm(width, config.norm_eps)
        self.mlp_in = nn.Linear(width, config.mlp_size)
        self.mlp_out = nn.Linear(config.mlp_size, width)
        self.mlp_norm = nn.LayerNorm(width, config.norm_eps)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Take hidden (b, l, d) and mask (b, 1, 1, l), True where a token may be seen; return (b, l, d)."""
        query, key, value = rearrange(self.qkv(hidden), "b l (three n d) -> three b n l d", three=3, n=self.num_heads)
        seen = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        hidden = self.attention_norm(hidden + self.attention_out(rearrange(seen, "b n l d -> b l (n d)")))
        return self.mlp_norm(hidden + self.mlp_out(F.gelu(self.mlp_in(hidden))))


class BertEncoder(nn.Module):
    """Word embeddings to the last hidden states."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        self.positions = nn.Parameter(torch.zeros(config.max_positions, config.hidden_size))
        self.norm = nn.LayerNorm(config.hidden_size, config.norm_eps)
        self.layers = nn.ModuleList(BertLayer(config) for _ in range(config.num_layers))

    def forward(self, embeds: Tensor, mask: Tensor) -> Tensor:
        """Take word embeddings (b, l, d) and mask (b, l), True where there is a token; return (b, l, d)."""
        hidden = self.norm(embeds + self.positions[: embeds.shape[1]])
        visible = rearrange(mask, "b l -> b 1 1 l")
        for layer in self.layers:
            hidden = layer(hidden, visible)
        return hidden
