"""What is new begins where the user's own frames end.

Beside an own frame stands a made one, which lacks what the autoencoder missed (fine texture, a shade of colour) and
where the network missed a little too; at the seam that is seen as a step. The difference is carried: new frames are
shifted by it wherever they still show what the frame at the seam showed. Nothing is blended in time, except where two
clips are to turn into one another (`turned`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

SAME = 48 / 255
"""A difference, of pixels in [-1, 1], that still counts as the same thing."""
BLUR = 5


@dataclass(frozen=True)
class Offset:
    """What is added to frames that look like `like`: both (1, 3, 1, h, w)."""

    like: Tensor
    missed: Tensor

    def given_to(self, frames: Tensor) -> Tensor:
        """Return what frames (1, 3, k, h, w) are to be shifted by."""
        return still_there(frames, self.like) * self.missed


def still_there(frames: Tensor, like: Tensor) -> Tensor:
    """Return where frames (1, 3, k, h, w) show what one frame (1, 3, 1, h, w) does: (1, 1, k, h, w) in [0, 1].

    exp(-(d / SAME)^2) of the mean difference d over small squares.
    """
    difference = (frames - like).abs().mean(1)
    near = F.avg_pool2d(difference, BLUR, 1, BLUR // 2, count_include_pad=False)
    return torch.exp(-((near / SAME) ** 2))[:, None]


def going_on(own: Tensor, frames: Tensor) -> Offset:
    """Return the offset with which frames (1, 3, k, h, w) leave the frame `own` (1, 3, 1, h, w) as they go on.

    The step from `own` to the first of them becomes that from the first to the second.
    """
    first = frames[:, :, :1]
    step = frames[:, :, 1:2] - first if frames.shape[2] > 1 else torch.zeros_like(first)
    return Offset(first, own + step - first)


def arriving(own: Tensor, frames: Tensor, stand_in: Tensor) -> Offset:
    """Return the offset with which `frames` arrive at `own`, for which the made frame after them, `stand_in`, stands.

    The step from the last of them to `own` becomes that to `stand_in`.
    """
    return Offset(frames[:, :, -1:], own - stand_in)


def turned(ahead: Tensor, back: Tensor, count: int) -> Tensor:
    """Return `count` frames that begin as `ahead` and end as `back`, both (1, 3, k, h, w) with frames in common.

    There one turns into the other, slowly at first and at last (3 t^2 - 2 t^3).
    """
    ahead, back = ahead[:, :, :count], back[:, :, -count:]
    alone, common = count - back.shape[2], ahead.shape[2] + back.shape[2] - count
    time = (torch.arange(1, common + 1) / (common + 1)).view(1, 1, -1, 1, 1)
    middle = torch.lerp(ahead[:, :, alone:], back[:, :, :common], time * time * (3 - 2 * time))
    return torch.cat([ahead[:, :, :alone], middle, back[:, :, common:]], dim=2)


def carrying_on(chunks: Iterator[Tensor], own: Tensor) -> Iterator[Tensor]:
    """Shift chunks of frames that go on from `own`, with one offset for all."""
    offset = None
    for pixels in chunks:
        offset = offset or going_on(own, pixels)
        yield pixels + offset.given_to(pixels)
