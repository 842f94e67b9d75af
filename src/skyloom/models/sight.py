"""How single frames are seen: where actors are, which they are.

The eye sees a frame: where actors are, how large, what they look like, what the whole picture looks like. The tracker
takes the actors of one frame, left to right, and finds each of them in every other frame by its looks. The classifier
names an actor from a square crop. All of it learns from single frames, so a little compute sees many scenes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from torch import Tensor, nn

CELL = 4
"""Pixels of one cell of the eye's map."""
CROP = 32
"""Pixels of a crop's side."""
SLOTS = 2
"""Actors that are read one by one, ordered from left to right at the clip's middle."""


@dataclass(frozen=True)
class Sight:
    """What the eye sees in b clips of f frames; h x w cells."""

    features: Tensor  # (b, f, d, h, w)
    heat: Tensor  # (b, f, h, w) logit: an actor's centre lies here
    context: Tensor  # (b, f, e) the whole picture


@dataclass(frozen=True)
class Tracking:
    """Where each slot's actor is in every frame. Coordinates run from 0 to 1 over the frame, x right, y down."""

    logits: Tensor  # (b, f, s, h, w) of the attention
    centre: Tensor  # (b, f, s, 2) x, y of the body's centre
    side: Tensor  # (b, f, s) log of the actor's larger side in frame heights
    looks: Tensor  # (b, f, s, d) features at the actor
    confidence: Tensor  # (b, f, s) in [0, 1]: heat at the actor


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


class Residual(nn.Module):
    """One 3 x 3 convolution beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = _conv(channels, channels)

    def forward(self, pixels: Tensor) -> Tensor:
        """(b, c, h, w) to the same."""
        return pixels + self.conv(pixels)


class Eye(nn.Module):
    """Single frames to features, heat and context."""

    def __init__(self, width: int, context_classes: int) -> None:
        super().__init__()
        middle, wide = 2 * width, 3 * width
        self.stem = nn.Sequential(nn.Conv2d(3, width, 4, 2, 1), nn.ReLU(), _conv(width, middle, 2))
        self.near = nn.Sequential(Residual(middle), Residual(middle))
        self.far = nn.Sequential(_conv(middle, wide, 2), Residual(wide), Residual(wide))
        self.join = nn.Conv2d(wide, middle, 1)
        self.mix = Residual(middle)
        self.heat = nn.Conv2d(middle, 1, 1)
        self.context = nn.Sequential(nn.Linear(2 * wide + 2 * middle, 2 * middle), nn.ReLU())
        self.scene = nn.Linear(2 * middle, context_classes)

    def forward(self, pixels: Tensor) -> Sight:
        """Look at pixels (b, 3, f, h, w) in [-1, 1]; h and w are multiples of 8."""
        frames = rearrange(pixels, "b c f h w -> (b f) c h w")
        near = self.near(self.stem(frames))
        far = self.far(near)
        context = self.context(torch.cat([_summary(far), _summary(near)], 1))
        features = self.mix(near + F.interpolate(self.join(far), scale_factor=2.0))
        heat = self.heat(features)[:, 0]
        unfold = {"b": len(pixels)}
        return Sight(
            rearrange(features, "(b f) d h w -> b f d h w", **unfold).float(),
            rearrange(heat, "(b f) h w -> b f h w", **unfold).float(),
            rearrange(context, "(b f) e -> b f e", **unfold).float(),
        )


def _summary(features: Tensor) -> Tensor:
    """(n, c, h, w) to (n, 2c): the mean and the largest over the picture."""
    return torch.cat([features.mean((2, 3)), features.amax((2, 3))], 1)


def cell_centres(height: int, width: int, device: torch.device) -> Tensor:
    """Return (2, h, w): x and y of every cell's centre in frame coordinates."""
    y = (torch.arange(height, device=device) + 0.5) / height
    x = (torch.arange(width, device=device) + 0.5) / width
    return torch.stack([repeat(x, "w -> h w", h=height), repeat(y, "h -> h w", w=width)])


def seen_to_the_left(heat: Tensor) -> Tensor:
    """Heat (b, h, w) as logits to (b, h, w): how many actors' columns lie left of each cell, softly."""
    column = torch.sigmoid(heat).amax(1)
    return repeat(column.cumsum(-1) - column, "b w -> b h w", h=heat.shape[1])


