"""Commands: what they do, exactly, at any frame rate."""

import pytest
import torch

from skyloom.config import WorldConfig
from skyloom.errors import InvalidArgument
from skyloom.world.actions import (
    ACTIONS,
    PLAY_APEX,
    PLAY_SPEED,
    RESPONSE_SECONDS,
    TICK_SECONDS,
    play,
    sample_actions,
)
from skyloom.world.bodies import body_sizes
from skyloom.world.camera import project
from skyloom.world.sampling import sample_scenes


def scenes(count=8):
    return sample_scenes(WorldConfig(motions=("stand",), two_actors=0.3, camera=0.0, cut=0.0), torch.arange(count))


def held(*names, each):
    row = [ACTIONS.index(name) for name in names for _ in range(each)]
    return torch.tensor(row).expand(8, -1)


def test_the_state_at_a_moment_does_not_depend_on_the_frame_rate():
    actions = sample_actions(3, torch.arange(8), 40)
    slow, fast = play(scenes(), actions, 33, 8.0), play(scenes(), actions, 129, 32.0)
    for name in ("position", "velocity", "facing", "stretch"):
        torch.testing.assert_close(getattr(slow, name), getattr(fast, name)[:, ::4], rtol=1e-4, atol=1e-4)


def test_speed_relaxes_to_the_commanded_one():
    tracks = play(scenes(), held("right", each=8), 41, 80.0)
    times = torch.arange(41) / 80
    expected = PLAY_SPEED * (1 - torch.exp(-times / RESPONSE_SECONDS))
    free = tracks.velocity[:, :, 0, 0] > 0
    free[:, 0] = True
    assert free.float().mean() > 0.7  # the others have reached the wall
    error = (tracks.velocity[:, :, 0, 0] - expected)[free]
    assert error.abs().max() < 1e-4
    assert (tracks.facing[:, 1:, 0] == 1).all()


def test_a_leap_reaches_its_apex_and_lands():
    tracks = play(scenes(), held("jump", "stay", "stay", "stay", each=4), 1 + 960, 480.0)
    y = tracks.position[:, :, 0, 1]
    torch.testing.assert_close(y.amax(dim=1), torch.full((8,), PLAY_APEX), rtol=1e-3, atol=0)
    assert y.min() == 0 and (y[:, -1] == 0).all()


def test_walls_keep_the_player_in_view():
    tracks = play(scenes(), held("left", "far", "left", "near", each=20), 81, 8.0)
    _, width = body_sizes(scenes())
    x, _, scale = project(tracks.position[:, :, 0], torch.tensor([0.0, 0.0, 1.0]))
    assert (x - width[:, None, 0] * scale / 2).min() > -2.2
    assert (tracks.position[:, -1, 0, 0] < -0.3).all()


def test_players_are_numbered_and_hold_their_commands():
    long, short = sample_actions(0, torch.arange(50), 60), sample_actions(0, torch.tensor([7]), 20)
    assert torch.equal(long[7:8, :20], short)
    assert set(long.flatten().tolist()) == set(range(len(ACTIONS)))
    kept = (long[:, 1:] == long[:, :-1]).float().mean()
    assert 0.78 < kept < 0.88  # 0.8 + 0.2 / 6


def test_too_few_commands_are_refused():
    with pytest.raises(InvalidArgument, match="have 16 ticks or more"):
        play(scenes(), held("stay", each=15), 17, 1 / TICK_SECONDS)
