"""Drawn paths: where the user wants an actor to go.

A path is points (second, x, y), x and y in shares of the frame from its left and its top; between points an actor moves
at constant speed, before the first and after the last it stands. How large it is the planner says, or SIDE.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from skyloom.errors import InvalidArgument
from skyloom.pipelines.canvas import Canvas

Path = Sequence[tuple[float, float, float]]
SIDE = 0.35
"""Width and height, in shares of the frame's height, of an actor that nothing is known of."""
POINT = re.compile(r"(?:(?P<second>[^:,]+):)?(?P<x>[^:,]+),(?P<y>[^:,]+)")


def parse_path(text: str, seconds: float) -> list[tuple[float, float, float]]:
    """Return the points of "0:0.2,0.7 1.5:0.8,0.7", or of "0.2,0.7 0.8,0.7", which share `seconds` evenly.

    Raises InvalidArgument.
    """
    wanted = "be points SECOND:X,Y or X,Y with x and y in shares of the frame"
    found = [POINT.fullmatch(part) for part in text.replace(";", " ").split()]
    try:
        points = [(m["second"], float(m["x"]), float(m["y"])) for m in found if m]
        timed = [second is not None for second, _, _ in points]
        if not points or len(points) < len(found) or any(timed) != all(timed):
            raise ValueError
        even = np.linspace(0, seconds, len(points)) if len(points) > 1 else [0.0]
        times = [float(p[0]) for p in points] if all(timed) else [float(second) for second in even]
    except ValueError:
        raise InvalidArgument("path", text, wanted, "0:0.2,0.7 2:0.8,0.7") from None
    return check_path([(time, x, y) for time, (_, x, y) in zip(times, points, strict=True)])


def check_path(path: Path) -> list[tuple[float, float, float]]:
    """Return a path of finite points whose seconds rise. Raises InvalidArgument."""
    points = [tuple(map(float, point)) for point in path]
    seconds = [point[0] for point in points if len(point) == 3 and np.isfinite(point).all()]
    if not points or len(seconds) < len(points) or any(b <= a for a, b in pairwise(seconds)):
        raise InvalidArgument("path", points, "be points (second, x, y) whose seconds rise")
    return [(point[0], point[1], point[2]) for point in points]


def sizes_of(boxes: Tensor | None, count: int, aspect: float) -> Tensor:
    """Return the mean width and height (count, 2) of each slot of planned boxes (1, s, n, 4), SIDE where none is."""
    sizes = torch.tensor([SIDE / aspect, SIDE]).repeat(count, 1)
    if boxes is not None:
        known = (boxes[0, :count, :, 2:] - boxes[0, :count, :, :2]).mean(1)
        sizes[: len(known)] = torch.where(known.isnan(), sizes[: len(known)], known.clamp(min=0.05))
    return sizes


def along(paths: Sequence[Path], sizes: Tensor, fps: float, first: int, count: int) -> Tensor:
    """Return boxes (1, s, count, 4) of actors on their paths at pixel frames first <= f < first + count."""
    seconds = (first + np.arange(count)) / fps
    rows = []
    for path, (width, height) in zip(paths, sizes.tolist(), strict=True):
        times, xs, ys = (np.array(values) for values in zip(*path, strict=True))
        x, y = np.interp(seconds, times, xs), 1 - np.interp(seconds, times, ys)
        rows.append(np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], axis=-1))
    return torch.from_numpy(np.stack(rows)[None]).float()


def drawn(canvas: Canvas, paths: Sequence[Path], planned: Tensor | None, fps: float, first: int, stride: int) -> Canvas:
    """Return a canvas whose actors go along `paths`; the others where `planned` (1, s, n, 4) has them.

    first: number of its first pixel frame in the whole film.
    """
    size = canvas.size
    count = 1 + stride * (size.latent_frames - 1)
    boxes = along(paths, sizes_of(planned, len(paths), size.latent_width / size.latent_height), fps, first, count)
    if planned is not None and planned.shape[2] == count:
        boxes = torch.cat([boxes, planned[:, len(paths) :]], dim=1)
    return replace(canvas, boxes=boxes)
