"""The judge: reads names off a clip.

Trained on renders with their truth, never on generated clips, never used to guide or to filter generation. Its own
accuracy on held-out renders stands beside every score that it gives (weights/oracle/card.md).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from skyloom.config import from_dict, to_dict
from skyloom.errors import CheckpointError, InvalidArgument
from skyloom.evaluation.oracle_network import SLOTS, Classifier, Clock, Eye, Sight, Tracker, Tracking, crop_squares
from skyloom.evaluation.oracle_truth import DIRECTIONS, ORDERS, OracleConfig

SHIPPED = Path(__file__).parent.parent / "weights" / "oracle"
CROP_MARGIN = 0.2
"""Log of the crop's side over the actor's."""
SMALL = 32


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


class OracleNetworks(nn.Module):
    """Eye, tracker, classifier and clock of one oracle."""

    def __init__(self, config: OracleConfig) -> None:
        super().__init__()
        self.config = config
        width = config.eye_width
        self.scene_classes = (len(config.places), len(config.styles), len(config.weathers))
        self.eye = Eye(width, sum(self.scene_classes))
        self.tracker = Tracker(2 * width)
        self.classifier = Classifier(config.classifier_width, len(config.actors))
        heads = {"count": 3, "weather": len(config.weathers), "camera": len(config.cameras), "order": len(ORDERS)}
        slot_heads = {"motion": len(config.motions), "direction": len(DIRECTIONS)}
        self.clock = Clock(2 * width, 4 * width, config.clock_width, heads, slot_heads)

    def scene_logits(self, sight: Sight) -> dict[str, Tensor]:
        """Return what single frames say of place, style, weather: (b, f, classes) each."""
        parts = self.eye.scene(sight.context).split(self.scene_classes, -1)
        return dict(zip(("place", "style", "weather"), parts, strict=True))

    def look_closely(self, pixels: Tensor, tracking: Tracking) -> tuple[Tensor, Tensor]:
        """Crop every actor in every frame: log probabilities of names (b, f, s, actors), angles (b, f, s, 2)."""
        stills = pixels.transpose(1, 2).flatten(0, 1)
        side = (tracking.side + CROP_MARGIN).flatten(0, 1)
        logits, turn = self.classifier(crop_squares(stills, tracking.centre.flatten(0, 1), side))
        shape = tracking.side.shape
        return logits.log_softmax(-1).unflatten(0, shape), turn.unflatten(0, shape)

    def forward(self, pixels: Tensor) -> tuple[dict[str, Tensor], Tracking]:
        """Read pixels (b, 3, f, h, w) of the config's size: logits by slot name, and the tracks."""
        sight = self.eye(pixels)
        tracking = self.tracker(sight, pixels.shape[2] // 2)[1]
        names, turn = self.look_closely(pixels, tracking)
        logits = self.clock(tracking, turn, sight, smaller(pixels))
        stills = self.scene_logits(sight)
        logits |= {"place": stills["place"].mean(1), "style": stills["style"].mean(1)}
        weight = tracking.confidence.square()[..., None] + 1e-3
        return logits | {"actor": (names * weight).sum(1) / weight.sum(1)}, tracking


def smaller(pixels: Tensor) -> Tensor:
    """Resize every frame to SMALL x SMALL by averaging: (b, 3, f, h, w) to (b, 3, f, SMALL, SMALL)."""
    return F.adaptive_avg_pool3d(pixels, (pixels.shape[2], SMALL, SMALL))


def resized(pixels: Tensor, config: OracleConfig) -> Tensor:
    """Bring a clip of any size to the oracle's: nearest frames in time, averaged or interpolated pixels."""
    if pixels.ndim != 5 or pixels.shape[1] != 3:
        raise InvalidArgument("pixels", tuple(pixels.shape), "have the shape (b, 3, f, h, w)")
    frames = torch.linspace(0, pixels.shape[2] - 1, config.num_frames).round().long()
    pixels = pixels[:, :, frames]
    if pixels.shape[-2:] == (config.height, config.width):
        return pixels
    size = (config.num_frames, config.height, config.width)
    if min(pixels.shape[-2] / config.height, pixels.shape[-1] / config.width) >= 1:
        return F.interpolate(pixels, size=size, mode="area")
    return F.interpolate(pixels, size=size, mode="trilinear", align_corners=False)


class Oracle:
    """Networks in reading mode."""

    def __init__(self, networks: OracleNetworks) -> None:
        self.networks = networks.eval()
        self.config = networks.config

    @torch.inference_mode()
    def logits(self, pixels: Tensor, batch_size: int = 32) -> tuple[dict[str, Tensor], Tensor]:
        """Return logits by slot name, and centres (b, f, s, 2). pixels: (b, 3, f, h, w) in [-1, 1], any size."""
        parts = [self.networks(resized(part, self.config)) for part in pixels.split(batch_size)]
        names = parts[0][0]
        centre = torch.cat([tracking.centre for _, tracking in parts])
        return {name: torch.cat([logits[name] for logits, _ in parts]) for name in names}, centre

    def read(self, pixels: Tensor) -> list[Reading]:
        """Read every clip of pixels (b, 3, f, h, w) in [-1, 1], of any size and length."""
        logits, _ = self.logits(pixels)
        return [self._reading({name: values[row] for name, values in logits.items()}) for row in range(len(pixels))]

    def _reading(self, logits: dict[str, Tensor]) -> Reading:
        config, best = self.config, {name: values.argmax(-1).tolist() for name, values in logits.items()}
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


def save_oracle(networks: OracleNetworks, folder: Path) -> None:
    """Write config.json and oracle.safetensors: weights in bf16, statistics of the norms in fp32."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {}
    for name, value in networks.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            state[name] = (value if "running_" in name else value.bfloat16()).contiguous()
    save_file(state, folder / "oracle.safetensors")
    (folder / "config.json").write_text(json.dumps(to_dict(networks.config), indent=1) + "\n")


def load_oracle(folder: Path = SHIPPED) -> Oracle:
    """Read an oracle's folder. Raises CheckpointError when it is missing or incomplete."""
    for name in ("config.json", "oracle.safetensors"):
        if not (folder / name).is_file():
            raise CheckpointError(f"the oracle's folder {folder} lacks {name}")
    networks = OracleNetworks(from_dict(OracleConfig, json.loads((folder / "config.json").read_text())))
    state = {name: value.float() for name, value in load_file(folder / "oracle.safetensors").items()}
    missing, unexpected = networks.load_state_dict(state, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise CheckpointError(f"the oracle in {folder} does not fit its config: {(missing + unexpected)[:3]}")
    return Oracle(networks)
