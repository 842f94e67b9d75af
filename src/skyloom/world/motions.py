"""Laws of single motions, in closed form.

Each law maps a `Course` (who moves, and when) to a `Path` (what changes). Closed forms make the state at a moment
independent of the frame rate, and give velocities that are exact derivatives. All tensors broadcast to (b, f, k).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

GRAVITY = 9.81
"""Metres a second squared, everywhere in the world."""
RESTITUTION = 0.75
"""Share of its speed that a bouncing body keeps at each impact."""
FALL_RESTITUTION = 0.1
SLIDE_FRICTION = 0.17
"""Coulomb coefficient of what slides: it stops after speed^2 / (2 * friction * GRAVITY) metres."""
ROLL_FRICTION = 0.015
WALK_SPEED, RUN_SPEED, HOP_SPEED, ROLL_SPEED, SLIDE_SPEED = 0.55, 1.3, 0.7, 1.1, 2.0
FLY_SPEED, FLOAT_SPEED, SWIM_SPEED, DEPTH_SPEED = 1.1, 0.4, 0.8, 3.0
"""Metres a second at normal speed; slow and fast multiply them by SPEED_FACTORS."""
SPEED_FACTORS = (0.6, 1.0, 1.5)
DEPTH_RANGE = 6.0
JUMP_APEX, HOP_APEX = 0.7, 0.22
CROUCH_SECONDS = 0.14
MAX_BOUNCES = 12
TURN = 2 * math.pi


@dataclass(frozen=True)
class Course:
    """What a law may know: the moment and the actor. Each tensor broadcasts to (b, f, k)."""

    time: Tensor  # seconds
    direction: Tensor  # -1 left, +1 right
    rate: Tensor  # factor of the speed word
    phase: Tensor  # in [0, 1)
    height: Tensor  # metres
    width: Tensor  # metres
    x: Tensor  # start, metres
    y: Tensor
    z: Tensor
    rolls: Tensor  # bool: round, so that it rolls when moved


@dataclass
class Path:
    """What a law gives: displacement from the start in metres, its derivative, and the body's pose.

    angle in radians, counter-clockwise; growth multiplies the size; stretch is as in `Tracks`.
    """

    x: Tensor | float = 0.0
    y: Tensor | float = 0.0
    z: Tensor | float = 0.0
    vx: Tensor | float = 0.0
    vy: Tensor | float = 0.0
    vz: Tensor | float = 0.0
    angle: Tensor | float = 0.0
    growth: Tensor | float = 1.0
    stretch: Tensor | float = 1.0
    facing: Tensor | None = None  # None: as the actor's direction


def wave(course: Course, amplitude: float, frequency: Tensor | float) -> tuple[Tensor, Tensor]:
    """Return a sine of the course's time and phase, and its derivative: frequency in turns a second."""
    turn = TURN * (frequency * course.time + course.phase)
    return amplitude * torch.sin(turn), amplitude * TURN * frequency * torch.cos(turn)


def steps(course: Course, height: float, frequency: float) -> tuple[Tensor, Tensor]:
    """Return the bob of a gait and its derivative: 0 to `height` metres, `frequency` steps a second."""
    turn = TURN * (frequency * course.rate.sqrt() * course.time + course.phase)
    return height * (1 - torch.cos(turn)) / 2, height * TURN * frequency * course.rate.sqrt() * torch.sin(turn) / 2


def coast(time: Tensor, speed: Tensor, deceleration: float) -> tuple[Tensor, Tensor]:
    """Return distance and speed of a body that friction brings to a stop."""
    moving = torch.minimum(time, speed / deceleration)
    return speed * moving - deceleration * moving**2 / 2, speed - deceleration * moving


def impact_squash(since: Tensor, seconds: float = 0.07) -> Tensor:
    """Return 1 at an impact, fading within `seconds` before and after it."""
    return torch.exp(-((since / seconds) ** 2))


