"""Sizes as a type with arithmetic; axis letters.

Axes, everywhere in the package: `b` batch, `c` channels, `f` frames (pixel or latent), `h` height, `w` width,
`l` tokens, `d` width of a token, `n` heads, `k` actors of a scene. Pixels are `b c f h w` in [-1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

from skyloom.errors import InvalidArgument


@dataclass(frozen=True)
class Strides:
    """How many pixels one latent cell covers: `temporal` frames and `spatial` x `spatial` pixels."""

    temporal: int
    spatial: int


@dataclass(frozen=True)
class LatentSize:
    """The latent grid of one video."""

    latent_frames: int
    latent_height: int
    latent_width: int

    @property
    def cells(self) -> int:
        """Number of latent cells."""
        return self.latent_frames * self.latent_height * self.latent_width

    def pixels(self, strides: Strides) -> VideoSize:
        """Return the pixel size that this grid decodes to: 1 + temporal * (latent_frames - 1) frames."""
        return VideoSize(
            1 + strides.temporal * (self.latent_frames - 1),
            self.latent_height * strides.spatial,
            self.latent_width * strides.spatial,
        )


@dataclass(frozen=True)
class VideoSize:
    """The pixel size of one video; an image is a video of one frame."""

    num_frames: int
    height: int
    width: int

    def latents(self, strides: Strides, patch: int = 1) -> LatentSize:
        """Return the latent grid. Raises InvalidArgument when the size does not divide.

        `patch` is the transformer's spatial patch: height and width must be multiples of spatial * patch.
        """
        unit = strides.spatial * patch
        if self.num_frames < 1 or (self.num_frames - 1) % strides.temporal:
            wanted = f"be 1 + a multiple of {strides.temporal}"
            raise InvalidArgument("num_frames", self.num_frames, wanted, nearest_frames(self.num_frames, strides))
        for name, value in (("height", self.height), ("width", self.width)):
            if value < unit or value % unit:
                raise InvalidArgument(name, value, f"be a multiple of {unit}", max(unit, round(value / unit) * unit))
        return LatentSize(
            1 + (self.num_frames - 1) // strides.temporal,
            self.height // strides.spatial,
            self.width // strides.spatial,
        )


def nearest_frames(num_frames: float, strides: Strides) -> int:
    """Return the frame count 1 + temporal * k that is nearest to `num_frames` (k >= 0)."""
    return 1 + strides.temporal * max(0, round((num_frames - 1) / strides.temporal))


def plan_channels(stride: int) -> int:
    """Return the channels of a plan of boxes (models.boxes).

    One for whether somebody is there, and four sides for each pixel frame of a group of `stride`.
    """
    return 1 + 4 * stride
