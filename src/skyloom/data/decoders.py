"""Frames with their times, from any file.

Pillow reads pictures and picture animations, FFmpeg everything else. Frames come upright (a phone's rotation is
applied) and opaque (alpha is laid on white), as (h, w, 3) uint8.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
from av.container import InputContainer
from av.error import EOFError as StreamEnd
from av.error import FFmpegError, InvalidDataError
from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from skyloom.data.encoders import EXIF_DESCRIPTION, PNG_KEY
from skyloom.errors import MediaError

PICTURE_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "PPM", "ICO", "TGA")
MAX_BYTES = 2**32

PerFrame = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Decoded:
    """Frames of one file; `starts` in seconds; the last one ends at `end` (None: a still picture)."""

    frames: list[np.ndarray]
    starts: np.ndarray
    end: float | None
    metadata: dict[str, Any]


def metadata_from(text: object) -> dict[str, Any]:
    """Return the settings that `video_io.write_video` put into a file's comment; empty for another program's file."""
    try:
        values = json.loads(text) if isinstance(text, str) else None
    except json.JSONDecodeError:
        return {}
    found = values.get("skyloom") if isinstance(values, dict) else None
    return found if isinstance(found, dict) else {}


def read_comment(path: Path) -> dict[str, Any]:
    """Return the settings stored in a file, decoding no frame. Raises MediaError."""
    with _reading(path):
        picture = open_picture(path)
        if picture is not None:
            with picture:
                return metadata_from(picture_text(picture))
        with _open_stream(path) as container:
            return metadata_from(_stream_text(container))


class _Nameless:
    """A file that FFmpeg must know by its content: its name and play lists inside may not lead it elsewhere."""

    def __init__(self, file: BinaryIO) -> None:
        self.read, self.seek, self.tell = file.read, file.seek, file.tell


@contextmanager
def _open_stream(path: Path) -> Generator[InputContainer]:
    with path.open("rb") as file, av.open(_Nameless(file), "r", options={"protocol_whitelist": ""}) as container:
        yield container


def _stream_text(container: InputContainer) -> str | None:
    return container.metadata.get("comment", container.metadata.get("COMMENT"))


@contextmanager
def _reading(path: Path) -> Generator[None]:
    """Turn what FFmpeg, Pillow and the disk say into a MediaError that names the file."""
    try:
        yield
    except (FFmpegError, OSError, SyntaxError, EOFError, ValueError, MediaError) as error:
        raise MediaError(f"cannot read {path}: {_reason(error)}") from error


def decode(path: Path, start: float, seconds: float | None, per_frame: PerFrame) -> Decoded:
    """Decode `seconds` (None: all) from `start` on, with `per_frame` applied to each frame. Raises MediaError."""
    with _reading(path):
        picture = open_picture(path)
        if picture is None:
            return _decode_stream(path, start, seconds, per_frame)
        with picture:
            return _decode_picture(picture, start, seconds, per_frame)


def _reason(error: Exception) -> str:
    """Say in words what FFmpeg and Pillow say in codes."""
    if isinstance(error, InvalidDataError | StreamEnd):
        return "not a video or picture that FFmpeg or Pillow knows, or damaged"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def open_picture(path: Path) -> Image.Image | None:
    """Open by content with Pillow; None if it is not a picture. Raises MediaError for one of absurd size."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(path, formats=PICTURE_FORMATS)
    except UnidentifiedImageError:
        return None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise MediaError(f"more than {Image.MAX_IMAGE_PIXELS} pixels") from error


def picture_text(picture: Image.Image) -> object:
    """Return the comment that a picture carries: PNG text, GIF comment or EXIF description."""
    comment = picture.info.get("comment", picture.info.get(PNG_KEY))
    if isinstance(comment, bytes):
        return comment.decode(errors="replace")
    return comment if comment is not None else picture.getexif().get(EXIF_DESCRIPTION)


def opaque(picture: Image.Image) -> np.ndarray:
    """Return upright RGB; what is transparent becomes white, 16-bit grey keeps its range."""
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I;16") or picture.mode == "I":
        grey = (np.asarray(picture).astype(np.float32) / 257).clip(0, 255).round().astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=-1)
    if not picture.has_transparency_data:
        return np.array(picture.convert("RGB"))
    return on_white(np.asarray(picture.convert("RGBA")))


def on_white(rgba: np.ndarray) -> np.ndarray:
    """Lay (h, w, 4) uint8 on white."""
    alpha = rgba[..., 3:].astype(np.float32) / 255
    return (rgba[..., :3] * alpha + 255 * (1 - alpha)).round().astype(np.uint8)


def _decode_picture(picture: Image.Image, start: float, seconds: float | None, per_frame: PerFrame) -> Decoded:
    """Read a still picture or a picture animation (GIF, WebP, APNG)."""
    metadata = metadata_from(picture_text(picture))
    expected = getattr(picture, "n_frames", 1)
    if expected == 1:
        return Decoded([per_frame(opaque(picture))], np.zeros(1), None, metadata)
    shown, clock = [], 0.0
    for image in ImageSequence.Iterator(picture):
        image.load()
        duration = image.info.get("duration", 100) / 1000 or 0.1
        if _within(clock, duration, start, seconds):
            shown.append((clock, per_frame(opaque(image))))
            _check_bytes(shown[-1][1], len(shown))
        clock += duration
        expected -= 1
        if seconds is not None and clock >= start + seconds:
            return _collect(shown, start, start + seconds, metadata)
    if expected > 0:
        raise MediaError("the file ends early")
    return _collect(shown, start, clock, metadata)


