"""Frames written as mp4, webm, gif, webp, png.

Each function takes frames (f, h, w, 3) uint8, a rate, a path that does not exist yet, a quality in [0, 100] and a
text to carry, and writes the whole file. `video_io` gives them a temporary path and moves it into place. The two whose
names begin with `stream` take frames in chunks and keep none of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from skyloom.errors import MediaError

EXIF_DESCRIPTION = 0x010E
PNG_KEY = "Comment"
MAX_GIF_FPS = 50
PALETTE_PIXELS = 1 << 16


@dataclass(frozen=True)
class Coding:
    """What FFmpeg is told of a codec and its container."""

    container: str
    codec: str
    options: dict[str, str]
    container_options: dict[str, str]


def stream_mp4(chunks: Iterable[np.ndarray], fps: float, path: Path, quality: float, text: str) -> None:
    """H.264, yuv420p, index in front. Odd sizes get their last row or column doubled: H.264 wants even ones."""
    # x264's macroblock tree reads memory that nobody wrote when frames are small: the same frames, other bytes
    options = {"crf": f"{8 + 0.4 * (100 - quality):.1f}", "preset": "fast", "mbtree": "0"}
    _encode(chunks, fps, path, text, Coding("mp4", "libx264", options, {"movflags": "+faststart"}))


def stream_webm(chunks: Iterable[np.ndarray], fps: float, path: Path, quality: float, text: str) -> None:
    """VP9, yuv420p; odd sizes as for mp4."""
    options = {"crf": str(round(10 + 0.5 * (100 - quality))), "b": "0", "deadline": "good", "cpu-used": "4"}
    _encode(chunks, fps, path, text, Coding("webm", "libvpx-vp9", options, {}))


def write_mp4(frames: np.ndarray, fps: float, path: Path, quality: float, text: str) -> None:
    """Write all frames at once with `stream_mp4`."""
    stream_mp4([frames], fps, path, quality, text)


def _encode(chunks: Iterable[np.ndarray], fps: float, path: Path, text: str, coding: Coding) -> None:
    """Encode with FFmpeg, then count the packets on disk: FFmpeg may miss a full disk."""
    count = 0
    with av.open(str(path), "w", format=coding.container, options=coding.container_options) as container:
        container.metadata["comment"] = text
        stream = cast(
            av.VideoStream,
            container.add_stream(coding.codec, rate=Fraction(fps).limit_denominator(1001), options=coding.options),
        )
        for frame in (_even(frame) for frames in chunks for frame in frames):
            if not count:
                _prepare(stream, *frame.shape[:2])
            container.mux(stream.encode(_yuv(frame)))
            count += 1
        container.mux(stream.encode(None))
    with av.open(str(path)) as written:
        packets = sum(packet.size > 0 for packet in written.demux(video=0))
    if packets != count:
        raise MediaError(f"only {packets} of {count} frames reached the disk; is it full?")


def _prepare(stream: av.VideoStream, height: int, width: int) -> None:
    """Say what size and colours the frames have."""
    stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
    context = stream.codec_context
    context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
    context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709


def _even(frame: np.ndarray) -> np.ndarray:
    """Double the last row or column of an odd size."""
    return np.pad(frame, ((0, frame.shape[0] % 2), (0, frame.shape[1] % 2), (0, 0)), "edge")


def _yuv(frame: np.ndarray) -> av.VideoFrame:
    """Convert one frame to BT.709 colours, each chroma sample the mean of its four pixels."""
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24").reformat(
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.MPEG,
        interpolation="AREA",
    )


def _durations(count: int, fps: float, unit: int) -> list[int]:
    """Return whole milliseconds for each frame, in multiples of `unit`, whose sums never drift from the rate."""
    edges = [round(index * 1000 / fps / unit) * unit for index in range(count + 1)]
    return [after - before for before, after in pairwise(edges)]


def write_gif(frames: np.ndarray, fps: float, path: Path, quality: float, text: str) -> None:
    """Endless GIF, one palette of 256 colours for all frames, dithered; `quality` has no meaning here."""
    if fps > MAX_GIF_FPS:
        raise MediaError(f"a gif shows at most {MAX_GIF_FPS} frames a second, got {fps:g}; write mp4 or webm")
    palette = _palette(frames)
    pictures = [Image.fromarray(frame).quantize(palette=palette) for frame in frames]
    durations = _durations(len(frames), fps, 10)
    _save_animation(pictures, path, "GIF", duration=durations, comment=text.encode(), optimize=False)


def _palette(frames: np.ndarray) -> Image.Image:
    """Choose 256 colours from up to 16 frames spread over the clip; rare colours count, then means are refined.

    Seconds grow faster than the number of colours: of large frames every few pixels are looked at.
    """
    chosen = frames[np.unique(np.linspace(0, len(frames) - 1, 16).round().astype(int))]
    step = math.ceil(math.sqrt(chosen[..., 0].size / PALETTE_PIXELS))
    chosen = chosen[:, ::step, ::step]
    montage = Image.fromarray(chosen.reshape(-1, *chosen.shape[2:]))
    return montage.quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=2)


def write_webp(frames: np.ndarray, fps: float, path: Path, quality: float, text: str) -> None:
    """Endless animated WebP; a quality of 100 is lossless."""
    exif = Image.Exif()
    exif[EXIF_DESCRIPTION] = text
    pictures = [Image.fromarray(frame) for frame in frames]
    durations = _durations(len(frames), fps, 1)
    lossless = quality == 100
    _save_animation(pictures, path, "WEBP", duration=durations, exif=exif, quality=round(quality), lossless=lossless)


def _save_animation(pictures: Sequence[Image.Image], path: Path, image_format: str, **options: Any) -> None:
    """Save through Pillow; a single picture is a still one."""
    if len(pictures) == 1:
        options.pop("duration")
        pictures[0].save(path, image_format, **options)
    else:
        pictures[0].save(path, image_format, save_all=True, append_images=pictures[1:], loop=0, **options)


def write_png(frame: np.ndarray, path: Path, text: str) -> None:
    """Write one frame (h, w, 3), lossless."""
    info = PngInfo()
    info.add_text(PNG_KEY, text)
    Image.fromarray(frame).save(path, "PNG", pnginfo=info)