def bouncing(time: Tensor, drop: Tensor, restitution: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return height, vertical velocity and squash (0 to 1) of a body dropped from `drop` metres.

    Impact n happens at fall + 2 fall (e + ... + e^n), with fall = sqrt(2 drop / g): the sum is solved for n.
    """
    fall = torch.sqrt(2 * drop.clamp(min=1e-6) / GRAVITY)
    later = (time - fall) / (2 * fall)  # in units of a flight without loss
    left = (1 - later * (1 - restitution) / restitution).clamp(min=1e-9)  # = restitution^n
    count = torch.floor(torch.log(left) / math.log(restitution)).clamp(0, MAX_BOUNCES)
    share = restitution**count
    speed = GRAVITY * fall * share * restitution  # with which flight `count` begins
    local = time - fall - 2 * fall * restitution * (1 - share) / (1 - restitution)
    first = time < fall
    resting = ~first & (local > 2 * speed / GRAVITY)
    height = torch.where(first, drop - GRAVITY * time**2 / 2, speed * local - GRAVITY * local**2 / 2)
    velocity = torch.where(first, -GRAVITY * time, speed - GRAVITY * local)
    nearest = torch.where(first, fall - time, torch.minimum(local, 2 * speed / GRAVITY - local))
    squash = impact_squash(nearest) * (share * fall * GRAVITY / 4).clamp(max=1)
    still = torch.zeros_like(height)
    return torch.where(resting, still, height.clamp(min=0)), torch.where(resting, still, velocity), squash


def leaping(time: Tensor, apex: float, ground: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return height, velocity and crouch (0 to 1) of leaps to `apex` metres with `ground` seconds between them."""
    speed = math.sqrt(2 * GRAVITY * apex)
    flight = 2 * speed / GRAVITY
    local = torch.remainder(time, flight + ground) - ground
    flying = local > 0
    height = torch.where(flying, speed * local - GRAVITY * local**2 / 2, 0.0)
    velocity = torch.where(flying, speed - GRAVITY * local, 0.0)
    edge = torch.minimum(local, flight - local) if ground == 0 else torch.where(flying, 1.0, local + ground / 2)
    return height.clamp(min=0), velocity, impact_squash(edge, max(ground / 2, 0.07))


def stand(course: Course) -> Path:
    """Slight breathing."""
    return Path(stretch=1 + wave(course, 0.025, 0.6)[0])


def walk(course: Course) -> Path:
    """Steady, with a small bob and a sway from foot to foot."""
    speed = WALK_SPEED * course.rate * course.direction
    bob, bob_rate = steps(course, 0.06, 1.7)
    sway = wave(course, 0.07, 0.85 * course.rate.sqrt())[0]
    return Path(x=speed * course.time, vx=speed, y=bob, vy=bob_rate, angle=sway)


def run(course: Course) -> Path:
    """Fast, leaning forward, with a strong bob."""
    speed = RUN_SPEED * course.rate * course.direction
    bob, bob_rate = steps(course, 0.16, 2.6)
    return Path(
        x=speed * course.time, vx=speed, y=bob, vy=bob_rate, angle=-0.2 * course.direction, stretch=0.94 + 0.8 * bob
    )


def jump(course: Course) -> Path:
    """Leaps in place under gravity, crouching before and after."""
    height, velocity, crouch = leaping(course.time + 0.1 * course.phase, JUMP_APEX, 2 * CROUCH_SECONDS)
    return Path(y=height, vy=velocity, stretch=1 - 0.25 * crouch + 0.1 * (height > 0))


def hop(course: Course) -> Path:
    """Small leaps without a pause, moving on."""
    speed = HOP_SPEED * course.rate * course.direction
    height, velocity, squash = leaping(course.time, HOP_APEX, 0.0)
    return Path(x=speed * course.time, vx=speed, y=height, vy=velocity, stretch=1.05 - 0.2 * squash)


def bounce(course: Course) -> Path:
    """Dropped from the start's height, bouncing in place."""
    height, velocity, squash = bouncing(course.time, course.y, RESTITUTION)
    return Path(y=height - course.y, vy=velocity, stretch=1 - 0.3 * squash)


def fall(course: Course) -> Path:
    """Drops to the ground and stays, tumbling a little."""
    height, velocity, squash = bouncing(course.time, course.y, FALL_RESTITUTION)
    tumble = 0.35 * course.direction * height / course.y.clamp(min=0.1)
    return Path(y=height - course.y, vy=velocity, angle=tumble, stretch=1 - 0.3 * squash)


def roll(course: Course) -> Path:
    """Turns without slipping (angle = distance / radius) and slows a little."""
    distance, speed = coast(course.time, ROLL_SPEED * course.rate, ROLL_FRICTION * GRAVITY)
    turned = -course.direction * distance / (course.height / 2).clamp(min=1e-3)
    return Path(x=course.direction * distance, vx=course.direction * speed, angle=turned)


def slide(course: Course) -> Path:
    """Pushed once; Coulomb friction stops it. It tilts back while it slows."""
    distance, speed = coast(course.time, SLIDE_SPEED * course.rate, SLIDE_FRICTION * GRAVITY)
    tilt = 0.16 * course.direction * (speed > 0)
    return Path(x=course.direction * distance, vx=course.direction * speed, angle=tilt)


def fly(course: Course) -> Path:
    """High in the air, on a gentle wave, beating."""
    speed = FLY_SPEED * course.rate * course.direction
    lift, lift_rate = wave(course, 0.12, 0.7)
    beat = wave(course, 0.09, 2.5)[0]
    pitch = 0.5 * course.direction * lift_rate
    return Path(x=speed * course.time, vx=speed, y=lift, vy=lift_rate, angle=pitch, stretch=1 + beat)


def drift(course: Course) -> Path:
    """Rises slowly like a balloon, swaying ("float")."""
    speed = FLOAT_SPEED * course.rate
    sway, sway_rate = wave(course, 0.08, 0.5)
    return Path(x=sway, vx=sway_rate, y=speed * course.time, vy=speed, angle=1.2 * sway)


def swim(course: Course) -> Path:
    """Undulates through the water."""
    speed = SWIM_SPEED * course.rate * course.direction
    lift, lift_rate = wave(course, 0.1, 1.1)
    return Path(x=speed * course.time, vx=speed, y=lift, vy=lift_rate, angle=0.5 * course.direction * lift_rate)


def spin(course: Course) -> Path:
    """One turn a second about its own centre."""
    return Path(angle=TURN * course.rate * course.time * course.direction)


def _grown(course: Course, first: float, last: float) -> Path:
    """Ease from one size to another within two seconds, feet on the ground."""
    share = (course.rate * course.time / 2).clamp(0, 1)
    return Path(growth=first + (last - first) * (1 - torch.cos(math.pi * share)) / 2)


def grow(course: Course) -> Path:
    """From half its size to 1.3 times."""
    return _grown(course, 0.5, 1.3)


def shrink(course: Course) -> Path:
    """From 1.3 times its size to half."""
    return _grown(course, 1.3, 0.5)


def _deeper(course: Course, sign: float) -> Path:
    """Move along the line of sight by at most DEPTH_RANGE."""
    speed = DEPTH_SPEED * course.rate
    moving = torch.minimum(course.time, DEPTH_RANGE / speed)
    bob, bob_rate = steps(course, 0.06, 1.7)
    return Path(z=sign * speed * moving, vz=sign * speed * (course.time < DEPTH_RANGE / speed), y=bob, vy=bob_rate)


def approach(course: Course) -> Path:
    """Comes near."""
    return _deeper(course, -1.0)


def recede(course: Course) -> Path:
    """Goes away."""
    return _deeper(course, 1.0)


LAWS: dict[str, Callable[[Course], Path]] = {
    "stand": stand, "walk": walk, "run": run, "jump": jump, "hop": hop, "bounce": bounce, "fall": fall,
    "roll": roll, "slide": slide, "fly": fly, "float": drift, "swim": swim, "spin": spin,
    "grow": grow, "shrink": shrink, "approach": approach, "recede": recede,
}  # fmt: skip
"""The law of every motion that needs one actor only."""
