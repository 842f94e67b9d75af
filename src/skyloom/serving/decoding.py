"""A process that decodes what strangers send, and nothing else.

`python -m skyloom.serving.decoding` reads a request a line ({"path", "out", "limits"}) and forks for each: the child
takes limits of memory, time and file size upon itself, judges the file by its content, decodes it and writes it anew.
A line comes back: {"kind", "path", "width", "height", "seconds"} or {"code", "message"}. No byte of the original
reaches the new file except through decoded pixels.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, ImageSequence

from skyloom.data import encoders
from skyloom.data.decoders import opaque, stream_frames, stream_shape
from skyloom.errors import MediaError

PICTURES = {b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF87a": "GIF", b"GIF89a": "GIF"}
MATROSKA = b"\x1a\x45\xdf\xa3"
FASTEST = 30.0
LARGEST_OUTPUT = 1 << 30
QUALITY = 90.0


class Refused(Exception):
    """A file that is not taken: a code for programs, a sentence for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def main() -> None:
    """Answer requests until there are no more."""
    Image.init()
    for line in sys.stdin:
        print(json.dumps(in_a_child(json.loads(line))), flush=True)


def in_a_child(request: dict[str, Any]) -> dict[str, Any]:
    """Fork, let the child do the work under its limits, and return its answer or what became of it."""
    limits = request["limits"]
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        _work(request, theirs)
    os.close(theirs)
    try:
        text = _read(ours, time.monotonic() + limits["work_seconds"])
    finally:
        os.close(ours)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if text is None:
        return _refusal("file_too_complex", f"The file could not be decoded within {limits['work_seconds']:g} seconds.")
    return json.loads(text) if text.endswith("}") else _refusal("invalid_file", "The file made its decoder fail.")


def _refusal(code: str, message: str) -> dict[str, Any]:
    return {"code": code, "message": message}


def _read(pipe: int, until: float) -> str | None:
    """Read to the end; None when time runs out before."""
    parts = []
    while select.select([pipe], [], [], max(0.0, until - time.monotonic()))[0]:
        part = os.read(pipe, 65536)
        if not part:
            return b"".join(parts).decode()
        parts.append(part)
    return None


def _work(request: dict[str, Any], pipe: int) -> None:
    """Do what the child is for, write the answer, and leave without cleaning up after anything inherited."""
    answer = _refusal("invalid_file", "The file cannot be read.")
    try:
        limits = request["limits"]
        resource.setrlimit(resource.RLIMIT_AS, (limits["memory"], limits["memory"]))
        seconds = int(limits["work_seconds"]) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_OUTPUT, LARGEST_OUTPUT))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        answer = taken(Path(request["path"]), Path(request["out"]), limits)
    except Refused as refused:
        answer = _refusal(refused.code, refused.message)
    except MemoryError:
        answer = _refusal("file_too_complex", "The file needs more memory than is allowed.")
    except Exception as error:  # whatever a decoder may raise: the file is at fault
        answer = _refusal("invalid_file", f"The file cannot be read: {_words(error)}.")
    finally:
        os.write(pipe, json.dumps(answer).encode())
        os._exit(0)


def _words(error: Exception) -> str:
    """Say what went wrong in few words, without a path of this machine."""
    text = str(error).rpartition(": ")[2] if isinstance(error, MediaError) else str(error) or type(error).__name__
    return "".join(letter if letter.isprintable() and letter != "/" else " " for letter in text)[:120]


def taken(path: Path, out: Path, limits: dict[str, Any]) -> dict[str, Any]:
    """Judge, decode and write a file anew as `out`.png or `out`.mp4. Raises Refused, MediaError."""
    with path.open("rb") as file:
        start = file.read(16)
    kind = next((name for magic, name in PICTURES.items() if start.startswith(magic)), None)
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        kind = "WEBP"
    if kind is not None:
        return _picture(path, out, kind, limits)
    if start[4:8] != b"ftyp" and not start.startswith(MATROSKA):
        raise Refused("unsupported_format", "The file is none of png, jpeg, gif, webp, mp4, mov, webm, mkv.")
    height, width, fps, seconds = stream_shape(path)
    _check_size(height, width, limits)
    _check_length(seconds or 0.0, limits)
    return _film(stream_frames(path), fps, out, limits)


