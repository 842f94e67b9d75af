"""What a checkpoint can make well, told without loading it.

The old API's sizes and lengths (720x1280, "8") are wishes. `nearest_size` keeps the shape and takes the number of
pixels the checkpoint was trained at; `nearest_length` takes a length that fits its temporal stride. The answer to a
call says what will be made.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path

from skyloom.config import Preset, from_dict
from skyloom.errors import CheckpointError, InvalidArgument, nearest_name
from skyloom.shapes import Strides, nearest_frames

WEIGHTS = Path(__file__).parent.parent / "weights"
MAX_SIDE = 8192
MAX_SECONDS = 120.0
"""Of one video, stitched from its extensions."""
MAX_EXTENSION = 20.0
FREE = 4.0
"""A size that divides is made as asked when its pixels are within this factor of the trained ones."""
WIDEST = 3.0
"""No shape is made narrower than 1 to 3: training had none."""
FPS = (1.0, 60.0)


@dataclass(frozen=True)
class Offer:
    """What a checkpoint was trained to make.

    name: of the checkpoint. num_frames, height, width, fps: of its clips. strides, unit: heights and widths are
    multiples of unit pixels. created: unix seconds.
    """

    name: str
    num_frames: int
    height: int
    width: int
    fps: float
    strides: Strides
    unit: int
    created: int = 0

    def size(self, asked: str | None) -> tuple[int, int]:
        """Return (height, width) that is made for "WIDTHxHEIGHT"; None and "auto" are as trained."""
        if asked in (None, "auto"):
            return self.height, self.width
        return nearest_size(self, *parse_size(asked))

    def length(self, seconds: float | None, fps: float | None) -> int:
        """Return the frames that are made for a length; None is as trained."""
        return self.num_frames if seconds is None else nearest_length(seconds, fps or self.fps, self.strides)

    def seconds(self, num_frames: int, fps: float | None = None) -> str:
        """Return from the first frame to the last, as the API writes it: 33 frames at 8 a second are "4"."""
        return spoken((num_frames - 1) / (fps or self.fps))


def spoken(seconds: float) -> str:
    """Return a number of seconds as text, without a useless tail."""
    return f"{round(seconds, 3):.3f}".rstrip("0").rstrip(".")


def parse_size(text: str | None) -> tuple[int, int]:
    """Return (height, width) of "1280x720". Raises InvalidArgument."""
    match = re.fullmatch(r"([0-9]{1,5})[xX]([0-9]{1,5})", text or "")
    if not match or not all(1 <= int(side) <= MAX_SIDE for side in match.groups()):
        raise InvalidArgument("size", text, f"be WIDTHxHEIGHT, each from 1 to {MAX_SIDE} pixels", "720x1280")
    return int(match[2]), int(match[1])


def nearest_size(offer: Offer, height: int, width: int) -> tuple[int, int]:
    """Return the (height, width) a checkpoint makes well that is nearest in shape, then in number of pixels."""
    trained, unit = offer.height * offer.width, offer.unit
    if height % unit == 0 and width % unit == 0 and 1 / FREE <= height * width / trained <= FREE:
        return height, width
    most = math.isqrt(trained) * 4 // unit
    sides = [unit * k for k in range(1, most + 1)]
    fitting = [(h, w) for h in sides for w in sides if 0.6 <= h * w / trained <= 1.6 and 1 / WIDEST <= h / w <= WIDEST]

    def distance(size: tuple[int, int]) -> float:
        shape = abs(math.log(size[0] / size[1] * width / height))
        return shape + 0.5 * abs(math.log(size[0] * size[1] / trained))

    return min(fitting or [(offer.height, offer.width)], key=distance)


def nearest_length(seconds: float, fps: float, strides: Strides) -> int:
    """Return the number of frames, 1 + a multiple of the stride, that lasts nearest to `seconds`; never one frame."""
    return max(nearest_frames(seconds * fps + 1, strides), 1 + strides.temporal)


def read_offer(name_or_path: str | None = None) -> Offer:
    """Return a checkpoint's offer by shipped name or folder; None is the best one shipped. Raises CheckpointError."""
    default = WEIGHTS / "DEFAULT"
    name = name_or_path or (default.read_text().strip() if default.exists() else "")
    shipped = {file.parent.name: file.parent for file in sorted(WEIGHTS.glob("*/transformer.safetensors"))}
    file = (shipped.get(name) or Path(name)) / "config.json"
    if not name or not file.is_file():
        nearest = nearest_name(name, shipped)
        tail = f"; nearest: {nearest}" if nearest else ""
        raise CheckpointError(f"no checkpoint {name!r}: shipped are {', '.join(shipped) or 'none'}{tail}")
    found = json.loads(file.read_text())
    if "preset" not in found:
        raise CheckpointError(f"{file} is no config of a checkpoint that makes videos")
    return offer_of(from_dict(Preset, found["preset"]), file.parent.name, int(file.stat().st_mtime))


def offer_of(preset: Preset, name: str, created: int = 0) -> Offer:
    """Return what a preset's networks can make."""
    clip, strides = preset.clip, preset.autoencoder.strides
    unit = strides.spatial * preset.transformer.patch_size
    return Offer(name, clip.num_frames, clip.height, clip.width, clip.fps, strides, unit, created)
