"""Videos brought to a size or a rate.

Nothing is distorted: "crop" fills the frame and cuts what sticks out, in equal parts at both sides; "pad" shows
everything and puts black bars around it. Rates change by showing the frame that is on screen at each moment.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image

from skyloom.errors import InvalidArgument, one_of
from skyloom.video import Video

MODES = ("crop", "pad")


def fit(video: Video, height: int, width: int, mode: str = "crop") -> Video:
    """Bring every frame to (height, width), Lanczos-filtered. Raises InvalidArgument."""
    return replace(video, frames=np.stack([fit_frame(frame, height, width, mode) for frame in video.frames]))


def fit_frame(frame: np.ndarray, height: int, width: int, mode: str = "crop") -> np.ndarray:
    """Bring one frame (h, w, 3) uint8 to (height, width, 3)."""
    one_of("mode", mode, MODES)
    for name, value in (("height", height), ("width", width)):
        if value < 1:
            raise InvalidArgument(name, value, "be at least 1", 1)
    if frame.shape[:2] == (height, width):
        return frame
    return (_crop if mode == "crop" else _pad)(Image.fromarray(frame), height, width)


def _crop(image: Image.Image, height: int, width: int) -> np.ndarray:
    """Resize the largest centred box of the wanted aspect."""
    scale = min(image.width / width, image.height / height)
    left, top = (image.width - width * scale) / 2, (image.height - height * scale) / 2
    box = (max(left, 0.0), max(top, 0.0), min(image.width - left, image.width), min(image.height - top, image.height))
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS, box=box))


def _pad(image: Image.Image, height: int, width: int) -> np.ndarray:
    """Resize the whole picture into the middle of a black frame."""
    scale = min(width / image.width, height / image.height)
    inner = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    padded = Image.new("RGB", (width, height))
    padded.paste(image.resize(inner, Image.Resampling.LANCZOS), ((width - inner[0]) // 2, (height - inner[1]) // 2))
    return np.asarray(padded)


def upscale(video: Video, factor: int) -> Video:
    """Enlarge each frame `factor` times, Lanczos-filtered; 1 returns the video itself. Raises InvalidArgument."""
    if factor < 1:
        raise InvalidArgument("scale", factor, "be a whole number of at least 1", 1)
    return video if factor == 1 else fit(video, video.size.height * factor, video.size.width * factor)


def resample(video: Video, fps: float) -> Video:
    """Change the rate and keep the length: each new frame is the one that is on screen at its time."""
    if not 0 < fps <= 1000:
        raise InvalidArgument("fps", fps, "be above 0 and at most 1000")
    starts = np.arange(len(video.frames)) / video.fps
    return replace(video, frames=video.frames[on_screen(starts, video.seconds, fps)], fps=fps)


def on_screen(starts: np.ndarray, end: float, fps: float, slack: float = 1e-6) -> np.ndarray:
    """Return which frame is shown at times 0, 1 / fps, 2 / fps, ... before `end`, for frames that begin at `starts`.

    A frame that begins up to `slack` seconds late still counts as begun: files round their times.
    """
    last = int((starts[-1] - starts[0] + slack) * fps)
    count = max(last + 1, round((end - starts[0]) * fps))
    times = starts[0] + np.arange(count) / fps + slack
    return np.clip(np.searchsorted(starts, times, side="right") - 1, 0, len(starts) - 1)


def at_most(frame: np.ndarray, longest: int) -> np.ndarray:
    """Bring a frame (h, w, 3) whose longer side is above `longest` pixels down to that, whole and undistorted."""
    height, width = frame.shape[:2]
    scale = longest / max(height, width)
    if scale >= 1:
        return frame
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS))
