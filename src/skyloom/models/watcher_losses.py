"""Losses of a watcher's first stage.

Single frames against the simulator's truth: where actors are, which is which from left to right, how large, what they
are called, where they stand.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from skyloom.models.sight import Sight, cell_centres, crop_squares
from skyloom.models.watcher import CROP_MARGIN, Watcher
from skyloom.models.watcher_truth import UNKNOWN, Truth, in_slots, left_to_right

HEAT_SPREAD = 0.8
"""Standard deviation of a centre's spot in the heat target, in cells."""
CROP_SHIFT, CROP_SCALE = 0.09, 0.12
"""Standard deviations of a training crop's displacement, in sides of the actor, and of the log of its scale."""
GREY_SHARE = 0.25
"""Crops that lose their colours, so that shapes are learned too."""


def heat_target(truth: Truth, height: int, width: int) -> Tensor:
    """Return (b, f, h, w) in [0, 1]: a round spot at every actor that is seen."""
    grid = cell_centres(height, width, truth.centre.device)
    scale = torch.tensor([width, height])
    cells = ((grid.permute(1, 2, 0) - truth.centre[..., None, None, :]) * scale).square().sum(-1)
    spots = torch.exp(-cells / (2 * HEAT_SPREAD**2)) * truth.seen[..., None, None]
    return spots.amax(2)


def centre_loss(logits: Tensor, centre: Tensor, seen: Tensor) -> Tensor:
    """Cross entropy against the four cells around each centre, weighted so that their mean is the centre.

    logits: (..., h, w). centre: (..., 2). seen: (...) bool.
    """
    height, width = logits.shape[-2:]
    x = (centre[..., 0] * width - 0.5).clamp(0, width - 1)
    y = (centre[..., 1] * height - 0.5).clamp(0, height - 1)
    across = (1 - (torch.arange(width) - x[..., None]).abs()).clamp_min(0)
    down = (1 - (torch.arange(height) - y[..., None]).abs()).clamp_min(0)
    target = (down[..., None] * across[..., None, :]).flatten(-2)
    loss = -(target * logits.flatten(-2).log_softmax(-1)).sum(-1)
    return (loss * seen).sum() / seen.sum().clamp_min(1)


def heat_loss(heat: Tensor, truth: Truth) -> Tensor:
    """Binary cross entropy summed over a frame."""
    target = heat_target(truth, *heat.shape[-2:])
    return F.binary_cross_entropy_with_logits(heat, target, reduction="none").sum((2, 3)).mean()


def name_loss(watcher: Watcher, pixels: Tensor, truth: Truth, generator: torch.Generator) -> Tensor:
    """Names of the actors in crops around their true places, displaced and scaled a little."""
    wanted = torch.where(truth.seen, truth.actor[:, None], UNKNOWN)
    clip, frame, actor = (wanted != UNKNOWN).nonzero(as_tuple=True)
    centre, side = truth.centre[clip, frame, actor], truth.side[clip, frame, actor]
    centre = centre + CROP_SHIFT * torch.randn(centre.shape, generator=generator) * side.exp()[:, None]
    side = side + CROP_MARGIN + CROP_SCALE * torch.randn(side.shape, generator=generator)
    crops = crop_squares(pixels[clip, :, frame], centre[:, None], side[:, None])
    grey = torch.rand((len(crops), 1, 1, 1), generator=generator) < GREY_SHARE
    logits = watcher.classifier(torch.where(grey, crops.mean(1, keepdim=True), crops))
    return F.cross_entropy(logits, wanted[clip, frame, actor])


def scene_loss(watcher: Watcher, sight: Sight, truth: Truth) -> Tensor:
    """Place, style and weather from single frames."""
    losses = []
    for name, logits in watcher.scene_logits(sight).items():
        wanted = getattr(truth, name)[:, None].expand(logits.shape[:2])
        losses.append(F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=UNKNOWN))
    return torch.stack(losses).sum()


def eye_losses(watcher: Watcher, pixels: Tensor, truth: Truth, generator: torch.Generator) -> dict[str, Tensor]:
    """Return the losses of the first stage by name."""
    sight = watcher.eye(pixels)
    at_frame = int(torch.randint(pixels.shape[2], (), generator=generator))
    order = left_to_right(truth, at_frame)
    centre, seen = in_slots(truth.centre, order, True), in_slots(truth.seen, order, True)
    side = in_slots(truth.side, order, True)
    picked, tracking = watcher.tracker(sight, at_frame)
    seen_there = seen & seen[:, at_frame : at_frame + 1]
    return {
        "heat": 0.2 * heat_loss(sight.heat, truth),
        "pick": centre_loss(picked, centre[:, at_frame], seen[:, at_frame]),
        "track": centre_loss(tracking.logits, centre, seen_there),
        "side": ((tracking.side - side).abs() * seen_there).sum() / seen_there.sum().clamp_min(1),
        "scene": scene_loss(watcher, sight, truth),
        "actor": name_loss(watcher, pixels, truth, generator),
    }
