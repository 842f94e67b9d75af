"""What the simulator knows, as a watcher's targets."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from skyloom.config import ClipConfig, WorldConfig
from skyloom.models.sight import SLOTS
from skyloom.models.watcher import DIRECTIONS, WatcherConfig
from skyloom.world.actors import ACTORS
from skyloom.world.camera import VIEW_HEIGHT, project
from skyloom.world.facts import DIRECTED, PACED
from skyloom.world.physics import simulate
from skyloom.world.render import render
from skyloom.world.sampling import sample_scenes
from skyloom.world.scene import NO_ACTOR, Scenes, Tracks
from skyloom.world.vocabulary import CAMERAS, MOTIONS, PLACES, SPEEDS, STYLES, WEATHERS

UNKNOWN = -100
"""Target of a slot without an answer: cross entropy leaves it out."""
SEEN_OPACITY = 0.3
FRAMEWISE = ("centre", "side", "seen")


@dataclass(frozen=True)
class Truth:
    """Targets of b clips. Coordinates run from 0 to 1 over the frame, x right, y down; k actors in scene order."""

    centre: Tensor  # (b, f, k, 2) of the body
    side: Tensor  # (b, f, k) log of the sprite's larger side in frame heights
    seen: Tensor  # (b, f, k) bool: there, not transparent, its centre in the frame
    actor: Tensor  # (b, k) class, UNKNOWN where empty or not in the vocabulary
    motion: Tensor  # (b, k)
    direction: Tensor  # (b, k)
    speed: Tensor  # (b, k) UNKNOWN too where a motion has no pace of its own
    place: Tensor  # (b,)
    weather: Tensor  # (b,)
    camera: Tensor  # (b,)
    style: Tensor  # (b,)
    count: Tensor  # (b,) actors less one
    order: Tensor  # (b,) into ORDERS, 1 where the frames were shuffled

    def frames(self, chosen: Tensor) -> Truth:
        """Return the truth at the chosen frames."""
        return replace(self, **{name: getattr(self, name)[:, chosen] for name in FRAMEWISE})

    def select(self, rows: Tensor) -> Truth:
        """Return the chosen clips."""
        return Truth(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


def tracks_at(tracks: Tracks, frames: Tensor) -> Tracks:
    """Return the tracks at the chosen frames, in their order."""
    names = [f.name for f in fields(tracks) if f.name != "fps"]
    return replace(tracks, **{name: getattr(tracks, name)[:, frames] for name in names})


def as_shown(scenes: Scenes, tracks: Tracks) -> Tracks:
    """Return the tracks as the picture shows them: claymation holds every second frame for two."""
    frame = torch.arange(tracks.shot.shape[1])
    clay = scenes.style == STYLES.index("claymation")
    shown = torch.where(clay[:, None], frame - frame % 2, frame)
    rows = torch.arange(len(scenes))[:, None]
    names = [f.name for f in fields(tracks) if f.name != "fps"]
    return replace(tracks, **{name: getattr(tracks, name)[rows, shown] for name in names})


def truth_of(scenes: Scenes, tracks: Tracks, config: WatcherConfig, aspect: float = 1.0) -> Truth:
    """Read the targets off scenes and their tracks. aspect: height over width of the frame."""
    tracks = as_shown(scenes, tracks)
    actor = _classes(scenes.actor, [a.name for a in ACTORS], config.actors)
    motion = _classes(scenes.motion, MOTIONS, config.motions)
    paced = torch.isin(scenes.motion, torch.tensor([MOTIONS.index(name) for name in PACED]))
    directed = torch.isin(scenes.motion, torch.tensor([MOTIONS.index(name) for name in DIRECTED]))
    direction = torch.where(directed, (scenes.direction > 0).long(), DIRECTIONS.index("none"))
    there = scenes.actor != NO_ACTOR
    centre, side = _boxes(scenes, tracks, aspect)
    inside = ((centre > 0) & (centre < 1)).all(-1)
    return Truth(
        centre=centre,
        side=side,
        seen=inside & there[:, None] & (tracks.opacity > SEEN_OPACITY),
        actor=actor.where(there, UNKNOWN),
        motion=motion.where(there, UNKNOWN),
        direction=direction.where(there, UNKNOWN),
        speed=_classes(scenes.speed, SPEEDS, config.speeds).where(there & paced, UNKNOWN),
        place=_classes(scenes.place, PLACES, config.places),
        weather=_classes(scenes.weather, WEATHERS, config.weathers),
        camera=_classes(scenes.camera, CAMERAS, config.cameras),
        style=_classes(scenes.style, STYLES, config.styles),
        count=there.sum(1) - 1,
        order=torch.zeros(len(scenes), dtype=torch.int64),
    )


def _classes(indices: Tensor, names: tuple[str, ...] | list[str], known: tuple[str, ...]) -> Tensor:
    """Turn indices into `names` to indices into `known`; UNKNOWN for names that are not known."""
    table = torch.tensor([known.index(name) if name in known else UNKNOWN for name in names] + [UNKNOWN])
    return table[indices]  # NO_ACTOR is -1: the last row


def _boxes(scenes: Scenes, tracks: Tracks, aspect: float) -> tuple[Tensor, Tensor]:
    """Return the body's centre (b, f, k, 2) and the log of its larger side (b, f, k)."""
    ratio = torch.tensor([max(1.0, actor.aspect) for actor in ACTORS] + [1.0])[scenes.actor]
    x, feet, scale = project(tracks.position, tracks.camera[:, :, None])
    height = tracks.size * scale / VIEW_HEIGHT
    centre_y = 0.5 - feet / VIEW_HEIGHT - height * tracks.stretch / 2
    centre = torch.stack([0.5 + x * aspect / VIEW_HEIGHT, centre_y], -1)
    return centre, (height * ratio[:, None]).clamp_min(1e-3).log()


