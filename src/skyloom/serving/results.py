"""What an engine leaves in its folder: videos, stills of them, pictures.

    video.mp4   thumbnail.webp (its middle frame)   spritesheet.jpg (frames in reading order)   image-0.png ...

Frames are (f, h, w, 3) uint8. Files are written beside their places and renamed. Knows no torch.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from skyloom.data import encoders
from skyloom.errors import InvalidArgument, MediaError

SHEET_FRAMES, SHEET_WIDTH, THUMBNAIL_SIDE, PREVIEW_SIDE = 25, 320, 1024, 512
PICTURE_FORMATS = {"png": "png", "jpeg": "jpg", "webp": "webp"}


Sign = Callable[[Path, Path], None]
"""Signs a finished file in place, before it is renamed to the second path."""


def unsigned(path: Path, target: Path) -> None:
    """Leave a file as it is."""


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Have `write` write beside a path, with the same ending, then rename."""
    beside = path.with_name(f".{secrets.token_hex(8)}{path.suffix}")
    try:
        write(beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_results(folder: Path, frames: np.ndarray, fps: float, text: str, quality: float = 80.0) -> dict[str, str]:
    """Write a video with its stills, `text` inside; return variant to file name. Raises MediaError."""
    write_atomically(folder / "video.mp4", lambda path: encoders.write_mp4(frames, fps, path, quality, text))
    return {"video": "video.mp4", **write_stills(folder, frames)}


def write_stills(folder: Path, frames: np.ndarray, sign: Sign = unsigned) -> dict[str, str]:
    """Write a video's thumbnail and spritesheet; return variant to file name."""
    _save(thumbnail(frames), folder / "thumbnail.webp", "WEBP", sign)
    _save(spritesheet(frames), folder / "spritesheet.jpg", "JPEG", sign)
    return {"thumbnail": "thumbnail.webp", "spritesheet": "spritesheet.jpg"}


def write_preview(folder: Path, frame: np.ndarray) -> None:
    """Write a frame (h, w, 3) as what is shown while the job runs."""
    _save(_within(Image.fromarray(frame), PREVIEW_SIDE), folder / "preview.webp", "WEBP")


def write_pictures(
    folder: Path, pictures: Sequence[np.ndarray], kind: str, sign: Sign = unsigned, first: int = 0
) -> dict[str, str]:
    """Write pictures (h, w, 3) as png, jpeg or webp; return variants image-0, ... (from `first` on) to file names."""
    if kind not in PICTURE_FORMATS:
        raise InvalidArgument("output_format", kind, f"be one of {', '.join(PICTURE_FORMATS)}", "png")
    numbers = range(first, first + len(pictures))
    names = {f"image-{number}": f"image-{number}.{PICTURE_FORMATS[kind]}" for number in numbers}
    for picture, name in zip(pictures, names.values(), strict=True):
        _save(Image.fromarray(picture), folder / name, kind.upper(), sign)
    return names


def thumbnail(frames: np.ndarray) -> Image.Image:
    """Return the middle frame, at most 1024 pixels a side."""
    return _within(Image.fromarray(frames[len(frames) // 2]), THUMBNAIL_SIDE)


def spritesheet(frames: np.ndarray) -> Image.Image:
    """Return up to 25 frames, evenly spaced, in a grid as square as it goes."""
    count = min(len(frames), SHEET_FRAMES)
    chosen = np.linspace(0, len(frames) - 1, count).round().astype(int)
    columns = math.ceil(math.sqrt(count))
    tiles = [_within(Image.fromarray(frames[index]), SHEET_WIDTH) for index in chosen]
    width, height = tiles[0].size
    sheet = Image.new("RGB", (columns * width, math.ceil(count / columns) * height))
    for place, tile in enumerate(tiles):
        sheet.paste(tile, (place % columns * width, place // columns * height))
    return sheet


def _within(picture: Image.Image, side: int) -> Image.Image:
    """Return a picture no larger than `side`."""
    copy = picture.copy()
    copy.thumbnail((side, side))
    return copy


def _save(picture: Image.Image, path: Path, kind: str, sign: Sign = unsigned) -> None:
    def write(beside: Path) -> None:
        picture.save(beside, kind, quality=90)
        sign(beside, path)

    try:
        write_atomically(path, write)
    except (OSError, ValueError) as error:
        raise MediaError(f"cannot write {path.name}: {getattr(error, 'strerror', None) or error}") from error
