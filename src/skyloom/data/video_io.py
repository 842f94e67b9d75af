"""Videos and pictures read and written.

    write_video(video, "fox.mp4")      mp4 (H.264), webm (VP9), gif, webp, png; a folder or x_%04d.png for frames
    read_video("fox.mp4")              any format that FFmpeg or Pillow reads

The settings that made a video travel inside its file as JSON (comment tag, PNG text, GIF comment, WebP EXIF), and
`read_metadata` gives them back. A file carries the invisible mark and a signed manifest unless told otherwise, and
appears whole or not at all.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import secrets
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from av.error import FFmpegError

from skyloom.data import encoders
from skyloom.data.decoders import Decoded, PerFrame, decode, read_comment
from skyloom.data.fitting import fit, fit_frame, on_screen, resample, upscale
from skyloom.data.stamping import sign_file, stamped
from skyloom.errors import InvalidArgument, MediaError, nearest_name
from skyloom.provenance.manifest import STAMPED, Provenance
from skyloom.video import Video

__all__ = [
    "check_output", "check_quality", "fit", "fit_frame", "read_image", "read_metadata", "read_video", "resample",
    "upscale", "write_chunks", "write_video",
]  # fmt: skip

STREAMED: dict[str, Callable[[Iterable[np.ndarray], float, Path, float, str], None]] = {
    ".mp4": encoders.stream_mp4,
    ".webm": encoders.stream_webm,
}
WRITERS: dict[str, Callable[[np.ndarray, float, Path, float, str], None]] = {
    ".gif": encoders.write_gif,
    ".webp": encoders.write_webp,
    ".png": lambda frames, fps, path, quality, text: encoders.write_png(frames[0], path, text),
}
ENDINGS = (*STREAMED, *WRITERS)
FRAME_PATTERN = "frame_%04d.png"
NUMBERED = re.compile(r"%0?\d*d")
MAX_PICTURE_FPS = 60.0
TIME_ROUNDING = 0.006  # a GIF counts in hundredths of a second


def check_output(path: Path | str) -> Path:
    """Return the path if a video can be written there; raise MediaError otherwise. Writes nothing."""
    path = Path(path)
    if path.suffix and path.suffix.lower() not in ENDINGS:
        nearest = nearest_name(path.suffix, ENDINGS) or ".mp4"
        raise MediaError(f"cannot write {path}: known are mp4, webm, gif, webp, png; nearest: {nearest}")
    if path.suffix and path.is_dir():
        raise MediaError(f"cannot write {path}: it is a folder")
    if _is_sequence(path) and any(_frame_files(path)):
        raise MediaError(f"cannot write {path}: there are frames already; remove them or choose another name")
    parent = path.absolute().parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise MediaError(f"cannot write {path}: {parent} is not a folder that can be written to")
    return path


def check_quality(quality: float) -> None:
    """Raise InvalidArgument unless `quality` is between 0 and 100."""
    if not 0 <= quality <= 100:
        raise InvalidArgument("quality", quality, "be between 0 and 100", min(max(quality, 0.0), 100.0))


def write_video(
    video: Video, path: Path | str, *, quality: float = 80.0, metadata: dict[str, Any] | None = None,
    provenance: Provenance | None = STAMPED,
) -> Path:  # fmt: skip
    """Write by extension and return the path; folders on the way are made.

    quality: 0 to 100, for mp4, webm and webp. metadata: replaces the video's own. provenance: what the file says of
    its origin; None leaves the pixels as they are and signs nothing. The manifest of a webm is a file beside it,
    `fox.c2pa`. H.264 and VP9 want even sizes: an odd height or width gets its last row or column doubled. Raises
    MediaError, InvalidArgument.
    """
    if len(video.frames) == 0:
        raise MediaError(f"cannot write {path}: the video has no frames")
    own = video.metadata if metadata is None else metadata
    return write_chunks([video.frames], video.fps, path, quality=quality, metadata=own, provenance=provenance)


def write_chunks(
    chunks: Iterable[np.ndarray], fps: float, path: Path | str, *, quality: float = 80.0,
    metadata: dict[str, Any] | None = None, provenance: Provenance | None = STAMPED,
) -> Path:  # fmt: skip
    """Write frames (k, h, w, 3) chunk by chunk while they are being made, as `write_video` does.

    mp4, webm and numbered PNG frames keep no frame; gif and webp need all of them. What `chunks` raises leaves nothing.
    """
    check_quality(quality)
    path = check_output(path)
    text = json.dumps({"skyloom": {**(metadata or {}), "fps": fps}})
    ending, made_by = path.suffix.lower(), metadata or {}

    def sign(temporary: Path, target: Path) -> None:
        sign_file(temporary, target, provenance, made_by)

    chunks = stamped(_begun(chunks), fps, provenance, made_by)
    if _is_sequence(path):
        _write_frames(chunks, path, text, sign)
        return path
    whole = None if ending in STREAMED else np.concatenate(list(chunks))
    if whole is not None and ending == ".png":
        _check_one_picture(whole, path)
    with _beside(path) as temporary:
        if whole is None:
            STREAMED[ending](chunks, fps, temporary, quality, text)
        else:
            WRITERS[ending](whole, fps, temporary, quality, text)
        sign(temporary, path)
    return path


def _begun(chunks: Iterable[np.ndarray]) -> Iterable[np.ndarray]:
    """Return the same chunks, the first of them made already: what fails at once leaves not even a folder."""
    rest = iter(chunks)
    return itertools.chain([next(rest)], rest)


def _check_one_picture(frames: np.ndarray, path: Path) -> None:
    if len(frames) > 1:
        several = f"one picture, not {len(frames)}; write {path.stem}_%04d.png or a folder"
        raise MediaError(f"cannot write {path}: it holds {several}")


def _is_sequence(path: Path) -> bool:
    return not path.suffix or bool(NUMBERED.search(path.name))


def _frame_files(path: Path) -> Iterator[Path]:
    """List the existing frames that a folder or numbered name stands for, in order."""
    folder, pattern = (path, FRAME_PATTERN) if not path.suffix else (path.parent, path.name)
    name = re.compile(r"\d+".join(re.escape(part) for part in NUMBERED.split(pattern)))
    return iter(sorted(file for file in folder.glob("*.png") if name.fullmatch(file.name)))


def _write_frames(
    chunks: Iterable[np.ndarray], path: Path, text: str, sign: Callable[[Path, Path], None]
) -> None:  # fmt: skip
    """Write and sign all frames beside their places, then move them there."""
    pattern = path / FRAME_PATTERN if not path.suffix else path
    moves: list[tuple[Path, Path]] = []
    with _errors(path):
        pattern.parent.mkdir(parents=True, exist_ok=True)
        try:
            for index, frame in enumerate(frame for frames in chunks for frame in frames):
                target = pattern.with_name(pattern.name % index)
                moves.append((_temporary(target), target))
                encoders.write_png(frame, moves[-1][0], text)
                sign(*moves[-1])
            for temporary, target in moves:
                temporary.replace(target)
        finally:
            for temporary, _ in moves:
                temporary.unlink(missing_ok=True)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")


@contextmanager
def _beside(path: Path) -> Generator[Path]:
    """Give a temporary path in the same folder, moved into place when all went well and removed when not."""
    with _errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = _temporary(path)
        try:
            yield temporary
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def _errors(path: Path) -> Generator[None]:
    """Turn what FFmpeg, Pillow and the disk say into a MediaError that names the file."""
    try:
        yield
    except InvalidArgument:  # raised by whoever makes the frames
        raise
    except (FFmpegError, OSError, ValueError, MediaError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise MediaError(f"cannot write {path}: {reason}") from error


def _source(path: Path | str) -> Path:
    """Return the path; raise MediaError if there is nothing to read."""
    path = Path(path)
    if not path.exists():
        raise MediaError(f"cannot read {path}: there is no such file")
    if path.is_file() and path.stat().st_size == 0:
        raise MediaError(f"cannot read {path}: the file is empty")
    return path


def read_video(
    path: Path | str,
    *,
    start: float = 0.0,
    max_seconds: float | None = None,
    fps: float | None = None,
    picture_fps: float = 8.0,
    per_frame: PerFrame | None = None,
) -> Video:
    """Read a video, an animation, a still picture (one frame) or a folder of PNG frames.

    start, max_seconds: the span to read, in seconds. fps: the wanted rate (None keeps the file's; a variable rate
    becomes constant, at the median spacing). picture_fps: the rate of pictures, which have none of their own.
    per_frame: applied to each frame (h, w, 3) as it is decoded, to keep memory small. Raises MediaError.
    """
    for name, value in (("start", start), ("max_seconds", max_seconds)):
        if value is not None and not 0 <= value < float("inf"):
            raise InvalidArgument(name, value, "be at least 0 seconds", 0.0)
    for name, value in (("fps", fps), ("picture_fps", picture_fps)):
        if value is not None and not 0 < value <= 1000:
            raise InvalidArgument(name, value, "be above 0 and at most 1000")
    path, keep = Path(path), per_frame or (lambda frame: frame)
    if path.is_dir() or NUMBERED.search(path.name):
        decoded = _decode_folder(path, picture_fps, keep)
    else:
        decoded = decode(_source(path), start, max_seconds, keep)
    if decoded.end is None:
        return Video(np.stack(decoded.frames), fps or picture_fps, decoded.metadata)
    own_rate = decoded.metadata.get("fps")
    rate = fps or (float(own_rate) if isinstance(own_rate, int | float) else _rate(decoded))
    if len({frame.shape for frame in decoded.frames}) > 1:
        raise MediaError(f"cannot read {path}: its frames have different sizes")
    shown = on_screen(decoded.starts, decoded.end, rate, min(TIME_ROUNDING, 0.25 / rate))
    return Video(np.stack(decoded.frames)[shown], rate, decoded.metadata)


def _rate(decoded: Decoded) -> float:
    """Return the constant rate that the frame times stand for; the median spacing's where they are uneven."""
    starts, end = decoded.starts - decoded.starts[0], (decoded.end or 0.0) - decoded.starts[0]
    average = len(starts) / end if end > 0 else MAX_PICTURE_FPS
    even = np.abs(starts * average - np.arange(len(starts))).max() < 0.25
    rate = average if even else 1 / max(float(np.median(np.diff([*starts, end]))), 1 / MAX_PICTURE_FPS)
    return round(rate, 3)


