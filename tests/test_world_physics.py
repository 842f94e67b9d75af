"""Laws of motion against closed forms, conservation laws and symmetries."""

import math
from dataclasses import replace

import pytest
import torch

from skyloom.config import WorldConfig
from skyloom.errors import InvalidArgument
from skyloom.world.bodies import body_mass, body_sizes
from skyloom.world.events import RAMP_SECONDS
from skyloom.world.motions import (
    FALL_RESTITUTION,
    GRAVITY,
    JUMP_APEX,
    RESTITUTION,
    SLIDE_FRICTION,
    SLIDE_SPEED,
    SPEED_FACTORS,
    bouncing,
)
from skyloom.world.physics import simulate
from skyloom.world.relations import CHASE_GAP, COLLISION_RESTITUTION, ORBIT_DEPTH
from skyloom.world.sampling import sample_scenes
from skyloom.world.scene import NO_ACTOR
from skyloom.world.vocabulary import EVENTS, MOTIONS, RELATIONS, TRAVELS

FINE = 480.0


def scenes_of(motion, count=16, **changes):
    """Scenes in which actor 0 (and nobody, or its partner alone) does one thing."""
    config = WorldConfig(motions=(motion,), two_actors=float(motion in RELATIONS), three_actors=0.0)
    return replace(sample_scenes(config, torch.arange(count)), **changes)


def everything(count=400):
    return sample_scenes(
        WorldConfig(two_actors=0.4, three_actors=0.1, event=0.5, camera=0.7, cut=0.3), torch.arange(count)
    )


def tensors(value):
    return {name: item for name, item in vars(value).items() if isinstance(item, torch.Tensor)}


def test_state_at_a_moment_does_not_depend_on_the_frame_rate():
    scenes = everything()
    slow, fast = simulate(scenes, 17, 8.0), simulate(scenes, 33, 16.0)
    for name, value in tensors(slow).items():
        assert torch.equal(value, tensors(fast)[name][:, ::2]), name


