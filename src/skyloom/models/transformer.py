"""Diffusion transformer over spacetime patches.

One network for every task (Peebles & Xie 2023, with one shared modulation and a learned offset per block as in PixArt,
words in the same softmax as the video, normed queries and keys, rotary positions, SwiGLU). Every token is told whether
it is known, and is modulated by its own noise level: `sigma` for cells that are asked for, `context_sigma` for cells
that are known. Words are refined by two layers of their own and read by every block.

    noisy_latents (b c f h w) ++ known (b 1 f h w) ++ source (b c f h w) ++ has source (b 1 f h w) ++ boxes (b s f h w)
      -> patches (b l 4(2c+2+s)) -> tokens (b l d)
    prompt_embeds (b m 768) -> two refining layers -> words (b m d)
    tokens (b l d) -> blocks, each reading words and tokens -> velocity (b c f h w)
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from einops import rearrange
from torch import Tensor, nn

from skyloom.config import SCALARS, TransformerConfig
from skyloom.errors import InvalidArgument
from skyloom.models.layers import Attention, Modulation, ReadingAttention, RMSNorm, SwiGLU, fourier_features, linear
from skyloom.models.names import Naming
from skyloom.models.patchify import patchify, unpatchify
from skyloom.models.rope import line_rotation, rotation, token_positions
from skyloom.shapes import LatentSize

SIGMA_FEATURES = 256
SCALAR_FEATURES = 16
JUMP_FEATURES, JUMP_SCALE = 32, 20.0
POSITION_FEATURES = 16


class TextRefiner(nn.Module):
    """The small text encoder of our own: word embeddings and sentence states to tokens, order included."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        size = config.hidden_size
        self.head_dim = config.head_dim
        self.embed = linear(config.text_dim, size, muon=False)
        self.layers = nn.ModuleList(RefinerLayer(size, config.num_heads) for _ in range(config.text_layers))
        self.norm = RMSNorm(size)

    def forward(self, prompt_embeds: Tensor, mask: Tensor) -> Tensor:
        """prompt_embeds: (b, m, text_dim); mask: bool, to (b, m, m), True attends. Returns (b, m, d)."""
        words = self.embed(prompt_embeds)
        turn = line_rotation(words.shape[1], self.head_dim, words.device)
        for layer in self.layers:
            words = layer(words, turn, mask[:, None])
        return self.norm(words)


class RefinerLayer(nn.Module):
    """A plain pre-norm layer, not told any noise level."""

    def __init__(self, size: int, num_heads: int) -> None:
        super().__init__()
        self.attention_norm, self.mlp_norm = RMSNorm(size), RMSNorm(size)
        self.attention = Attention(size, num_heads)
        self.mlp = SwiGLU(size, 2.0)

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        """x: (b, m, d)."""
        x = x + self.attention(self.attention_norm(x), turn, mask)
        return x + self.mlp(self.mlp_norm(x))


class Block(nn.Module):
    """Attention and feed-forward, both modulated by each token's noise level."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        size = config.hidden_size
        self.norm = RMSNorm(size, learned=False)
        self.attention = ReadingAttention(size, config.num_heads)
        self.mlp = SwiGLU(size, config.mlp_ratio)
        self.offset = nn.Parameter(torch.zeros(6 * size))

    def forward(
        self, x: Tensor, words: Tensor, levels: Tensor, turn: tuple[Tensor, Tensor], mask: Tensor | None
    ) -> Tensor:
        """x: (b, l, d); words: (b, m, d); levels: (b, l or 1, 6 d), to which the block adds its own offset."""
        return self.around(x, levels, lambda normed: self.attention.read(normed, words, turn, mask))

    def around(self, x: Tensor, levels: Tensor, attention: Callable[[Tensor], Tensor]) -> Tensor:
        """Run the block on x (b, ..., d) with an attention of the caller's; levels (b, ..., 6 d) broadcast to x."""
        shift, scale, gate, mlp_shift, mlp_scale, mlp_gate = (levels + self.offset.to(levels.dtype)).chunk(6, dim=-1)
        attend, feed = Modulation(shift, scale, gate), Modulation(mlp_shift, mlp_scale, mlp_gate)
        x = x + attend.gate * attention(attend.apply(self.norm(x)))
        return x + feed.gate * self.mlp(feed.apply(self.norm(x)))


