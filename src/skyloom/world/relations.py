"""Laws of two actors that move together.

Each law maps the courses of actors 0 and 1 to their two paths, in closed form, as in motions.py. Tensors are (b, f).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from skyloom.world.bodies import body_mass
from skyloom.world.motions import (
    TURN,
    WALK_SPEED,
    Course,
    Path,
    impact_squash,
    run,
    stand,
    steps,
    walk,
)

CHASER_SPEED, PREY_SPEED, COLLIDE_SPEED = 1.15, 0.8, 0.9
PASS_SECONDS = 1.9
"""How long it takes to pass behind at normal speed: from one side as far to the other."""
ORBIT_SECONDS = 2.4
ORBIT_DEPTH = 0.9
"""Metres by which an orbit passes in front of and behind its centre."""
CHASE_GAP = 0.05
COLLISION_RESTITUTION = 0.9
RIDE_HEIGHT = 0.85
"""Where a rider sits, in heights of what it rides."""
RIDE_DEPTH = 0.02
"""Metres by which a rider is behind what it rides, so that its feet are hidden."""
PASS_DEPTH = 1.2
PARTNER = {
    "orbit": "stand", "chase": "run", "pass_behind": "stand", "ride": "walk", "collide": "slide", "push": "slide",
}  # fmt: skip
"""What actor 1 is said to do in each relation."""

Pair = tuple[Path, Path]


def contact_gap(first: Course, second: Course) -> Tensor:
    """Return the free distance between two bodies at their starts, metres."""
    return (second.x - first.x).abs() - (first.width + second.width) / 2


def orbit(first: Course, second: Course) -> Pair:
    """Actor 0 circles actor 1 on the ground, in front and behind."""
    arm = first.x - second.x
    pace = TURN / ORBIT_SECONDS * first.rate
    turn = pace * first.time
    path = Path(
        x=arm * (torch.cos(turn) - 1), vx=-arm * pace * torch.sin(turn),
        z=-ORBIT_DEPTH * torch.sin(turn), vz=-ORBIT_DEPTH * pace * torch.cos(turn),
        facing=torch.where(arm * torch.sin(turn) > 0, -1.0, 1.0),
    )  # fmt: skip
    return path, stand(second)


def chase(first: Course, second: Course) -> Pair:
    """Actor 1 flees; actor 0 gains on it, then keeps at its heels."""
    prey = PREY_SPEED * second.rate * second.direction
    chaser = CHASER_SPEED * first.rate * first.direction
    room = (contact_gap(first, second) - CHASE_GAP).clamp(min=0)
    caught = room / (chaser - prey).abs().clamp(min=1e-6)
    before = torch.minimum(first.time, caught)
    ahead = replace(run(second), x=prey * second.time, vx=prey)
    behind = replace(
        run(first), x=chaser * before + prey * (first.time - before), vx=torch.where(first.time < caught, chaser, prey)
    )
    return behind, ahead


def pass_behind(first: Course, second: Course) -> Pair:
    """Actor 0 crosses behind actor 1, which stands."""
    speed = 2 * (second.x - first.x) / PASS_SECONDS * first.rate
    bob, bob_rate = steps(first, 0.06, 1.7)
    return Path(x=speed * first.time, vx=speed, y=bob, vy=bob_rate), stand(second)


def ride(first: Course, second: Course) -> Pair:
    """Actor 0 sits on actor 1, which walks."""
    carrier = walk(second)
    return replace(carrier, angle=0.5 * carrier.angle), carrier


def after_impact(mass: Tensor, other_mass: Tensor, speed: Tensor, other_speed: Tensor, restitution: float) -> Tensor:
    """Return the first body's speed after a central impact: momentum kept, closing speed times -restitution."""
    exchanged = other_mass * restitution * (other_speed - speed)
    return (mass * speed + other_mass * other_speed + exchanged) / (mass + other_mass)


def _rebound(body: Course, speed: Tensor, speed_after: Tensor, impact: Tensor) -> Path:
    """One body of a collision: uniform motion with one sudden change; round ones roll without slipping."""
    before = torch.minimum(body.time, impact)
    distance = speed * before + speed_after * (body.time - before)
    rolled = torch.where(body.rolls, -distance / (body.height / 2).clamp(min=1e-3), 0.0)
    velocity = torch.where(body.time < impact, speed, speed_after)
    return Path(x=distance, vx=velocity, angle=rolled, stretch=1 + 0.25 * impact_squash(body.time - impact))


def collide(first: Course, second: Course) -> Pair:
    """Both come on, meet and rebound (masses as areas, restitution COLLISION_RESTITUTION)."""
    side = torch.sign(second.x - first.x)
    speed, other = COLLIDE_SPEED * first.rate * side, -COLLIDE_SPEED * first.rate * side
    impact = contact_gap(first, second).clamp(min=0) / (speed - other).abs()
    mass, other_mass = body_mass(first.height, first.width), body_mass(second.height, second.width)
    after = after_impact(mass, other_mass, speed, other, COLLISION_RESTITUTION)
    other_after = after_impact(other_mass, mass, other, speed, COLLISION_RESTITUTION)
    return _rebound(first, speed, after, impact), _rebound(second, other, other_after, impact)


def push(first: Course, second: Course) -> Pair:
    """Actor 0 walks up to actor 1 and pushes it along."""
    speed = WALK_SPEED * first.rate * first.direction
    contact = contact_gap(first, second).clamp(min=0) / speed.abs()
    pusher = replace(walk(first), angle=-0.14 * first.direction)
    moved = (second.time - contact).clamp(min=0)
    rolled = torch.where(second.rolls, -speed * moved / (second.height / 2).clamp(min=1e-3), 0.0)
    return pusher, Path(x=speed * moved, vx=speed * (second.time >= contact), angle=rolled)


PAIR_LAWS: dict[str, Callable[[Course, Course], Pair]] = {
    "orbit": orbit, "chase": chase, "pass_behind": pass_behind, "ride": ride, "collide": collide, "push": push,
}  # fmt: skip
"""The law of every relation."""
