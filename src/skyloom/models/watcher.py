"""A network that watches clips and names what it sees.

Eye, tracker, classifier and clock in one. The judge and the captioner are two of them: same shape, other weights,
learned apart from other clips.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from skyloom.config import WorldConfig, from_dict, to_dict
from skyloom.errors import CheckpointError, InvalidArgument
from skyloom.models.clock import Clock, Evidence
from skyloom.models.drift import background_drift
from skyloom.models.sight import SLOTS, Classifier, Eye, Sight, Tracker, Tracking, crop_squares
from skyloom.models.texture import texture
from skyloom.models.turning import turning
from skyloom.world.actors import ACTORS
from skyloom.world.vocabulary import CAMERAS, MOTIONS, PLACES, STYLES, WEATHERS

CROP_MARGIN = 0.2
"""Log of the crop's side over the actor's."""
DIRECTIONS = ("left", "right", "none")
ORDERS = ("in order", "shuffled")


@dataclass(frozen=True)
class WatcherConfig:
    """The names that a watcher tells apart, the size of its input, the widths of its networks."""

    actors: tuple[str, ...]
    motions: tuple[str, ...] = MOTIONS
    places: tuple[str, ...] = PLACES
    weathers: tuple[str, ...] = WEATHERS
    cameras: tuple[str, ...] = CAMERAS
    styles: tuple[str, ...] = STYLES
    speeds: tuple[str, ...] = ()
    """Empty: it does not tell how fast actors move."""
    num_frames: int = 17
    height: int = 64
    width: int = 64
    eye_width: int = 24
    classifier_width: int = 24
    clock_width: int = 64

    @property
    def heads(self) -> dict[str, int]:
        """Classes of what the clock tells of a clip, by name."""
        kinds = {"weather": self.weathers, "camera": self.cameras, "style": self.styles, "order": ORDERS}
        return {"count": SLOTS + 1} | {name: len(classes) for name, classes in kinds.items()}

    @property
    def slot_heads(self) -> dict[str, int]:
        """Classes of what the clock tells of each actor, by name."""
        kinds = {"motion": self.motions, "direction": DIRECTIONS, "speed": self.speeds}
        return {name: len(classes) for name, classes in kinds.items() if classes}


def vocabulary_of(world: WorldConfig, speeds: tuple[str, ...] = ()) -> WatcherConfig:
    """Return the config of a watcher that knows every name a world shows."""
    names = tuple(actor.name for actor in ACTORS[: world.actors])
    return WatcherConfig(actors=names, motions=world.motions or MOTIONS, speeds=speeds)


class Watcher(nn.Module):
    """Clips to logits of everything that has a name."""

    def __init__(self, config: WatcherConfig) -> None:
        super().__init__()
        self.config = config
        width = config.eye_width
        self.scene_classes = (len(config.places), len(config.styles), len(config.weathers))
        self.eye = Eye(width, sum(self.scene_classes))
        self.tracker = Tracker(2 * width)
        self.classifier = Classifier(config.classifier_width, len(config.actors))
        self.clock = Clock(4 * width, config.clock_width, config.heads, config.slot_heads)

    def scene_logits(self, sight: Sight) -> dict[str, Tensor]:
        """Return what single frames say of place, style, weather: (b, f, classes) each."""
        parts = self.eye.scene(sight.context).split(self.scene_classes, -1)
        return dict(zip(("place", "style", "weather"), parts, strict=True))

    def names_by_frame(self, pixels: Tensor, tracking: Tracking) -> Tensor:
        """Crop every slot's actor in every frame and name it: log probabilities (b, f, s, actors)."""
        stills = pixels.transpose(1, 2).flatten(0, 1)
        side = (tracking.side + CROP_MARGIN).flatten(0, 1)
        logits = self.classifier(crop_squares(stills, tracking.centre.flatten(0, 1), side))
        return logits.log_softmax(-1).unflatten(0, tracking.side.shape)

    def look(self, pixels: Tensor) -> tuple[Sight, Tracking]:
        """See every frame, and follow the actors of the middle one."""
        sight = self.eye(pixels)
        return sight, self.tracker(sight, pixels.shape[2] // 2)[1]

    def watch(self, pixels: Tensor) -> tuple[Evidence, dict[str, Tensor]]:
        """Look at every frame: evidence for the clock, and logits of what single frames tell: actor, place."""
        sight, tracking = self.look(pixels)
        number = torch.sigmoid(sight.heat).sum((2, 3))
        evidence = Evidence(
            sight.context, number, tracking.centre, tracking.side, tracking.confidence,
            turning(pixels, tracking.centre, tracking.side), background_drift(pixels), texture(pixels),
        )  # fmt: skip
        weight = tracking.confidence.square()[..., None] + 1e-3
        names = (self.names_by_frame(pixels, tracking) * weight).sum(1) / weight.sum(1)
        return evidence, {"place": self.scene_logits(sight)["place"].mean(1), "actor": names}

    def forward(self, pixels: Tensor) -> tuple[dict[str, Tensor], Evidence]:
        """Read pixels (b, 3, f, h, w) of the config's size: logits by slot name, and what they rest on."""
        evidence, told = self.watch(pixels)
        return self.clock(evidence) | told, evidence


def resized(pixels: Tensor, config: WatcherConfig) -> Tensor:
    """Bring a clip of any size to the watcher's: nearest frames in time, averaged or interpolated pixels."""
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


@torch.inference_mode()
def logits_of(watcher: Watcher, pixels: Tensor, batch_size: int = 32) -> tuple[dict[str, Tensor], Tensor]:
    """Return logits by slot name, and centres (b, f, s, 2). pixels: (b, 3, f, h, w) in [-1, 1], any size."""
    parts = [watcher(resized(part, watcher.config)) for part in pixels.split(batch_size)]
    centre = torch.cat([evidence.centre for _, evidence in parts])
    return {name: torch.cat([logits[name] for logits, _ in parts]) for name in parts[0][0]}, centre


def save_watcher(watcher: Watcher, folder: Path, name: str) -> None:
    """Write config.json and NAME.safetensors: weights in bf16, statistics of the norms in fp32."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {}
    for key, value in watcher.state_dict().items():
        if not key.endswith("num_batches_tracked"):
            state[key] = (value if "running_" in key else value.bfloat16()).contiguous()
    beside = folder / f"{name}.safetensors.partial"
    save_file(state, beside)
    beside.chmod(0o644)
    (folder / "config.json").write_text(json.dumps(to_dict(watcher.config), indent=1) + "\n")
    beside.rename(folder / f"{name}.safetensors")


def load_watcher(folder: Path, name: str) -> Watcher:
    """Read a watcher, in reading mode. Raises CheckpointError when its folder is missing or incomplete."""
    for file in ("config.json", f"{name}.safetensors"):
        if not (folder / file).is_file():
            raise CheckpointError(f"the {name}'s folder {folder} lacks {file}")
    watcher = Watcher(from_dict(WatcherConfig, json.loads((folder / "config.json").read_text())))
    state = {key: value.float() for key, value in load_file(folder / f"{name}.safetensors").items()}
    missing, unexpected = watcher.load_state_dict(state, strict=False)
    missing = [key for key in missing if not key.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise CheckpointError(f"the {name} in {folder} does not fit its config: {(missing + unexpected)[:3]}")
    return watcher.eval()
