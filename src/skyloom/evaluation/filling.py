"""Trivial ways to fill in frames.

Linear blending, and warping along OpenCV's dense optical flow (DIS, Kroeger et al. 2016; package
opencv-python-headless, in the extra `compare`).
"""

from __future__ import annotations

import importlib
import importlib.util
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from skyloom.errors import MissingDependency

PACKAGE = "opencv-python-headless"
ENLARGED = 2
"""Small pictures are enlarged this often before the flow is looked for: its patches are 8 pixels wide."""


def flow_installed() -> bool:
    """Whether OpenCV is there."""
    return importlib.util.find_spec("cv2") is not None


def _opencv() -> Any:
    return importlib.import_module("cv2")


def blended(pixels: Tensor, factor: int) -> Tensor:
    """Put `factor` - 1 linear mixtures between neighbours: (b, 3, f, h, w) to (b, 3, 1 + factor * (f - 1), h, w)."""
    before, after = pixels[:, :, :-1], pixels[:, :, 1:]
    between = [before + (after - before) * step / factor for step in range(factor)]
    return torch.cat([rearrange(between, "k b c f h w -> b c (f k) h w"), pixels[:, :, -1:]], 2)


def flow_warped(pixels: Tensor, factor: int) -> Tensor:
    """Put frames warped along the optical flow between neighbours; shapes as `blended`. Raises MissingDependency."""
    if not flow_installed():
        raise MissingDependency(PACKAGE, "filling in frames by optical flow")
    clips = [_flow_warped(clip, factor) for clip in pixels]
    return torch.stack(clips)


def _flow_warped(clip: Tensor, factor: int) -> Tensor:
    frames = rearrange(((clip.clamp(-1, 1) + 1) * 127.5).round(), "c f h w -> f h w c").byte().numpy()
    filled: list[np.ndarray] = []
    for before, after in pairwise(frames):
        there, back = _flow(before, after), _flow(after, before)
        filled.append(before)
        filled += [_between(before, after, there, back, step / factor) for step in range(1, factor)]
    filled.append(frames[-1])
    return rearrange(torch.from_numpy(np.stack(filled)), "f h w c -> c f h w").float() / 127.5 - 1


def _flow(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return (h, w, 2): where each pixel goes, in pixels right and down."""
    cv2 = _opencv()

    height, width = before.shape[:2]
    large = [cv2.resize(cv2.cvtColor(f, cv2.COLOR_RGB2GRAY), (width * ENLARGED, height * ENLARGED))
             for f in (before, after)]  # fmt: skip
    estimator = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return cv2.resize(estimator.calc(large[0], large[1], None), (width, height)) / ENLARGED


def _between(before: np.ndarray, after: np.ndarray, there: np.ndarray, back: np.ndarray, share: float) -> np.ndarray:
    """Warp both neighbours to a moment between them and mix."""
    early, late = _pulled(before, -share * there), _pulled(after, -(1 - share) * back)
    return (early.astype(np.float32) * (1 - share) + late.astype(np.float32) * share).round().astype(np.uint8)


def _pulled(frame: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Look every pixel up at its place plus an offset (h, w, 2)."""
    cv2 = _opencv()

    height, width = frame.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    places = (x + offset[..., 0].astype(np.float32), y + offset[..., 1].astype(np.float32))
    return cv2.remap(frame, *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