def test_scenes_do_not_depend_on_their_neighbours():
    scenes = everything(60)
    rows = torch.tensor([59, 7, 30])
    some, all_of_them = simulate(scenes.select(rows), 17, 8.0), simulate(scenes, 17, 8.0)
    for name, value in tensors(some).items():
        torch.testing.assert_close(value, tensors(all_of_them)[name][rows], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("motion", MOTIONS)
def test_velocity_is_the_derivative_of_position(motion):
    tracks = simulate(scenes_of(motion, 12), 1 + round(2.2 * FINE), FINE)
    there = tracks.opacity[:, 1:-1] > 0
    measured = (tracks.position[:, 2:] - tracks.position[:, :-2]) * FINE / 2
    change = (tracks.velocity[:, 2:] - tracks.velocity[:, :-2]).norm(dim=-1)
    smooth = there & (change < 40 * 2 / FINE)  # no impact: less than four times gravity
    error = (measured - tracks.velocity[:, 1:-1]).norm(dim=-1)
    assert error[smooth].max() < 0.1
    assert error[smooth].median() < 1e-3
    assert smooth[there].float().mean() > 0.9


@pytest.mark.parametrize("motion", TRAVELS)
def test_left_is_the_mirror_of_right(motion):
    scenes = scenes_of(motion)
    mirrored = replace(scenes, direction=-scenes.direction, start=scenes.start * torch.tensor([-1.0, 1.0, 1.0]))
    one, other = simulate(scenes, 17, 8.0), simulate(mirrored, 17, 8.0)
    torch.testing.assert_close(one.position[..., 0], -other.position[..., 0])
    torch.testing.assert_close(one.position[..., 1:], other.position[..., 1:])
    assert torch.equal(one.facing[:, :, 0], -other.facing[:, :, 0])
    travelled = (one.position[:, -1, 0, 0] - one.position[:, 0, 0, 0]) * scenes.direction[:, 0]
    assert (travelled > 0.3).all()


def test_free_fall_follows_the_parabola_and_rests():
    scenes = scenes_of("fall")
    tracks = simulate(scenes, 1 + 3 * 480, FINE)
    drop = scenes.start[:, 0, 1]
    times = torch.arange(3 * 480 + 1) / FINE
    expected = drop[:, None] - GRAVITY * times**2 / 2
    y = tracks.position[:, :, 0, 1]
    flying = expected > 0
    assert (y - expected)[flying].abs().max() < 1e-4
    rebound = (y * ~flying).amax(dim=1)
    torch.testing.assert_close(rebound, FALL_RESTITUTION**2 * drop, rtol=2e-2, atol=1e-4)
    assert y[:, -1].abs().max() == 0


def test_each_bounce_keeps_the_square_of_the_restitution_of_energy():
    time = torch.linspace(0, 3, 30001)
    height, velocity, _ = bouncing(time, torch.tensor(1.5), RESTITUTION)
    energy = GRAVITY * height + velocity**2 / 2
    speed = math.sqrt(2 * GRAVITY * 1.5)
    impact = speed / GRAVITY
    for flight in range(4):
        end = impact + 2 * speed * RESTITUTION / GRAVITY if flight else impact
        begin = impact if flight else 0.0
        inside = (time > begin + 2e-3) & (time < end - 2e-3)
        expected = GRAVITY * 1.5 * RESTITUTION ** (2 * flight)
        torch.testing.assert_close(energy[inside], torch.full_like(energy[inside], expected), rtol=2e-3, atol=0)
        if flight:
            speed, impact = speed * RESTITUTION, end


def test_a_bouncing_body_ends_on_the_ground():
    height, velocity, _ = bouncing(torch.tensor([30.0]), torch.tensor(1.5), RESTITUTION)
    assert height.item() == velocity.item() == 0


def test_jumps_reach_their_apex_under_gravity():
    scenes = scenes_of("jump")
    tracks = simulate(scenes, 1 + 4 * 480, FINE)
    y, vy = tracks.position[:, :, 0, 1], tracks.velocity[:, :, 0, 1]
    torch.testing.assert_close(y.amax(dim=1), torch.full((16,), JUMP_APEX), rtol=1e-3, atol=0)
    acceleration = (vy[:, 2:] - vy[:, :-2]) * FINE / 2
    aloft = (y[:, 2:] > 0) & (y[:, :-2] > 0)
    assert (acceleration[aloft] + GRAVITY).abs().max() < 0.05


@pytest.mark.parametrize("speed", range(3))
def test_friction_stops_a_slide_after_its_distance(speed):
    scenes = scenes_of("slide")
    scenes = replace(scenes, speed=torch.full_like(scenes.speed, speed))
    tracks = simulate(scenes, 9, 2.0)
    distance = (tracks.position[:, -1, 0, 0] - scenes.start[:, 0, 0]).abs()
    expected = (SLIDE_SPEED * SPEED_FACTORS[speed]) ** 2 / (2 * SLIDE_FRICTION * GRAVITY)
    torch.testing.assert_close(distance, torch.full_like(distance, expected), rtol=1e-4, atol=0)
    assert (tracks.velocity[:, -1, 0] == 0).all()


def test_rolling_has_no_slip():
    scenes = scenes_of("roll")
    tracks = simulate(scenes, 17, 8.0)
    radius = body_sizes(scenes)[0][:, 0] / 2
    distance = tracks.position[:, :, 0, 0] - scenes.start[:, None, 0, 0]
    torch.testing.assert_close(tracks.angle[:, :, 0] * radius[:, None], -distance, rtol=1e-4, atol=1e-5)


def test_collisions_keep_momentum_and_lose_closing_speed():
    scenes = scenes_of("collide", 32)
    tracks = simulate(scenes, 1 + 480 * 3, FINE)
    height, width = body_sizes(scenes)
    mass, v = body_mass(height, width)[:, None, :2], tracks.velocity[:, :, :2, 0]
    momentum = (mass * v).sum(dim=-1)
    torch.testing.assert_close(momentum, momentum[:, :1].expand_as(momentum), rtol=1e-4, atol=1e-4)
    closing = v[..., 1] - v[..., 0]
    torch.testing.assert_close(closing[:, -1], -COLLISION_RESTITUTION * closing[:, 0], rtol=1e-4, atol=1e-4)
    gap = (tracks.position[:, :, 1, 0] - tracks.position[:, :, 0, 0]).abs() - width[:, None, :2].sum(dim=-1) / 2
    assert gap.min() > -1e-3
    assert (gap.amin(dim=1) < 0.01).all()


def test_an_orbit_passes_in_front_and_behind_on_an_ellipse():
    scenes = scenes_of("orbit")
    tracks = simulate(scenes, 1 + 40 * 5, 40.0)
    offset = tracks.position[:, :, 0] - scenes.start[:, None, 1]
    arm = (scenes.start[:, 0, 0] - scenes.start[:, 1, 0]).abs()[:, None]
    ellipse = (offset[..., 0] / arm) ** 2 + (offset[..., 2] / ORBIT_DEPTH) ** 2
    torch.testing.assert_close(ellipse, torch.ones_like(ellipse), rtol=1e-4, atol=1e-4)
    assert (offset[..., 2].amin(dim=1) < -0.8).all() and (offset[..., 2].amax(dim=1) > 0.8).all()
    moving = tracks.velocity[:, :, 0, 0].abs() > 0.05
    assert torch.equal(tracks.facing[:, :, 0][moving], torch.sign(tracks.velocity[:, :, 0, 0])[moving])


def test_a_chase_closes_in_and_never_overtakes():
    scenes = scenes_of("chase")
    tracks = simulate(scenes, 81, 8.0)
    _, width = body_sizes(scenes)
    ahead = (tracks.position[:, :, 1, 0] - tracks.position[:, :, 0, 0]) * scenes.direction[:, None, 0]
    gap = ahead - width[:, None, :2].sum(dim=-1) / 2
    assert (gap[:, 1:] - gap[:, :-1]).max() < 1e-4
    torch.testing.assert_close(gap[:, -1], torch.full_like(gap[:, -1], CHASE_GAP), rtol=0, atol=1e-3)


def test_who_passes_behind_crosses_from_side_to_side_farther_away():
    scenes = scenes_of("pass_behind")
    tracks = simulate(scenes, 17, 8.0)
    offset = tracks.position[:, :, 0] - tracks.position[:, :, 1]
    assert (offset[..., 2] > 1).all()
    assert (offset[:, 0, 0] * offset[:, -1, 0] < 0).all()


def test_a_rider_moves_with_what_it_rides():
    tracks = simulate(scenes_of("ride"), 17, 8.0)
    offset = tracks.position[:, :, 0] - tracks.position[:, :, 1]
    torch.testing.assert_close(offset, offset[:, :1].expand_as(offset))
    assert (offset[..., 1] > 0.5).all()


def test_the_pushed_moves_only_in_contact():
    scenes = scenes_of("push")
    tracks = simulate(scenes, 161, 80.0)
    _, width = body_sizes(scenes)
    gap = (tracks.position[:, :, 1, 0] - tracks.position[:, :, 0, 0]).abs() - width[:, None, :2].sum(dim=-1) / 2
    moving = tracks.velocity[:, :, 1, 0] != 0
    assert gap[moving].abs().max() < 1e-3
    assert gap[~moving].min() > -1e-3
    assert moving[:, -1].all()


def test_growing_is_shrinking_backwards():
    scenes = scenes_of("grow", speed=torch.ones(16, 3, dtype=torch.int64))
    grown = simulate(scenes, 17, 8.0).size[:, :, 0]
    shrunk = simulate(replace(scenes, motion=torch.full_like(scenes.motion, MOTIONS.index("shrink"))), 17, 8.0)
    torch.testing.assert_close(shrunk.size[:, :, 0], grown.flip(1))
    torch.testing.assert_close(grown[:, -1] / grown[:, 0], torch.full((16,), 1.3 / 0.5))


def test_every_motion_is_told_from_every_other():
    """The same actor at the same speed: no two laws agree within what a 64-pixel frame resolves."""
    base = scenes_of(
        "stand", 1, speed=torch.ones(1, 3, dtype=torch.int64), direction=torch.ones(1, 3, dtype=torch.int64)
    )
    signs = []
    for motion in MOTIONS:
        if motion in RELATIONS:
            continue
        start = base.start.clone()
        start[:, 0, 1] = 1.4 if motion in ("fall", "bounce") else 0.0
        number = torch.full_like(base.motion, MOTIONS.index(motion))
        tracks = simulate(replace(base, motion=number, start=start), 17, 8.0)
        state = [tracks.position[0, :, 0], tracks.angle[0, :, :1], tracks.size[0, :, :1], tracks.stretch[0, :, :1]]
        signs.append(torch.cat(state, dim=1))
    signs = torch.stack(signs)
    distance = (signs[:, None] - signs[None]).abs().amax(dim=(2, 3)) + torch.eye(len(signs))
    assert distance.min() > 0.15


def test_marks_rise_once_and_stay():
    scenes = everything()
    tracks = simulate(scenes, 4 * 32, 32.0)
    times = torch.arange(4 * 32) / 32.0
    assert (tracks.mark[:, 1:] >= tracks.mark[:, :-1]).all()
    row = int((scenes.event[:, 1] > 0).nonzero()[0])
    for kind, begin in zip(scenes.event[row].tolist(), scenes.event_time[row].tolist(), strict=True):
        expected = ((times - begin) / RAMP_SECONDS).clamp(0, 1)
        torch.testing.assert_close(tracks.mark[row, :, kind - 1], expected)
    silent = scenes.event[:, 0] == EVENTS.index("none")
    assert (tracks.mark[silent] == 0).all()


def test_bad_arguments_are_named():
    scenes = scenes_of("walk", 2)
    with pytest.raises(InvalidArgument, match="num_frames must be at least 1"):
        simulate(scenes, 0, 8.0)
    with pytest.raises(InvalidArgument, match="fps must be above 0"):
        simulate(scenes, 17, 0.0)
    orbit = scenes_of("orbit", 2)
    lonely = replace(orbit, actor=torch.where(torch.arange(3) == 1, NO_ACTOR, orbit.actor))
    with pytest.raises(InvalidArgument, match="actor 1"):
        simulate(lonely, 17, 8.0)