class Tracker(nn.Module):
    """Picks the actors of one frame and finds them in all others."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.pick = nn.Sequential(_conv(features + 4, features), nn.Conv2d(features, SLOTS, 1))
        self.query = nn.Linear(features, features)
        self.key = nn.Conv2d(features, features, 1)
        self.heat_weight = nn.Parameter(torch.ones(()))
        self.side = nn.Sequential(nn.Linear(features, features), nn.ReLU(), nn.Linear(features, 1))

    def forward(self, sight: Sight, at_frame: int) -> tuple[Tensor, Tracking]:
        """Return the pick's logits (b, s, h, w) at `at_frame`, and the tracks through all frames."""
        features, heat = sight.features, sight.heat
        picked = self._pick(features[:, at_frame], heat[:, at_frame])
        queries = self.query(_attend(picked[:, None], features[:, at_frame, None])[:, 0])
        keys = self.key(features.flatten(0, 1)).unflatten(0, features.shape[:2])
        alike = torch.einsum("b s d, b f d h w -> b f s h w", queries, keys) / features.shape[2] ** 0.5
        logits = alike + self.heat_weight * heat[:, :, None]
        logits = logits + logits.log_softmax(2)  # slots compete for a cell, so that two do not follow one actor
        return picked, self._tracking(logits, sight)

    def _pick(self, features: Tensor, heat: Tensor) -> Tensor:
        height, width = heat.shape[1:]
        grid = repeat(cell_centres(height, width, heat.device), "c h w -> b c h w", b=len(heat))
        left = seen_to_the_left(heat)[:, None]
        return self.pick(torch.cat([features, grid, left, heat[:, None]], 1)).float()

    def _tracking(self, logits: Tensor, sight: Sight) -> Tracking:
        looks = _attend(logits, sight.features).float()
        grid = cell_centres(*logits.shape[-2:], logits.device)
        weights = logits.flatten(-2).softmax(-1).unflatten(-1, logits.shape[-2:])
        centre = torch.einsum("b f s h w, c h w -> b f s c", weights, grid)
        confidence = torch.einsum("b f s h w, b f h w -> b f s", weights, torch.sigmoid(sight.heat))
        return Tracking(logits.float(), centre.float(), self.side(looks)[..., 0].float(), looks, confidence.float())


def _attend(logits: Tensor, features: Tensor) -> Tensor:
    """Logits (b, f, s, h, w) and features (b, f, d, h, w) to (b, f, s, d)."""
    weights = logits.flatten(-2).softmax(-1)
    return torch.einsum("b f s l, b f d l -> b f s d", weights, features.flatten(-2))


class Classifier(nn.Module):
    """Names an actor from a square crop."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        wide = 4 * width
        self.layers = nn.Sequential(
            _conv(3, width, 2), _conv(width, 2 * width, 2), _conv(2 * width, wide), _conv(wide, wide, 2), Residual(wide)
        )
        self.head = nn.Linear(wide, classes)

    def forward(self, crops: Tensor) -> Tensor:
        """Crops (n, 3, CROP, CROP) to logits (n, classes)."""
        return self.head(self.layers(crops).mean((2, 3))).float()


def crop_squares(pixels: Tensor, centre: Tensor, side: Tensor) -> Tensor:
    """Cut squares out of frames and resize them to CROP pixels; outside the frame is grey.

    pixels: (n, 3, h, w). centre: (n, s, 2) in frame coordinates. side: (n, s) log of the side in frame heights.
    Returns (n * s, 3, CROP, CROP).
    """
    height, width = pixels.shape[-2:]
    steps = (torch.arange(CROP, device=pixels.device) + 0.5) / CROP - 0.5
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    reach = side.exp()[..., None, None]
    x_in_frame = centre[..., 0, None, None] + x * reach * height / width
    y_in_frame = centre[..., 1, None, None] + y * reach
    grid = rearrange(torch.stack([x_in_frame, y_in_frame], -1), "n s h w c -> (n s) h w c") * 2 - 1
    frames = repeat(pixels, "n c h w -> (n s) c h w", s=centre.shape[1])
    return F.grid_sample(frames, grid.to(frames.dtype), align_corners=False)
