"""Causal video autoencoder at the latent grid's resolution.

The first frame is a group of its own, every later group holds `temporal_stride` frames, so an image is a video of one
frame. Patches are projected to the latent grid first and convolved there, where a convolution is cheap; a straight
linear path from patch to latent and back starts at the principal components of real patches, and the convolutions
learn what it misses. Nothing looks ahead in time: chunks decode to what the whole would, at constant memory.

    pixels (b 3 f h w) -> groups (b f' h' w' 3 * frames * s * s) -> latents (b c f' h' w')

All inner tensors are channels-last, `b f h w d`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from skyloom.config import AutoencoderConfig
from skyloom.errors import InvalidArgument
from skyloom.models.layers import RMSNorm, linear
from skyloom.shapes import VideoSize


class Carry:
    """What causal layers remember of the frame before the next chunk, in the order in which they run."""

    def __init__(self) -> None:
        self.frames: list[Tensor] = []
        self.cursor = 0
        self.started = False

    def swap(self, last: Tensor) -> Tensor | None:
        """Store `last` for the layer at the cursor; return what the chunk before stored, None in the first chunk."""
        before = self.frames[self.cursor] if self.started else None
        if self.started:
            self.frames[self.cursor] = last
        else:
            self.frames.append(last)
        self.cursor += 1
        return before

    def finish(self) -> None:
        """Mark the end of a chunk."""
        self.cursor, self.started = 0, True


def frame_before(x: Tensor, carry: Carry | None) -> Tensor:
    """Shift x (b, f, h, w, d) one frame later; the first frame gets the carried one, or zeros."""
    before = None if carry is None else carry.swap(x[:, -1:])
    before = torch.zeros_like(x[:, :1]) if before is None else before
    return torch.cat([before, x[:, :-1]], dim=1)


def convolve(x: Tensor, conv: nn.Conv2d) -> Tensor:
    """Convolve every frame of x (b, f, h, w, d), which is channels-last in memory already."""
    batch = len(x)
    out = conv(rearrange(x, "b f h w d -> (b f) d h w"))
    return rearrange(out, "(b f) d h w -> b f h w d", b=batch)


class CausalBlock(nn.Module):
    """Residual block: a 3 x 3 convolution of this frame plus a linear look at the frame before."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.norm = RMSNorm(size)
        self.space = nn.Conv2d(size, size, 3, padding=1)
        self.time = linear(size, size)
        self.out = linear(size, size, zero=True)

    def forward(self, x: Tensor, carry: Carry | None) -> Tensor:
        """x: (b, f, h, w, d)."""
        normed = self.norm(x)
        mixed = convolve(normed, self.space) + self.time(frame_before(normed, carry))
        return x + self.out(F.silu(mixed))


class Grouped(nn.Module):
    """A linear layer with one matrix for the first frame's group and another for all later groups."""

    def __init__(self, first: nn.Linear, rest: nn.Linear) -> None:
        super().__init__()
        self.first, self.rest = first, rest