def left_to_right(truth: Truth, at_frame: int) -> Tensor:
    """Return (b, s): the numbers of the first SLOTS actors from left to right at a frame; empty ones come last."""
    x = truth.centre[:, at_frame, :, 0].masked_fill(~truth.seen[:, at_frame], float("inf"))
    x = x.masked_fill((truth.actor == UNKNOWN) & ~truth.seen[:, at_frame], 1e9)
    return x.argsort(dim=1, stable=True)[:, :SLOTS]


def in_slots(values: Tensor, order: Tensor, frames: bool) -> Tensor:
    """Pick actors by slot: values (b, k, ...) or, with frames, (b, f, k, ...) to the same with s for k."""
    if not frames:
        return values.gather(1, order)
    order = order[:, None].expand(-1, values.shape[1], -1)
    if values.ndim == 4:
        return values.gather(2, order[..., None].expand(*order.shape, values.shape[-1]))
    return values.gather(2, order)


def shuffle_time(pixels: Tensor, truth: Truth, share: float, generator: torch.Generator) -> tuple[Tensor, Truth]:
    """Put the frames of some clips into a random order; their motions and camera have no answer then."""
    clips, num_frames = len(pixels), pixels.shape[2]
    chosen = torch.rand(clips, generator=generator) < share
    mixed = torch.rand((clips, num_frames), generator=generator).argsort(1)
    frames = torch.where(chosen[:, None], mixed, torch.arange(num_frames))
    rows = torch.arange(clips)[:, None]
    moved = {name: getattr(truth, name)[rows, frames] for name in FRAMEWISE}
    blank = {name: getattr(truth, name).clone() for name in ("motion", "direction", "speed", "camera")}
    for values in blank.values():
        values[chosen] = UNKNOWN
    pixels = pixels.transpose(1, 2)[rows, frames].transpose(1, 2)
    return pixels, replace(truth, **moved, **blank, order=chosen.long())


def clips_with_truth(
    world: WorldConfig,
    clip: ClipConfig,
    config: WatcherConfig,
    indices: Tensor,
    split: str,
    frames: Tensor | None = None,
) -> tuple[Tensor, Truth]:
    """Render scenes by number: pixels (b, 3, f, h, w) in [-1, 1] and their truth; all frames, or the chosen ones."""
    scenes = sample_scenes(world, indices, split, clip.width / clip.height)
    tracks = simulate(scenes, clip.num_frames, clip.fps)
    tracks = tracks if frames is None else tracks_at(tracks, frames)
    return render(scenes, tracks, clip.height, clip.width), truth_of(scenes, tracks, config, clip.height / clip.width)
