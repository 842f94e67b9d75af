"""What of a picture is asked for: masks.

A mask is a tensor (f, h, w) of 0 and 1 at the size of the video to make, 1 where something new is asked for.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from skyloom.errors import InvalidArgument
from skyloom.pipelines.tasks import Room
from skyloom.video import Video

EDGE = 3
"""Pixels over which new turns into own, inside the mask."""


def mask_of(room: Room, picture: Video, frames: int) -> Tensor:
    """Return the mask that a picture or video shows in white, fitted as the video is; the last one shown stays."""
    fitted = torch.from_numpy(room.fitted(picture).frames).float().mean(-1) > 127.5
    return fitted[torch.arange(frames).clamp(max=len(fitted) - 1)].float()


def box_mask(room: Room, box: tuple[float, float, float, float], shape: tuple[int, int], frames: int) -> Tensor:
    """Return the mask of a box: left, top, right, bottom as shares of a frame of `shape` (height, width)."""
    left, top, right, bottom = box
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise InvalidArgument("box", box, "be left < right, top < bottom, as shares of the frame from 0 to 1")
    height, width = shape
    picture = np.zeros((1, height, width, 3), np.uint8)
    rows, columns = slice(int(top * height), -int(-bottom * height // 1)), slice(int(left * width), None)
    picture[:, rows, columns.start : -int(-right * width // 1)] = 255
    return mask_of(room, Video(picture, room.fps), frames)


def margin_mask(room: Room, video: Video, frames: int) -> Tensor:
    """Return the mask of what lies around a video that is shown whole."""
    inner = Video(np.full_like(video.frames[:1], 255), video.fps)
    return 1 - mask_of(replace(room, mode="pad"), inner, frames)


def check_mask(mask: Tensor) -> Tensor:
    """Return the mask; raise InvalidArgument for one that asks for nothing."""
    if not bool(mask.any()):
        raise InvalidArgument("mask", "nothing", "be white somewhere within the picture")
    return mask


def soft(mask: Tensor) -> Tensor:
    """Return how much of the new is shown: 0 outside of the mask (f, h, w), rising to 1 inside it."""
    inner = -F.max_pool2d(-mask[:, None], EDGE, 1, EDGE // 2)
    risen = F.avg_pool2d(inner, EDGE, 1, EDGE // 2, count_include_pad=False)
    return torch.where(inner.flatten(1).any(1)[:, None, None], risen[:, 0], mask) * mask


def pasted(own: Tensor, made: Tensor, mask: Tensor) -> Tensor:
    """Return pixels (1, 3, f, h, w): `made` inside the mask (f, h, w), `own` outside, untouched."""
    share = soft(mask)[None, None]
    return torch.where(mask[None, None] > 0, own + share * (made - own), own)


SPARE = 0.06
"""Share of a mask's pixels beyond each side of the box of the thing that it is drawn around: masks are drawn wide."""
MARGIN = 0.1
"""How much wider at each side than the box of a thing that was found a mask is drawn; boxes are found about so well."""
LARGEST, FULLEST = 0.6, 0.5
"""Masks above this share of the frame, or below this share of their own box, are not drawn around one thing."""


def boxes_of(mask: Tensor) -> Tensor | None:
    """Return the box (1, 1, f, 4) of the thing that a mask (f, h, w) is drawn around in each frame (`models.boxes`).

    NaN in frames without a mask; None for a mask that is not drawn around one thing.
    """
    size = mask.new_tensor(mask.shape[1:]).prod()
    across, along = (_span(mask.sum(axis)) for axis in (1, 2))
    box = torch.stack([across[0], 1 - along[1], across[1], 1 - along[0]], dim=-1)
    area = (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])
    filled, there = mask.sum((1, 2)) / size, mask.any(2).any(1)
    if not bool(there.any()):
        return None
    solid = float((filled / area.clamp(min=1e-6))[there].median()) >= FULLEST
    return box.masked_fill(~there[:, None], float("nan"))[None, None] if solid and float(area.max()) < LARGEST else None


def around(boxes: Tensor, height: int, width: int) -> Tensor:
    """Return the mask (f, height, width) drawn around the thing in a box (f, 4): each side wider by MARGIN of its size.

    Frames without a box (NaN) have none.
    """
    known = boxes.nan_to_num(-1.0)
    left, bottom, right, top = known.unbind(-1)
    wider, higher = (right - left) * MARGIN, (top - bottom) * MARGIN
    x, y = (torch.arange(width) + 0.5) / width, 1 - (torch.arange(height) + 0.5) / height
    across = (x > (left - wider)[:, None]) & (x < (right + wider)[:, None])
    upward = (y > (bottom - higher)[:, None]) & (y < (top + higher)[:, None])
    return (upward[:, :, None] & across[:, None, :]).float()


def _span(counts: Tensor) -> tuple[Tensor, Tensor]:
    """Return between which shares of an axis all but SPARE of the pixels at each side lie; counts: (f, n)."""
    below = F.pad(counts.cumsum(1) / counts.sum(1, keepdim=True).clamp(min=1e-6), (1, 0))
    edges = torch.linspace(0, 1, below.shape[1], dtype=counts.dtype).expand_as(below).contiguous()
    return _crossing(below, edges, SPARE), _crossing(below, edges, 1 - SPARE)


def _crossing(below: Tensor, edges: Tensor, share: float) -> Tensor:
    """Return where rising values (f, n) over `edges` reach a share, between the edges in proportion: (f,)."""
    after = torch.searchsorted(below, torch.full_like(below[:, :1], share)).clamp(1, below.shape[1] - 1)
    low, high = below.gather(1, after - 1), below.gather(1, after)
    part = ((share - low) / (high - low).clamp(min=1e-9)).clamp(0, 1)
    return edges.gather(1, after - 1).lerp(edges.gather(1, after), part)[:, 0]
