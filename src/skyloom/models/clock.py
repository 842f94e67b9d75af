"""What changes over time, read from evidence.

Evidence is all that was seen of a clip: tracks, turns, the background's motion, the surface's texture. The clock hears
it frame by frame and names motions, camera, style and the rest. Of what actors look like it hears nothing, and of what
the whole picture looks like in only half of its training clips: told those, it would guess motions from names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from torch import Tensor, nn

from skyloom.models import drift, texture, turning
from skyloom.models.sight import SLOTS

WITHHELD = 0.5
"""Share of the training clips without context."""
LAYERS, REACH, DROPPED = 3, 5, 0.2
PLACE = 3  # x, y, log of the side


@dataclass(frozen=True)
class Evidence:
    """All that the clock hears of b clips. Coordinates run from 0 to 1 over the frame, x right, y down."""

    context: Tensor  # (b, f, e) the whole picture
    number: Tensor  # (b, f) actors counted on the heat map
    centre: Tensor  # (b, f, s, 2) of each slot's actor
    side: Tensor  # (b, f, s) log of its larger side in frame heights
    confidence: Tensor  # (b, f, s) in [0, 1]
    turning: Tensor  # (b, f, s, m) its turn since the frame before
    drift: Tensor  # (b, f, m) of the background
    texture: Tensor  # (b, f, m) of the surface

    def select(self, rows: Tensor) -> Evidence:
        """Return the chosen clips."""
        return Evidence(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    @staticmethod
    def joined(parts: list[Evidence]) -> Evidence:
        """Return the clips of all parts, one after another."""
        return Evidence(**{f.name: torch.cat([getattr(part, f.name) for part in parts]) for f in fields(Evidence)})


class Clock(nn.Module):
    """Evidence to logits by name, of the clip and of each slot."""

    def __init__(self, context: int, hidden: int, heads: Mapping[str, int], slot_heads: Mapping[str, int]) -> None:
        """context: numbers of the whole picture a frame. heads, slot_heads: classes by name."""
        super().__init__()
        self.slot_in = nn.Conv1d(3 * PLACE + 1 + turning.NUMBERS, hidden, 1)
        self.slot_mix = _mixers(hidden)
        self.scene_in = nn.Conv1d(2 * context + 1 + drift.NUMBERS + texture.NUMBERS, hidden, 1)
        self.scene_mix = _mixers(hidden)
        whole, alone = 2 * (1 + SLOTS) * hidden + 4, 4 * hidden
        self.heads = nn.ModuleDict({name: _head(whole, hidden, count) for name, count in heads.items()})
        self.slot_heads = nn.ModuleDict({name: _head(alone, hidden, count) for name, count in slot_heads.items()})

    def forward(self, heard: Evidence) -> dict[str, Tensor]:
        """Return logits by name: (b, classes) for the clip, (b, s, classes) for slots."""
        scene, slots = self._scene(heard), self._slots(heard)
        whole = torch.cat([scene, slots.flatten(1), _spread(heard.number)], 1)
        alone = torch.cat([slots, repeat(scene, "b d -> b s d", s=SLOTS)], 2)
        logits = {name: head(whole) for name, head in self.heads.items()}
        return logits | {name: head(alone) for name, head in self.slot_heads.items()}

    def _slots(self, heard: Evidence) -> Tensor:
        place = torch.cat([heard.centre - 0.5, heard.side[..., None]], -1)
        series = [place, 8 * _change(place), 4 * (place - place.mean(1, keepdim=True))]
        series += [heard.confidence[..., None], heard.turning]
        hidden = self.slot_in(rearrange(torch.cat(series, -1), "b f s d -> (b s) d f"))
        return _over_time(_run(self.slot_mix, hidden)).unflatten(0, (-1, SLOTS))

    def _scene(self, heard: Evidence) -> Tensor:
        context = _withheld(heard.context) if self.training else heard.context
        series = [context, _change(context), heard.number[..., None], heard.drift, heard.texture]
        hidden = self.scene_in(rearrange(torch.cat(series, -1), "b f d -> b d f"))
        return _over_time(_run(self.scene_mix, hidden))


def _mixers(hidden: int) -> nn.ModuleList:
    return nn.ModuleList(nn.Conv1d(hidden, hidden, REACH, padding=REACH // 2) for _ in range(LAYERS))


def _run(layers: nn.ModuleList, hidden: Tensor) -> Tensor:
    for layer in layers:
        hidden = hidden + layer(F.relu(hidden))
    return hidden


def _withheld(context: Tensor) -> Tensor:
    """Set (b, f, e) to zero in a share of the clips."""
    return context * (torch.rand((len(context), 1, 1), device=context.device) >= WITHHELD)


def _change(series: Tensor) -> Tensor:
    """(b, f, ...) less the frame before; zeros for the first frame."""
    change = series[:, 1:] - series[:, :-1]
    return torch.cat([torch.zeros_like(series[:, :1]), change], 1)


def _spread(number: Tensor) -> Tensor:
    """(b, f) to (b, 4): the mean, the largest, the least, the middle."""
    return torch.stack([number.mean(1), number.amax(1), number.amin(1), number[:, number.shape[1] // 2]], 1)


def _over_time(hidden: Tensor) -> Tensor:
    """(b, d, f) to (b, 2d): the mean and the largest over time."""
    return torch.cat([hidden.mean(2), hidden.amax(2)], 1)


def _head(inputs: int, hidden: int, classes: int) -> nn.Sequential:
    inner = 2 * hidden
    return nn.Sequential(
        nn.ReLU(), nn.Dropout(DROPPED), nn.Linear(inputs, inner),
        nn.ReLU(), nn.Dropout(DROPPED), nn.Linear(inner, classes),
    )  # fmt: skip
