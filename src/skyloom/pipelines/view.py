"""A camera that obeys its numbers, looking at more.

The network has seen few cameras move. So a path by number is not left to it: it paints a larger picture with a still
camera, and a view moves over that picture just as told. Near and far move alike. A path that would need a picture much
larger than those of training is left to the network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from skyloom.pipelines.tasks import Room

LARGEST = 1.75
"""Most of width or height, in views, that is painted: above it a network begins to repeat things."""
AXES = ("pan", "tilt", "zoom")


@dataclass(frozen=True)
class View:
    """pan, tilt: views a second (right, up); zoom: doublings a second; seconds: of the whole; room: of the view."""

    pan: float
    tilt: float
    zoom: float
    seconds: float
    room: Room

    @property
    def density(self) -> float:
        """How many times finer than the view is painted, so that half of a zoom is sharp."""
        return 2 ** (abs(self.zoom) * self.seconds / 2)

    @property
    def sides(self) -> tuple[float, float]:
        """Height and width of what is painted, in views."""
        high, wide = (self.density * (1 + abs(rate) * self.seconds) for rate in (self.tilt, self.pan))
        return high, wide

    @property
    def painted(self) -> Room:
        """The room of the larger picture, whose camera stands still."""
        size, unit = self.room.size, self.room.strides.spatial * self.room.patch
        high, wide = self.sides
        height, width = (math.ceil(side - 1e-6) for side in (size.height * high / unit, size.width * wide / unit))
        larger = replace(size, height=height * unit, width=width * unit)
        return replace(self.room, size=larger, scalars={**self.room.scalars, **dict.fromkeys(AXES, 0.0)})

    def boxes(self, boxes: Tensor) -> Tensor:
        """Return boxes (..., 4) of the view as it is on the middle of its path, as boxes of what is painted."""
        size, larger = self.room.size, self.painted.size
        share = [self.density * a / b for a, b in ((size.width, larger.width), (size.height, larger.height))]
        return (boxes - 0.5) * boxes.new_tensor(share * 2) + 0.5

    def seen(self, pixels: Tensor, first: int) -> Tensor:
        """Return what the view shows of painted pixels (1, 3, k, H, W), frames `first` and on: (1, 3, k, h, w)."""
        frames = pixels[0].transpose(0, 1)
        times = (first + torch.arange(len(frames))) / self.room.fps
        theta = self._views(times, pixels.shape[3], pixels.shape[4])
        height, width = self.room.size.height, self.room.size.width
        grid = F.affine_grid(theta, [len(frames), 3, height, width], align_corners=False)
        shown = F.grid_sample(frames, grid, mode="bicubic", padding_mode="border", align_corners=False)
        return shown.clamp(-1, 1).transpose(0, 1)[None]

    def _views(self, times: Tensor, height: int, width: int) -> Tensor:
        """Return the views at `times` (k,) as maps of [-1, 1] to the painted picture's: (k, 2, 3)."""
        size = self.room.size
        wide, high = self.density * size.width / width, self.density * size.height / height
        late = times - self.seconds / 2
        scale = 2 ** (-self.zoom * times + min(0.0, self.zoom * self.seconds))
        nothing = torch.zeros_like(times)
        across = torch.stack([scale * wide, nothing, 2 * self.pan * late * wide], dim=-1)
        upward = torch.stack([nothing, scale * high, -2 * self.tilt * late * high], dim=-1)
        return torch.stack([across, upward], dim=1)


def view_of(room: Room) -> View | None:
    """Return the view that moves as a room's scalars say; None where it stands still, or would go too far."""
    pan, tilt, zoom = (float(room.scalars.get(name, 0.0)) for name in AXES)
    view = View(pan, tilt, zoom, (room.size.num_frames - 1) / room.fps, room)
    moves = room.size.num_frames > 1 and bool(pan or tilt or zoom)
    return view if moves and max(view.sides) <= LARGEST else None