class Autoencoder(nn.Module):
    """Encode pixels to standardised latents (mean 0, deviation 1 per channel) and decode them again."""

    latent_mean: Tensor  # (c,)
    latent_std: Tensor  # (c,)

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        stride, frames, size = config.spatial_stride, config.temporal_stride, config.hidden_size
        cell = 3 * stride * stride
        channels, middle = config.latent_channels, config.refine_channels
        self.look = linear(3 * (stride // 2) ** 2, 2 * middle, muon=False)
        self.fine = nn.ModuleList([CausalBlock(2 * middle)])
        self.fold = Grouped(linear(4 * 2 * middle, size), linear(frames * 4 * 2 * middle, size))
        self.encoder = nn.ModuleList(CausalBlock(size) for _ in range(config.encoder_blocks))
        self.encoder_out = linear(size, channels, muon=False, zero=True)
        self.straight_in = Grouped(linear(cell, channels, muon=False), linear(frames * cell, channels, muon=False))
        self.decoder_in = linear(channels, size, muon=False)
        self.decoder = nn.ModuleList(CausalBlock(size) for _ in range(config.decoder_blocks))
        self.straight_out = Grouped(linear(channels, cell, muon=False), linear(channels, frames * cell, muon=False))
        self.expand = Grouped(linear(size, 4 * 2 * middle), linear(size, frames * 4 * 2 * middle))
        self.middle = nn.ModuleList(CausalBlock(2 * middle) for _ in range(config.refine_blocks))
        self.unfold = linear(2 * middle, (stride // 2) ** 2 * 8)
        self.see = nn.Conv2d(3, 8, 3, padding=1)
        self.paint = nn.Conv2d(8, 3, 3, padding=1)
        nn.init.zeros_(self.paint.weight)
        self.register_buffer("latent_mean", torch.zeros(channels))
        self.register_buffer("latent_std", torch.ones(channels))

    # -- encoding

    def _groups(self, frames: Tensor, patch: int, later: bool) -> tuple[Tensor | None, Tensor | None]:
        """Cut frames (b, f, h, w, d) into the first one's patches (None in a later chunk) and the later groups'."""
        t = self.config.temporal_stride
        first, rest = (None, frames) if later else (frames[:, :1], frames[:, 1:])
        if first is not None:
            first = rearrange(first, "b t (h p) (w q) d -> b 1 h w (t p q d)", p=patch, q=patch)
        if not rest.shape[1]:
            return first, None
        return first, rearrange(rest, "b (f t) (h p) (w q) d -> b f h w (t p q d)", t=t, p=patch, q=patch)

    def _join(self, layers: Grouped, groups: tuple[Tensor | None, Tensor | None]) -> Tensor:
        parts = zip((layers.first, layers.rest), groups, strict=True)
        return torch.cat([layer(group) for layer, group in parts if group is not None], dim=1)

    def _encode(self, pixels: Tensor, carry: Carry | None) -> Tensor:
        """pixels (b, 3, f, h, w) -> latents before standardising (b, f', h', w', c)."""
        later = carry is not None and carry.started
        stride = self.config.spatial_stride
        frames = rearrange(pixels, "b c f h w -> b f h w c")
        half = stride // 2
        x = self.look(rearrange(frames, "b f (h p) (w q) c -> b f h w (p q c)", p=half, q=half))
        for block in self.fine:
            x = block(x, carry)
        x = self._join(self.fold, self._groups(x, 2, later))
        for block in self.encoder:
            x = block(x, carry)
        return self._join(self.straight_in, self._groups(frames, stride, later)) + self.encoder_out(x)

    def encode(self, pixels: Tensor, carry: Carry | None = None) -> Tensor:
        """pixels: (b, 3, f, h, w) in [-1, 1], f = 1 + temporal_stride * n. Returns latents (b, c, f', h', w').

        With a `carry` that has started, f is a multiple of temporal_stride and continues the chunks before.
        """
        frames = pixels.shape[2] + (1 if carry is not None and carry.started else 0)
        VideoSize(frames, *pixels.shape[3:]).latents(self.config.strides)
        latents = (self._encode(pixels, carry) - self.latent_mean) / self.latent_std
        if carry is not None:
            carry.finish()
        return rearrange(latents, "b f h w c -> b c f h w")

    # -- decoding

    def _split(self, layers: Grouped, x: Tensor, later: bool) -> tuple[Tensor | None, Tensor | None]:
        if later:
            return None, layers.rest(x)
        return layers.first(x[:, :1]), layers.rest(x[:, 1:]) if x.shape[1] > 1 else None

    def _ungroup(self, groups: tuple[Tensor | None, Tensor | None], patch: int) -> Tensor:
        """Turn grouped cells back into frames: (b, f, h, w, d)."""
        frames = []
        for group, t in zip(groups, (1, self.config.temporal_stride), strict=True):
            if group is not None:
                frames.append(
                    rearrange(group, "b f h w (t p q d) -> b (f t) (h p) (w q) d", t=t, p=patch, q=patch)
                )  # fmt: skip
        return torch.cat(frames, dim=1)

    def _decode(self, latents: Tensor, carry: Carry | None) -> Tensor:
        """Latents before standardising (b, f', h', w', c) -> pixels (b, f, h, w, 3)."""
        later = carry is not None and carry.started
        x = self.decoder_in(latents)
        for block in self.decoder:
            x = block(x, carry)
        straight = self._ungroup(self._split(self.straight_out, latents, later), self.config.spatial_stride)
        x = self._ungroup(self._split(self.expand, x, later), 2)
        for block in self.middle:
            x = block(x, carry)
        patch = self.config.spatial_stride // 2
        detail = rearrange(self.unfold(x), "b f h w (p q d) -> b f (h p) (w q) d", p=patch, q=patch)
        return straight + convolve(F.silu(detail + convolve(straight, self.see)), self.paint)

    def decode(self, latents: Tensor, carry: Carry | None = None) -> Tensor:
        """latents: (b, c, f', h', w'). Returns pixels (b, 3, f, h, w), about [-1, 1] (not clipped)."""
        if latents.ndim != 5 or latents.shape[1] != self.config.latent_channels:
            raise InvalidArgument("latents", tuple(latents.shape), f"be (b, {self.config.latent_channels}, f, h, w)")
        x = rearrange(latents, "b c f h w -> b f h w c") * self.latent_std + self.latent_mean
        pixels = self._decode(x, carry)
        if carry is not None:
            carry.finish()
        return rearrange(pixels, "b f h w c -> b c f h w")

    # -- streams

    def encode_stream(self, chunks: Iterable[Tensor]) -> Iterator[Tensor]:
        """Encode chunks of pixels, the first of 1 + t * n frames, later ones of t * n; together equal to `encode`."""
        carry = Carry()
        for pixels in chunks:
            yield self.encode(pixels, carry)

    def decode_stream(self, chunks: Iterable[Tensor]) -> Iterator[Tensor]:
        """Decode chunks of latents of any number of frames; together equal to `decode` of the whole."""
        carry = Carry()
        for latents in chunks:
            yield self.decode(latents, carry)

    # -- before and after training

    @torch.no_grad()
    def start_from_patches(self, pixels: Tensor) -> None:
        """Set the straight path to the principal components of the patches of pixels (b, 3, f, h, w)."""
        for patches, straight_in, straight_out in zip(
            self._groups(rearrange(pixels, "b c f h w -> b f h w c"), self.config.spatial_stride, later=False),
            (self.straight_in.first, self.straight_in.rest),
            (self.straight_out.first, self.straight_out.rest),
            strict=True,
        ):
            if patches is None:
                raise InvalidArgument("pixels", tuple(pixels.shape), "have more than one frame")
            flat = patches.reshape(-1, patches.shape[-1]).double()
            values, vectors = torch.linalg.eigh(flat.T @ flat / len(flat))
            basis = vectors[:, -self.config.latent_channels :].flip(1)
            spread = values[-self.config.latent_channels :].flip(0).sqrt().clamp(min=1e-4)
            straight_in.weight.copy_((basis / spread).T)
            straight_out.weight.copy_(basis * spread)

    @torch.no_grad()
    def calibrate(self, raw: Tensor) -> None:
        """Set the standardising mean and deviation from latents that `encode` gave with those set before."""
        flat = rearrange(raw, "b c f h w -> c (b f h w)").double()
        mean, std = flat.mean(1).float(), flat.std(1).float().clamp(min=1e-3)
        self.latent_mean.add_(mean * self.latent_std)
        self.latent_std.mul_(std)
