"""The same clips seen otherwise: nearer, slower, moving.

A law is what stays when the view changes. Each training clip may be seen by a camera that zooms, at another frame rate,
from a train that rides along (a Galilean boost), or in a mirror. Every such view of a disc on white is again a disc on
white under the same law, so the views are made by changing the clip's numbers; no test clip is used.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from skyloom.data.phyworld import FRAME_SECONDS, KNOWN_FRAMES, STEP, WORLD, Motion, between
from skyloom.errors import one_of

SYMMETRIES = ("zoom", "rate", "boost", "mirror")
ZOOM, RATE, BOOST = 2.2, 2.0, 3.0
LEAST_RADIUS, MOST_RADIUS = 0.4, 2.4


@dataclass(frozen=True)
class View:
    """Which symmetries the views of one disc draw from."""

    symmetries: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.symmetries:
            one_of("symmetries", name, SYMMETRIES)

    def __call__(self, motion: Motion, generator: torch.Generator) -> Motion:
        """Return one view of each clip; where there is room, all is whole in view while its first frames are known."""
        if not self.symmetries:
            return motion
        chance = torch.rand(8, len(motion), generator=generator, dtype=torch.float64)
        zoom, rate = self._factors(motion, chance)
        radius = motion.radius * zoom[:, None]
        velocity = motion.velocity * (zoom * rate)[:, None, None]
        if "boost" in self.symmetries:
            velocity = velocity + BOOST * (2 * chance[2:4].T - 1)[:, None]
        apart = (motion.start - motion.start[:, :1]) * zoom[:, None, None]
        if "mirror" in self.symmetries:
            side = torch.where(chance[4] < 0.5, -1.0, 1.0)[:, None, None].pow(torch.tensor([1.0, 0.0]))
            velocity, apart = velocity * side, apart * side
        start = self._placed(radius, velocity, apart, chance[5:7].T)
        return Motion(radius, start, velocity, motion.gravity)

    def _factors(self, motion: Motion, chance: Tensor) -> tuple[Tensor, Tensor]:
        """Return how much larger and how much faster each clip is seen; gravity fixes one by the other."""
        one = torch.ones(len(motion), dtype=torch.float64)
        zoom = ZOOM ** (2 * chance[0] - 1) if "zoom" in self.symmetries else one
        most, least = MOST_RADIUS / motion.radius.amax(1), LEAST_RADIUS / motion.radius.amin(1)
        zoom = zoom.maximum(least).minimum(most)
        rate = RATE ** (2 * chance[1] - 1) if "rate" in self.symmetries else one
        return (zoom, rate) if motion.gravity == 0 else (zoom, zoom.rsqrt())

    def _placed(self, radius: Tensor, velocity: Tensor, apart: Tensor, chance: Tensor) -> Tensor:
        """Place discs anywhere that leaves them whole in view until the last known frame, if there is such a place."""
        moved = velocity * (STEP + (KNOWN_FRAMES - 1) * FRAME_SECONDS)
        low = (radius[..., None] - moved.clamp(max=0) - apart).amax(1)
        high = (WORLD - radius[..., None] - moved.clamp(min=0) - apart).amin(1)
        first = torch.where(high > low, between(low, high, chance), (low + high) / 2)
        return first[:, None] + apart