class LevelEmbedding(nn.Module):
    """Noise level and scalar conditions to the shared modulation."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        size = config.hidden_size
        self.sigma_in = linear(SIGMA_FEATURES, size, muon=False)
        self.scalar_in = linear(len(SCALARS) * (SCALAR_FEATURES + 1), size, muon=False, zero=True)
        self.jump_in = linear(JUMP_FEATURES, size, muon=False, zero=True) if config.jumps else None
        self.act = nn.SiLU()
        self.middle = linear(size, size)
        self.out = nn.Linear(size, 6 * size)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)
        self.out.weight.muon = False  # ty: ignore[missing-attribute]
        with torch.no_grad():
            self.out.bias.view(6, size)[[2, 5]] = 1.0

    def forward(self, sigma: Tensor, scalars: Tensor, jump: Tensor | None = None) -> Tensor:
        """sigma: (b, v) levels; scalars: (b, SCALARS), NaN where not given; jump: (b,) how far down the answer leads.

        Returns (b, v, 6 d).
        """
        given = ~scalars.isnan()
        features = fourier_features(scalars.nan_to_num() * 100, SCALAR_FEATURES) * given[..., None]
        scalar = self.scalar_in(torch.cat([features, given[..., None].float()], dim=-1).flatten(1))
        level = self.sigma_in(fourier_features(sigma * 1000, SIGMA_FEATURES)) + scalar[:, None]
        if self.jump_in is not None and jump is not None:
            level = level + self.jump_in(fourier_features(jump * JUMP_SCALE, JUMP_FEATURES))[:, None]
        return self.out(self.act(self.middle(self.act(level))))


class Transformer(nn.Module):
    """The network that is asked for a velocity; see the module's text for the trail of shapes."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        if config.hidden_size % config.num_heads or config.head_dim % 8:
            wanted = f"be a multiple of 8 * num_heads = {8 * config.num_heads}"
            raise InvalidArgument("hidden_size", config.hidden_size, wanted)
        self.config = config
        size, cell = config.hidden_size, config.patch_size**2
        self.text = TextRefiner(config)
        self.levels = LevelEmbedding(config)
        told = 2 * config.latent_channels + 2 + config.box_slots
        self.embed = linear(cell * told + 3 * POSITION_FEATURES, size, muon=False)
        self.naming = Naming(config) if config.box_names else None
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.num_layers))
        self.norm = RMSNorm(size, learned=False)
        self.final_offset = nn.Parameter(torch.zeros(2 * size))
        self.out = linear(size, cell * config.latent_channels, muon=False, zero=True)

    def grid(self, latents: Tensor) -> LatentSize:
        """Return the token grid of latents (b, c, f, h, w). Raises InvalidArgument when it does not divide."""
        frames, height, width = latents.shape[2:]
        patch = self.config.patch_size
        for name, value in (("latent_height", height), ("latent_width", width)):
            if value % patch:
                raise InvalidArgument(name, value, f"be a multiple of {patch}", round(value / patch) * patch)
        return LatentSize(frames, height // patch, width // patch)

    def forward(
        self,
        noisy_latents: Tensor,
        sigma: Tensor,
        prompt_embeds: Tensor,
        prompt_mask: Tensor,
        *,
        known: Tensor | None = None,
        context_sigma: Tensor | None = None,
        source: Tensor | None = None,
        boxes: Tensor | None = None,
        names: Tensor | None = None,
        scalars: Tensor | None = None,
        target_sigma: Tensor | None = None,
        attention_mask: Tensor | None = None,
        word_mask: Tensor | None = None,
        words: Tensor | None = None,
    ) -> Tensor:
        """Return the velocity (noise - latents), (b, c, f, h, w); meaningless where `known` is 1.

        noisy_latents: (b, c, f, h, w), with the context at `context_sigma` in its known cells; sigma: (b,) in [0, 1];
        prompt_embeds: (b, m, text_dim); prompt_mask: (b, m) bool; known: (b, 1, f, h, w) of 0 and 1;
        context_sigma: (b,), 0 when absent; source: (b, c, f, h, w) a second input for instructions;
        boxes: (b, box_slots, f, h, w), how much of each cell belongs to an actor (models.boxes.cover), 0 if untold;
        names: (b, box_slots, text_dim), who each box belongs to (models.names.name_features), zeros if untold;
        scalars: (b, len(SCALARS)), NaN for those not given; target_sigma: (b,) below sigma, for a network of `jumps`:
        the answer is then the mean velocity down to there; attention_mask: bool (l, m + l) or (b, l, m + l), what each
        token may read, words first; word_mask: bool (b, m, m), what each word may read of the others; words: (b, m, d),
        what `read` made of the prompt before: it is the same at every noise level.
        """
        grid = self.grid(noisy_latents)
        positions = token_positions(grid, device=noisy_latents.device)
        x = self.tokens(noisy_latents, positions, known=known, source=source, boxes=boxes, names=names)
        words = self.read(prompt_embeds, prompt_mask, word_mask) if words is None else words
        levels = self._levels(sigma, known, context_sigma, scalars, target_sigma)
        turn = rotation(positions, self.config.head_dim)
        seen = _seen(prompt_mask, attention_mask, x.shape[1])
        for block in self.blocks:
            x = block(x, words, levels, turn, seen)
        return self.answer(x, levels, grid)

    def answer(self, x: Tensor, levels: Tensor, grid: LatentSize) -> Tensor:
        """Return the velocity (b, c, f, h, w) that tokens x (b, l, d) end as; levels: (b, l or 1, 6 d)."""
        final = levels[..., : 2 * self.config.hidden_size] + self.final_offset.to(levels.dtype)
        shift, scale = final.chunk(2, dim=-1)
        return unpatchify(self.out(self.norm(x) * (1 + scale) + shift), grid, self.config.patch_size)

    def read(self, prompt_embeds: Tensor, prompt_mask: Tensor, word_mask: Tensor | None = None) -> Tensor:
        """Refine words (b, m, text_dim) to (b, m, d), as every block reads them; masks as for `forward`."""
        heard = prompt_mask[:, None, :]
        return self.text(prompt_embeds, heard if word_mask is None else heard & word_mask)

    def tokens(
        self, noisy: Tensor, positions: Tensor, *, known: Tensor | None = None, source: Tensor | None = None,
        boxes: Tensor | None = None, names: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """Join what each cell of noisy (b, c, f, h, w) holds and is told; embed it at positions (l, 3): (b, l, d)."""
        named = None if self.naming is None or boxes is None or names is None else self.naming(boxes, names)
        known, source, boxes = (None if part is None else part.to(noisy.dtype) for part in (known, source, boxes))
        grid = self.grid(noisy)
        flag = noisy.new_zeros(noisy.shape[0], 1, *noisy.shape[2:])
        parts = [noisy, flag if known is None else known]
        parts += [torch.zeros_like(noisy), flag] if source is None else [source, _given(source)]
        if self.config.box_slots:
            parts.append(flag.expand(-1, self.config.box_slots, -1, -1, -1) if boxes is None else boxes)
        scaled = positions / positions.new_tensor([4.0, grid.latent_height, grid.latent_width]) * 20
        place = fourier_features(scaled, POSITION_FEATURES, 100.0).flatten(1).to(noisy.dtype)
        tokens = patchify(torch.cat(parts, dim=1), self.config.patch_size)
        embedded = self.embed(torch.cat([tokens, place.expand(len(tokens), -1, -1)], dim=-1))
        return embedded if named is None else embedded + named

    def _levels(
        self, sigma: Tensor, known: Tensor | None, context_sigma: Tensor | None, scalars: Tensor | None,
        target_sigma: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """Return the modulation of every token, (b, l, 6 d), or (b, 1, 6 d) where nothing is known."""
        jump = None if target_sigma is None else sigma - target_sigma
        if scalars is None:
            scalars = sigma.new_full((len(sigma), len(SCALARS)), float("nan"))
        if known is None:
            return self.levels(sigma[:, None], scalars, jump)
        context = torch.zeros_like(sigma) if context_sigma is None else context_sigma
        target, held = self.levels(torch.stack([sigma, context], dim=1), scalars, jump).split(1, dim=1)
        patch = self.config.patch_size
        cells = rearrange(known, "b 1 f (h p) (w q) -> b (f h w) (p q)", p=patch, q=patch)
        return torch.lerp(target, held, cells.amin(-1, keepdim=True).to(target.dtype))


def _seen(prompt_mask: Tensor, attention_mask: Tensor | None, tokens: int) -> Tensor | None:
    """Return what each token reads, bool, to (b, 1, l, m + l); None for everything, where looking costs no waiting."""
    here = prompt_mask.device.type == "cpu" and not torch.is_grad_enabled() and not torch.compiler.is_compiling()
    if here and attention_mask is None and bool(prompt_mask.all()):
        return None
    heard = prompt_mask[:, None, :]
    seen = torch.cat([heard, heard.new_ones(len(heard), 1, tokens)], dim=2)
    if attention_mask is not None:
        seen = seen & (attention_mask if attention_mask.ndim == 3 else attention_mask[None])
    return seen[:, None]


def _given(source: Tensor) -> Tensor:
    """Return 1 for every cell of the samples that have a source (any cell not zero): (b, 1, f, h, w)."""
    present = source.flatten(1).abs().amax(1) > 0
    return present.to(source.dtype).view(-1, 1, 1, 1, 1).expand(-1, 1, *source.shape[2:])


def block_causal_mask(grid: LatentSize, words: int, device: torch.device | None = None) -> Tensor:
    """Return the mask (l, m + l) with which a frame sees all words, and frames up to itself."""
    frame = torch.arange(grid.latent_frames, device=device).repeat_interleave(grid.latent_height * grid.latent_width)
    order = torch.cat([frame.new_full((words,), -1), frame])
    return frame[:, None] >= order[None, :]
