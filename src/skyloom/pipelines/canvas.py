"""Spacetime canvas: what is known, what is asked.

Every task is a canvas. Cells whose mask is 1 are given and come out as they went in; the others are made. Axes: b = 1
video, c latent channels, f h w latent frames, rows and columns.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from skyloom.config import SCALARS
from skyloom.errors import InvalidArgument, one_of
from skyloom.shapes import LatentSize


@dataclass(frozen=True)
class PromptSpan:
    """Words for the latent frames first <= f < end; an end of None means to the last one."""

    text: str
    first: int = 0
    end: int | None = None


@dataclass(frozen=True)
class Canvas:
    """One video to be made.

    known: latents (1, c, f, h, w) and mask (1, 1, f, h, w), 1 where they hold; both None when nothing is known.
    source: latents (1, c, f, h, w) of the video that an instruction speaks of.
    start: latents (1, c, f, h, w) that sampling starts from, noised to `strength` in (0, 1]; 1 forgets them.
    scalars: numbers by name (`skyloom.config.SCALARS`): fps in frames a second, motion in [0, 1], pan and tilt in
    views a second, zoom in doublings a second. What is absent is left to the network.
    context_sigma: the noise level at which the network sees what is known.
    boxes: (1, s, n, 4), where actors are at each of n pixel frames, in the order of the words (`models.boxes`); None
    leaves that to the planner, or to the network where there is none.
    """

    size: LatentSize
    prompts: tuple[PromptSpan, ...]
    known: Tensor | None = None
    mask: Tensor | None = None
    source: Tensor | None = None
    start: Tensor | None = None
    strength: float = 1.0
    scalars: dict[str, float] = field(default_factory=dict)
    context_sigma: float = 0.0
    boxes: Tensor | None = None

    def __post_init__(self) -> None:
        """Raise InvalidArgument for parts that do not fit together."""
        for name in ("known", "mask", "source", "start"):
            self._check_grid(name, getattr(self, name))
        if (self.known is None) != (self.mask is None):
            raise InvalidArgument("mask", None if self.mask is None else "a tensor", "come together with known")
        for name, value, low in (("strength", self.strength, 1e-3), ("context_sigma", self.context_sigma, 0.0)):
            if not low <= value <= 1:
                raise InvalidArgument(name, value, f"be between {low:g} and 1", min(max(value, low), 1.0))
        for name in self.scalars:
            one_of("scalar", name, SCALARS)
        if self.boxes is not None and (self.boxes.dim() != 4 or len(self.boxes) != 1 or self.boxes.shape[3] != 4):
            raise InvalidArgument("boxes", tuple(self.boxes.shape), "be of shape (1, slots, frames, 4)")
        if not self.prompts:
            raise InvalidArgument("prompts", self.prompts, "hold at least one span")

    def _check_grid(self, name: str, tensor: Tensor | None) -> None:
        size = (self.size.latent_frames, self.size.latent_height, self.size.latent_width)
        if tensor is not None and (tensor.dim() != 5 or len(tensor) != 1 or tuple(tensor.shape[2:]) != size):
            raise InvalidArgument(name, tuple(tensor.shape), f"be of shape (1, c, {', '.join(map(str, size))})")

    def scalar_row(self) -> Tensor:
        """Return the scalars as the network takes them: (1, 5), NaN where not given, fps as fps / 8 - 1."""
        values = {**self.scalars, **({"fps": self.scalars["fps"] / 8 - 1} if "fps" in self.scalars else {})}
        return torch.tensor([[values.get(name, float("nan")) for name in SCALARS]])
