"""Commands to actor 0, and what comes of them.

For play: a command holds for TICK_SECONDS. Within a tick the state is closed in time (speed relaxes to the commanded
one, leaps are parabolas), so what is seen at a moment does not depend on the frame rate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from skyloom.errors import InvalidArgument
from skyloom.seeds import hashed_uniform
from skyloom.world.bodies import body_sizes
from skyloom.world.camera import DISTANCE, VIEW_HEIGHT
from skyloom.world.motions import GRAVITY, impact_squash
from skyloom.world.physics import frame_times, simulate
from skyloom.world.scene import Scenes, Tracks
from skyloom.world.vocabulary import MOTIONS

ACTIONS = ("stay", "left", "right", "jump", "near", "far")
TICK_SECONDS = 0.125
"""How long one command holds."""
PLAY_SPEED = 1.4
"""Metres a second that a command of direction leads to."""
RESPONSE_SECONDS = 0.12
"""Time in which the speed comes nearer to the commanded one by a factor e."""
PLAY_APEX = 0.8
DEPTH_LIMIT = 4.0
HOLD = 0.8
"""Chance that a random player repeats its last command."""
_WANTED = ((0, 0), (-1, 0), (1, 0), (0, 0), (0, -1), (0, 1))


@dataclass(frozen=True)
class _State:
    """Actor 0 at a moment: each (b, ...) float."""

    x: Tensor
    y: Tensor
    z: Tensor
    vx: Tensor
    vy: Tensor
    vz: Tensor
    facing: Tensor
    landed: Tensor  # seconds since the last landing


def sample_actions(seed: int, indices: Tensor, ticks: int) -> Tensor:
    """Return (b, ticks) int64 into ACTIONS: a player who holds each command for a while.

    indices: (b,) int64; row i depends on (seed, indices[i]) alone, and the first ticks do not depend on `ticks`.
    """
    draws = torch.stack([hashed_uniform(seed, f"actions/{tick}", indices, 2) for tick in range(ticks)], dim=1)
    action = (draws[..., 1] * len(ACTIONS)).long()
    for tick in range(1, ticks):
        action[:, tick] = torch.where(draws[:, tick, 0] < HOLD, action[:, tick - 1], action[:, tick])
    return action


def _relax(speed: Tensor, wanted: Tensor, seconds: Tensor | float) -> tuple[Tensor, Tensor]:
    """Displacement and speed after `seconds` of exponential approach to the wanted speed."""
    fade = torch.exp(-torch.as_tensor(seconds, device=speed.device) / RESPONSE_SECONDS)
    return wanted * seconds + (speed - wanted) * RESPONSE_SECONDS * (1 - fade), wanted + (speed - wanted) * fade


def _within(place: Tensor, speed: Tensor, low: Tensor | float, high: Tensor | float) -> tuple[Tensor, Tensor]:
    """Stop at walls."""
    low, high = torch.as_tensor(low, device=place.device), torch.as_tensor(high, device=place.device)
    kept = torch.minimum(torch.maximum(place, low), high)
    return kept, torch.where(kept == place, speed, 0.0)


def _advance(state: _State, action: Tensor, reach: Tensor, seconds: Tensor | float) -> _State:
    """The state `seconds` (at most one tick) after `state` under a command; all broadcast together."""
    wanted = PLAY_SPEED * torch.tensor(_WANTED, device=action.device)[action].float()
    dx, vx = _relax(state.vx, wanted[..., 0], seconds)
    dz, vz = _relax(state.vz, wanted[..., 1], seconds)
    z, vz = _within(state.z + dz, vz, 0.0, DEPTH_LIMIT)
    wall = reach * (DISTANCE + z) / DISTANCE
    x, vx = _within(state.x + dx, vx, -wall, wall)
    leaps = (action == ACTIONS.index("jump")) & (state.y <= 0)
    rise = torch.where(leaps, math.sqrt(2 * GRAVITY * PLAY_APEX), state.vy)
    y, vy = state.y + rise * seconds - GRAVITY * seconds**2 / 2, rise - GRAVITY * seconds
    grounded = y <= 0
    touchdown = (rise + torch.sqrt(rise**2 + 2 * GRAVITY * state.y)) / GRAVITY
    aloft = (state.y > 0) | leaps
    landed = torch.where(aloft, seconds - touchdown, state.landed + seconds)
    turns = (wanted[..., 0] != 0) & (torch.as_tensor(seconds, device=action.device) > 0)
    facing = torch.where(turns, torch.sign(wanted[..., 0]), state.facing)
    return _State(x, y.clamp(min=0), z, vx, torch.where(grounded, 0.0, vy), vz, facing, landed)


def _tick_states(scenes: Scenes, actions: Tensor, reach: Tensor) -> _State:
    """The state at the start of every tick: fields (b, ticks)."""
    zero = torch.zeros_like(scenes.phase[:, 0])
    start = scenes.start[:, 0]
    state = _State(
        start[:, 0], zero, start[:, 2].clamp(0, DEPTH_LIMIT), zero, zero, zero, scenes.direction[:, 0].float(), zero + 9
    )
    states = [state]
    for tick in range(actions.shape[1] - 1):
        state = _advance(state, actions[:, tick], reach, TICK_SECONDS)
        states.append(state)
    return _State(**{name: torch.stack([getattr(s, name) for s in states], dim=1) for name in vars(state)})


def play(scenes: Scenes, actions: Tensor, num_frames: int, fps: float) -> Tracks:
    """Return what happens when actor 0 is commanded; everything else goes on as in `simulate`.

    actions: (b, ticks) int64 into ACTIONS, tick i from i * TICK_SECONDS on; frame i shows what the commands before its
    moment have done. Raises InvalidArgument when there are too few ticks for the clip.
    """
    times = frame_times(num_frames, fps, scenes.start.device)
    tick = (torch.ceil(times / TICK_SECONDS - 1e-4).long() - 1).clamp(min=0)  # a moment is the end of its tick
    needed = int(tick[-1]) + 1
    if actions.shape[1] < needed:
        raise InvalidArgument("actions", actions.shape[1], f"have {needed} ticks or more for these frames", needed)
    _, width = body_sizes(scenes)
    reach = (VIEW_HEIGHT / 2 - width[:, 0] / 2).clamp(min=0)
    ticks = _tick_states(scenes, actions[:, :needed], reach)
    begun = _State(**{name: value[:, tick] for name, value in vars(ticks).items()})
    local = (times - tick * TICK_SECONDS).clamp(min=0)[None]
    now = _advance(begun, actions[:, tick], reach[:, None], local)
    motion = torch.cat([torch.full_like(scenes.motion[:, :1], MOTIONS.index("stand")), scenes.motion[:, 1:]], dim=1)
    tracks = simulate(replace(scenes, motion=motion), num_frames, fps)
    squash = 1 - 0.25 * impact_squash(now.landed) * (now.y <= 0)
    return _put(tracks, now, squash)


def _put(tracks: Tracks, now: _State, stretch: Tensor) -> Tracks:
    """Replace actor 0's track."""
    changes = {
        "position": torch.stack([now.x, now.y, now.z], dim=-1), "velocity": torch.stack([now.vx, now.vy, now.vz], -1),
        "angle": -0.08 * now.vx, "facing": now.facing, "stretch": stretch,
    }  # fmt: skip
    fresh = {}
    for name, value in changes.items():
        fresh[name] = getattr(tracks, name).clone()
        fresh[name][:, :, 0] = value
    return replace(tracks, **fresh)