def _within(begin: float, duration: float, start: float, seconds: float | None) -> bool:
    """Tell whether a frame is on screen at any time of the wanted span."""
    return begin + duration > start + 1e-6 and (seconds is None or begin < start + seconds - 1e-6)


def _check_bytes(frame: np.ndarray, count: int) -> None:
    if frame.nbytes * count > MAX_BYTES:
        raise MediaError(f"more than {MAX_BYTES >> 30} GiB of frames; read fewer seconds or a smaller size")


def _collect(shown: list[tuple[float, np.ndarray]], start: float, end: float, metadata: dict[str, Any]) -> Decoded:
    """Pack frames whose first one may have begun before `start`. Raises MediaError for none."""
    if not shown:
        raise MediaError(f"no frame at {start:g} s: it ends at {end:g} s" if start else "it has no frames")
    starts = np.maximum([begin for begin, _ in shown], start)
    return Decoded([frame for _, frame in shown], starts, end, metadata)


def _decode_stream(path: Path, start: float, seconds: float | None, per_frame: PerFrame) -> Decoded:
    """Read a video with FFmpeg; a file that ends before its header says is refused."""
    with _open_stream(path) as container:
        if not container.streams.video:
            raise MediaError("it has no video stream")
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        metadata = metadata_from(_stream_text(container))
        if start > 0:
            container.seek(int(start * av.time_base), backward=True)
        shown, count, end = [], 0, 0.0
        for begin, duration, frame in _timed(container, stream):
            count, end = count + 1, begin + duration
            if _within(begin, duration, start, seconds):
                shown.append((begin, per_frame(_upright(frame))))
                _check_bytes(shown[-1][1], len(shown))
            if seconds is not None and end >= start + seconds - 1e-6:
                return _collect(shown, start, start + seconds, metadata)
        _check_whole(container, stream, count if start == 0 else None, end)
    return _collect(shown, start, end, metadata)


def stream_frames(path: Path) -> Iterator[tuple[float, float, np.ndarray]]:
    """Yield (begin, duration, frame (h, w, 3)) of a video one by one, keeping none. Raises MediaError."""
    with _reading(path), _open_stream(path) as container:
        if not container.streams.video:
            raise MediaError("it has no video stream")
        stream, count, end = container.streams.video[0], 0, 0.0
        for begin, duration, frame in _timed(container, stream):
            count, end = count + 1, begin + duration
            yield begin, duration, _upright(frame)
        _check_whole(container, stream, count, end)


def stream_shape(path: Path) -> tuple[int, int, float, float | None]:
    """Return (height, width, frames a second, seconds or None) that a video says it has. Raises MediaError."""
    with _reading(path), _open_stream(path) as container:
        if not container.streams.video:
            raise MediaError("it has no video stream")
        stream = container.streams.video[0]
        seconds = container.duration / av.time_base if container.duration else None
        return stream.height, stream.width, float(stream.average_rate or stream.guessed_rate or 25), seconds


def _timed(container: InputContainer, stream: av.VideoStream) -> Iterator[tuple[float, float, av.VideoFrame]]:
    """Yield (begin, duration, frame) in seconds, the stream's first frame at 0."""
    rate = float(stream.average_rate or stream.guessed_rate or 25)
    origin = float((stream.start_time or 0) * stream.time_base) if stream.time_base else 0.0
    held: tuple[float, float, av.VideoFrame] | None = None
    for index, frame in enumerate(container.decode(stream)):
        begin = frame.time - origin if frame.time is not None else index / rate
        length = float(frame.duration * frame.time_base) if frame.duration and frame.time_base else 1 / rate
        if held is not None:
            yield held[0], max(begin - held[0], 0.0), held[2]
        held = (begin, length, frame)
    if held is not None:
        yield held


def _upright(frame: av.VideoFrame) -> np.ndarray:
    """Return one frame as opaque RGB, turned as its file says."""
    transparent = any(component.is_alpha for component in frame.format.components)
    rgb = on_white(frame.to_ndarray(format="rgba")) if transparent else frame.to_ndarray(format="rgb24")
    return np.ascontiguousarray(np.rot90(rgb, round(frame.rotation / 90)))


def _check_whole(container: InputContainer, stream: av.VideoStream, count: int | None, end: float) -> None:
    """Raise MediaError when fewer frames or seconds came out than the header promised."""
    if count == 0:
        raise MediaError("it has no frames that can be decoded")
    if count is not None and stream.frames and count < stream.frames:
        raise MediaError(f"the file ends early: {count} of {stream.frames} frames")
    promised = container.duration / av.time_base if container.duration and len(container.streams) == 1 else 0.0
    if promised - end > max(0.25, 2 / float(stream.average_rate or 25)):
        raise MediaError(f"the file ends early: {end:.2f} of {promised:.2f} seconds")
