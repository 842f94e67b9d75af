"""What a batch of scenes is, before time runs."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

NO_ACTOR = -1


@dataclass(frozen=True)
class Scenes:
    """b scenes with k = MAX_ACTORS actor slots. All that happens in a clip follows from these tensors.

    Indices point into the tuples of vocabulary.py and the actors table; slots without an actor hold NO_ACTOR.
    """

    index: Tensor  # (b,) int64, the scene's number in its world
    place: Tensor  # (b,) int64 into PLACES
    weather: Tensor  # (b,) int64 into WEATHERS
    style: Tensor  # (b,) int64 into STYLES
    camera: Tensor  # (b,) int64 into CAMERAS
    camera_speed: Tensor  # (b,) float, 1 is normal (0.5 to 1.5)
    variation: Tensor  # (b, 8) float in [0, 1): free numbers for a place's look (offset, mirror, hue, ...)
    actor: Tensor  # (b, k) int64 into ACTORS, NO_ACTOR where empty
    motion: Tensor  # (b, k) int64 into MOTIONS
    direction: Tensor  # (b, k) int64: -1 left, +1 right (also the way a standing actor faces)
    speed: Tensor  # (b, k) int64 into SPEEDS
    start: Tensor  # (b, k, 3) float, metres at time 0: x right, y above ground (feet), z away from the viewer
    scale: Tensor  # (b, k) float, times the actor's own height
    color: Tensor  # (b, k) int64 into COLORS for plain bodies, NO_ACTOR where the actor keeps its own colours
    phase: Tensor  # (b, k) float in [0, 1), phase of gaits and of other periodic motion
    event: Tensor  # (b, 2) int64 into EVENTS, in order of time; they happen to actor 0 (footprints: its track)
    event_time: Tensor  # (b, 2) float seconds, inf where there is no event
    cut_time: Tensor  # (b, 2) float seconds of the cuts between shots, inf where there is none
    shot_place: Tensor  # (b, 3) int64 into PLACES: the place of each shot (shot_place[:, 0] == place)
    shot_camera: Tensor  # (b, 3) int64 into CAMERAS (shot_camera[:, 0] == camera)

    def __len__(self) -> int:
        return len(self.index)

    def select(self, rows: Tensor | slice) -> Scenes:
        """Return the chosen scenes."""
        return Scenes(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def to(self, device: str | torch.device) -> Scenes:
        """Return the same scenes on a device."""
        return Scenes(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})


@dataclass(frozen=True)
class Tracks:
    """The truth about b scenes at f frames: what the simulator knows and the renderer draws.

    Metres and seconds; x right, y up (0 is the ground), z away from the viewer (0 is the actors' plane).
    """

    fps: float
    position: Tensor  # (b, f, k, 3) feet (bottom centre) of each actor
    velocity: Tensor  # (b, f, k, 3) metres a second
    angle: Tensor  # (b, f, k) radians, counter-clockwise, about the body's centre
    facing: Tensor  # (b, f, k) -1 looks left, +1 looks right
    size: Tensor  # (b, f, k) height in metres (world size, before perspective)
    stretch: Tensor  # (b, f, k) squash and stretch: height x stretch, width / stretch
    opacity: Tensor  # (b, f, k) in [0, 1]; 0 for empty slots
    mark: Tensor  # (b, f, 5) in [0, 1]: how far each of EVENTS[1:] has happened to actor 0 by this frame
    camera: Tensor  # (b, f, 3): x and y of the view's shift in metres, zoom factor (1 is the whole view)
    shot: Tensor  # (b, f) int64 number of the shot
