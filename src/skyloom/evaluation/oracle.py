"""The judge: reads names off a clip.

Trained on renders with their truth, never on generated clips, never used to guide or to filter generation. Its own
accuracy on held-out renders stands beside every score that it gives (weights/oracle/card.md). It has the captioner's
shape and neither its weights nor its scenes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from skyloom.models.sight import SLOTS
from skyloom.models.watcher import DIRECTIONS, Watcher, load_watcher, logits_of

SHIPPED = Path(__file__).parent.parent / "weights" / "oracle"
NAME = "oracle"


@dataclass(frozen=True)
class ActorReading:
    """One actor of a clip; confidence is the probability of the name given."""

    name: str
    motion: str
    direction: str
    confidence: float


@dataclass(frozen=True)
class Reading:
    """What the oracle sees in one clip; actors from left to right at the clip's middle, two at most."""

    count: int
    actors: tuple[ActorReading, ...]
    place: str
    weather: str
    camera: str
    style: str
    in_order: bool

    def as_dict(self) -> dict:
        """Return plain JSON values."""
        return asdict(self) | {"actors": [asdict(actor) for actor in self.actors]}


class Oracle:
    """A watcher in reading mode."""

    def __init__(self, networks: Watcher) -> None:
        self.networks, self.config = networks.eval(), networks.config

    def logits(self, pixels: Tensor, batch_size: int = 32) -> tuple[dict[str, Tensor], Tensor]:
        """Return logits by slot name, and centres (b, f, s, 2). pixels: (b, 3, f, h, w) in [-1, 1], any size."""
        return logits_of(self.networks, pixels, batch_size)

    def read(self, pixels: Tensor) -> list[Reading]:
        """Read every clip of pixels (b, 3, f, h, w) in [-1, 1], of any size and length."""
        logits, _ = self.logits(pixels)
        return [self._reading({name: values[row] for name, values in logits.items()}) for row in range(len(pixels))]

    def _reading(self, logits: dict[str, Tensor]) -> Reading:
        config = self.config
        best: dict[str, Any] = {name: values.argmax(-1).tolist() for name, values in logits.items()}
        count = best["count"] + 1
        sure = logits["actor"].softmax(-1).amax(-1).tolist()
        actors = [
            ActorReading(
                config.actors[best["actor"][slot]],
                config.motions[best["motion"][slot]],
                DIRECTIONS[best["direction"][slot]],
                round(sure[slot], 4),
            )
            for slot in range(min(count, SLOTS))
        ]
        return Reading(
            count, tuple(actors), config.places[best["place"]], config.weathers[best["weather"]],
            config.cameras[best["camera"]], config.styles[best["style"]], best["order"] == 0,
        )  # fmt: skip


def load_oracle(folder: Path = SHIPPED) -> Oracle:
    """Read an oracle's folder. Raises CheckpointError when it is missing or incomplete."""
    return Oracle(load_watcher(folder, NAME))
