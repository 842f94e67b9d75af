"""Where named actors are in latents.

Asked for an actor by its name (`models.names`), the network compares the name with every cell of a frame and reads the
box off what it attends to. Its answers are plans (`models.boxes.to_plan`), so a planner can go on from them.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skyloom.config import LocatorConfig
from skyloom.models.boxes import SPREAD, from_plan
from skyloom.models.layers import RMSNorm, linear
from skyloom.models.names import HearsNames

KERNEL = 3


class Locator(HearsNames):
    """A few convolutions over latents, and one question for each name and frame."""

    def __init__(self, config: LocatorConfig) -> None:
        super().__init__(config.text_dim)
        self.config, size = config, config.hidden_size
        self.stem = nn.Conv3d(config.latent_channels + 4, size, (1, KERNEL, KERNEL), padding=(0, 1, 1))
        self.blocks = nn.ModuleList(Block(size) for _ in range(config.num_layers))
        self.norm = RMSNorm(size)
        self.key, self.value = linear(size, size), linear(size, size)
        self.hear, self.query = linear(config.text_dim, size, muon=False), linear(size, size)
        self.mix = nn.Conv1d(2 * size + 2, 2 * size, KERNEL, padding=1)
        self.out = nn.Linear(2 * size, 1 + 4 * config.temporal_stride)

    def forward(self, latents: Tensor, shown: Tensor, names: Tensor) -> Tensor:
        """latents: (b, c, f, h, w); shown: (b, f), 1 for frames that are known; names: (b, s, text_dim).

        Returns the plan (b, 1 + 4 * stride, f, 1, s); channel 0 is the logit of being there, not 1 or -1.
        """
        seen, told = self._seen(latents, shown), self.hear(self.standard(names))
        query = self.query(F.silu(told))  # (b, s, d)
        scores = torch.einsum("bsd,bfld->bsfl", query, self.key(seen)) * query.shape[-1] ** -0.5
        weights = scores.softmax(-1)
        found = torch.einsum("bsfl,bfld->bsfd", weights, self.value(seen))
        place = weights @ self._places(latents).to(weights.dtype)  # (b, s, f, 2)
        parts = [found, told[:, :, None].expand_as(found), place]
        flat = torch.cat(parts, dim=-1).flatten(0, 1).transpose(1, 2)
        answer = self.out(F.silu(self.mix(flat)).transpose(1, 2)).unflatten(0, scores.shape[:2])  # (b, s, f, 1 + 4 t)
        middles = place.repeat(1, 1, 1, 2 * self.config.temporal_stride).to(answer.dtype)
        plan = torch.cat([answer[..., :1], answer[..., 1:] + middles], dim=-1)
        return plan.permute(0, 3, 2, 1)[..., None, :]

    def _seen(self, latents: Tensor, shown: Tensor) -> Tensor:
        """Return what is at every cell: (b, f, h * w, d). Frames that are not known are zeros."""
        given = shown.to(latents)[:, None, :, None, None].expand_as(latents[:, :1])
        alone = torch.zeros_like(given)
        alone[:, :, 0] = 1  # one frame of pixels, all others are groups
        places = self._places(latents).T.view(1, 2, 1, *latents.shape[3:])
        places = places.expand(len(latents), -1, latents.shape[2], -1, -1)
        x = self.stem(torch.cat([latents * given, given, alone, places], dim=1))
        for block in self.blocks:
            x = block(x)
        return self.norm(x.flatten(3).permute(0, 2, 3, 1))

    @staticmethod
    def _places(latents: Tensor) -> Tensor:
        """Return the middles of all cells (h * w, 2), across and up, as a plan tells them."""
        down, across = (((torch.arange(n) + 0.5) / n - 0.5) * SPREAD for n in latents.shape[3:])
        return torch.stack([across.repeat(len(down)), -down.repeat_interleave(len(across))], dim=-1).to(latents)


@torch.no_grad()
def located(locator: Locator, latents: Tensor, shown: Tensor, names: Tensor) -> Tensor:
    """Return boxes (b, s, n, 4) of named actors in latents (b, c, f, h, w), NaN throughout for who is not there.

    shown: (f,) bool, the frames that are known; boxes in others mean nothing. names: (b, s, text_dim), zeros for none.
    """
    device, frames = locator.mean.device, shown.to(torch.float32).expand(len(latents), -1)
    plan = locator(latents.to(device), frames.to(device), names.to(device)).float().cpu()
    there = plan[:, 0, shown].mean(1)[:, 0] > 0  # (b, s)
    there &= names.abs().amax(-1) > 0
    plan[:, 0] = there[:, None, None].float() * 2 - 1
    return from_plan(plan, locator.config.temporal_stride)


class Block(nn.Module):
    """Adds what neighbours in a frame and in time tell."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.norm = RMSNorm(size)
        self.within = nn.Conv3d(size, size, (1, KERNEL, KERNEL), padding=(0, 1, 1))
        self.over = nn.Conv3d(size, size, (KERNEL, 1, 1), padding=(1, 0, 0))

    def forward(self, x: Tensor) -> Tensor:
        """x: (b, d, f, h, w)."""
        normed = self.norm(x.movedim(1, -1)).movedim(-1, 1)
        return x + self.over(F.silu(self.within(normed)))