def _decode_folder(path: Path, picture_fps: float, per_frame: PerFrame) -> Decoded:
    """Read numbered PNG frames; the rate is the one they carry, else `picture_fps`."""
    if not path.suffix and not path.is_dir():
        raise MediaError(f"cannot read {path}: there is no such folder")
    files = list(_frame_files(path)) if path.suffix else sorted(path.glob("*.png"))
    if not files:
        raise MediaError(f"cannot read {path}: no PNG frames there")
    pictures = [decode(_source(file), 0.0, None, per_frame) for file in files]
    metadata = pictures[0].metadata
    own_rate = metadata.get("fps")
    rate = float(own_rate) if isinstance(own_rate, int | float) else picture_fps
    return Decoded(
        [p.frames[0] for p in pictures], np.arange(len(files)) / rate, len(files) / rate, metadata | {"fps": rate}
    )


def read_image(path: Path | str) -> Video:
    """Read one picture, or the first frame of a video, as a video of one frame. Raises MediaError."""
    decoded = decode(_source(path), 0.0, 1e-3, lambda frame: frame)
    return Video(decoded.frames[0][None], 8.0, decoded.metadata)


def read_metadata(path: Path | str) -> dict[str, Any]:
    """Return the settings stored by `write_video`, without decoding the video; empty if there are none."""
    path = Path(path)
    if path.is_dir() or NUMBERED.search(path.name):
        files = list(_frame_files(path)) if path.suffix else sorted(path.glob("*.png"))
        if not files:
            raise MediaError(f"cannot read {path}: no PNG frames there")
        path = files[0]
    return read_comment(_source(path))