def _picture(path: Path, out: Path, kind: str, limits: dict[str, Any]) -> dict[str, Any]:
    """Write a still picture as PNG with its alpha, an animated one as mp4."""
    Image.MAX_IMAGE_PIXELS = None  # judged here
    with Image.open(path, formats=[kind]) as picture:
        _check_size(picture.height, picture.width, limits)
        if getattr(picture, "n_frames", 1) > 1:
            picture.load()  # a webp tells its first duration only then
            return _film(_animation(picture), 1 / _duration(picture), out, limits)
        picture.load()
        still = ImageOps.exif_transpose(picture)
        clear = still.has_transparency_data
        clean = still.convert("RGBA") if clear else Image.fromarray(opaque(still))
        clean.thumbnail((limits["kept_side"], limits["kept_side"]))
        target = out.with_suffix(".png")
        Image.fromarray(np.asarray(clean)).save(target, "PNG")
    return {"kind": "image", "path": str(target), "width": clean.width, "height": clean.height, "seconds": None}


def _animation(picture: Image.Image) -> Iterator[tuple[float, float, np.ndarray]]:
    """Yield (begin, duration, frame) of an animated picture."""
    clock = 0.0
    for image in ImageSequence.Iterator(picture):
        image.load()
        yield clock, _duration(image), opaque(image)
        clock += _duration(image)


def _duration(image: Image.Image) -> float:
    """Return how long a frame of an animation is shown, in seconds."""
    return float(image.info.get("duration", 100) or 100) / 1000


def _film(
    frames: Iterator[tuple[float, float, np.ndarray]], fps: float, out: Path, limits: dict[str, Any]
) -> dict[str, Any]:  # fmt: skip
    """Write frames at a constant rate of at most 30 a second, frame by frame."""
    rate = min(max(fps, 1.0), FASTEST)
    shape, count = (0, 0), 0

    def steady() -> Iterator[np.ndarray]:
        nonlocal shape, count
        for decoded, (begin, duration, frame) in enumerate(frames, 1):
            _check_length(begin + duration, limits)
            _check_size(*frame.shape[:2], limits)
            if decoded > limits["frames"]:
                raise Refused("video_too_long", f"The video has more than {limits['frames']} frames.")
            while count == 0 or count / rate < begin + duration - 0.5 / rate:
                small = Image.fromarray(frame)
                small.thumbnail((limits["kept_side"], limits["kept_side"]))
                shape, count = shape if count else (small.height, small.width), count + 1
                yield np.asarray(small.resize(shape[::-1]))[None]

    target = out.with_suffix(".mp4")
    encoders.stream_mp4(steady(), rate, target, QUALITY, "{}")
    if count == 0:
        raise Refused("invalid_file", "The file has no frames.")
    height, width = (side + side % 2 for side in shape)
    return {"kind": "video", "path": str(target), "width": width, "height": height, "seconds": count / rate}


def _check_size(height: int, width: int, limits: dict[str, Any]) -> None:
    """Raise Refused for absurd sizes."""
    least, most = limits["least_side"], limits["side"]
    if not (least <= min(height, width) and max(height, width) <= most and height * width <= limits["pixels"]):
        said = f"It is {width}x{height}; sides of {least} to {most} and {limits['pixels']} pixels in all are allowed."
        raise Refused("invalid_dimensions", said)


def _check_length(seconds: float, limits: dict[str, Any]) -> None:
    if not seconds <= limits["seconds"]:
        raise Refused("video_too_long", f"The video is longer than {limits['seconds']:g} seconds.")


if __name__ == "__main__":
    main()
