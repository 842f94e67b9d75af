"""Scenes to tracks: the laws at work."""

from __future__ import annotations

from dataclasses import fields, replace

import torch
from torch import Tensor

from skyloom.errors import InvalidArgument
from skyloom.world.bodies import body_sizes, is_round
from skyloom.world.camera import camera_path, shot_numbers
from skyloom.world.events import marks
from skyloom.world.motions import LAWS, SPEED_FACTORS, Course, Path
from skyloom.world.relations import PAIR_LAWS
from skyloom.world.scene import NO_ACTOR, Scenes, Tracks
from skyloom.world.vocabulary import MOTIONS, RELATIONS


def frame_times(num_frames: int, fps: float, device: str | torch.device = "cpu") -> Tensor:
    """Return (f,) seconds of the frames: frame 0 is at time 0."""
    if num_frames < 1:
        raise InvalidArgument("num_frames", num_frames, "be at least 1", 1)
    if not fps > 0:
        raise InvalidArgument("fps", fps, "be above 0", 8.0)
    return torch.arange(num_frames, device=device) / fps


def is_relation(scenes: Scenes) -> Tensor:
    """Return (b,) bool: which scenes have actors 0 and 1 in one motion."""
    numbers = torch.tensor([MOTIONS.index(name) for name in RELATIONS], device=scenes.motion.device)
    return torch.isin(scenes.motion[:, 0], numbers)


def _course(scenes: Scenes, times: Tensor) -> Course:
    height, width = body_sizes(scenes)
    rate = torch.tensor(SPEED_FACTORS, device=times.device)[scenes.speed]
    per_actor = {
        "direction": scenes.direction.float(), "rate": rate, "phase": scenes.phase, "height": height, "width": width,
        "x": scenes.start[..., 0], "y": scenes.start[..., 1], "z": scenes.start[..., 2], "rolls": is_round(scenes),
    }  # fmt: skip
    return Course(time=times[None, :, None], **{name: value[:, None] for name, value in per_actor.items()})


def _slot(course: Course, slot: int) -> Course:
    """The course of one actor, (b, f)."""
    values = {f.name: getattr(course, f.name)[..., slot] for f in fields(course) if f.name != "time"}
    return Course(time=course.time[..., 0], **values)


def _merge(total: Path, part: Path, where: Tensor) -> Path:
    """Take `part` where the mask (broadcast to (b, f, k)) says so; untouched defaults cost nothing."""
    changed = {}
    for f in fields(Path):
        value, default = getattr(part, f.name), f.default
        if isinstance(value, Tensor) or value != default:
            changed[f.name] = torch.where(where, value, getattr(total, f.name))
    return replace(total, **changed)


def _paths(scenes: Scenes, course: Course, shape: tuple[int, int, int]) -> dict[str, Tensor]:
    """The path of every actor: each field of Path, (b, f, k)."""
    like = course.direction
    rest = {name: like.new_full((1, 1, 1), value) for name, value in vars(Path()).items() if name != "facing"}
    total = Path(**rest, facing=course.direction)
    related = is_relation(scenes)
    alone = scenes.motion.clone()
    alone[:, :2] = torch.where(related[:, None], NO_ACTOR, alone[:, :2])
    for name, law in LAWS.items():
        total = _merge(total, law(course), (alone == MOTIONS.index(name))[:, None])
    slots = torch.arange(shape[2], device=like.device)
    for name, law in PAIR_LAWS.items():
        chosen = (scenes.motion[:, 0] == MOTIONS.index(name))[:, None, None]
        for slot, part in enumerate(law(_slot(course, 0), _slot(course, 1))):
            wide = replace(part, **{k: v[..., None] for k, v in vars(part).items() if isinstance(v, Tensor)})
            total = _merge(total, wide, chosen & (slots == slot))
    return {name: value.expand(shape) for name, value in vars(total).items()}


def simulate(scenes: Scenes, num_frames: int, fps: float) -> Tracks:
    """Return what happens in b scenes at `num_frames` frames of 1 / `fps` seconds, starting at time 0.

    Every law is closed in time: frame i holds the same state at any rate that shows the moment i / fps. Raises
    InvalidArgument for no frames, a rate that is not positive, or a relation without an actor 1.
    """
    if bool((is_relation(scenes) & (scenes.actor[:, 1] == NO_ACTOR)).any()):
        raise InvalidArgument("scenes", "a relation of actor 0", "have an actor 1 to relate to")
    times = frame_times(num_frames, fps, scenes.start.device)
    course = _course(scenes, times)
    shape = (len(scenes), num_frames, scenes.actor.shape[1])
    path = _paths(scenes, course, shape)
    shot = shot_numbers(scenes, times)
    return Tracks(
        fps=float(fps),
        position=scenes.start[:, None] + torch.stack([path["x"], path["y"], path["z"]], dim=-1),
        velocity=torch.stack([path["vx"], path["vy"], path["vz"]], dim=-1),
        angle=path["angle"],
        facing=path["facing"],
        size=course.height * path["growth"],
        stretch=path["stretch"],
        opacity=(scenes.actor != NO_ACTOR).float()[:, None].expand(shape),
        mark=marks(scenes, times),
        camera=camera_path(scenes, times, shot),
        shot=shot,
    )
