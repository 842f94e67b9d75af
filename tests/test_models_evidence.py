"""Motion of the background, texture of the surface, turns of an actor, on pictures whose answer is known."""

import math

import pytest
import torch
import torch.nn.functional as F

from skyloom.models.drift import BANDS, background_drift
from skyloom.models.texture import texture
from skyloom.models.turning import HARMONICS, turning


def landscape(side=256):
    """A smooth random picture, (side, side) in [-1, 1]."""
    coarse = torch.rand((1, 1, side // 16, side // 16), generator=torch.Generator().manual_seed(0))
    return F.interpolate(coarse, size=side, mode="bicubic").clamp(0, 1)[0, 0] * 2 - 1


def seen(centre_x, centre_y, half):
    """The part of the landscape around a centre, as a colour picture of 64 x 64; lengths in shares of the landscape."""
    axis = (torch.arange(64) + 0.5) / 32 - 1
    x, y = torch.meshgrid(centre_x * 2 - 1 + 2 * half * axis, centre_y * 2 - 1 + 2 * half * axis, indexing="xy")
    picture = F.grid_sample(landscape()[None, None], torch.stack([x, y], -1)[None], align_corners=False)
    return picture[0].expand(3, 64, 64)


def clip(views):
    return torch.stack([seen(*view) for view in views], 1)[None]


def test_a_pan_is_a_shift_against_it():
    step = 0.5 / 32 * 0.6  # half a small pixel of a view that spans 0.6 of the landscape
    drift = background_drift(clip([(0.4 + step * k, 0.5, 0.3) for k in range(5)])).unflatten(-1, (BANDS, 3))
    assert (drift[0, 0] == 0).all()
    assert torch.allclose(drift[0, 1:, :, 0], torch.full((4, BANDS), -0.5), atol=0.06)
    assert drift[0, 1:, :, 1:].abs().amax() < 0.08


def test_a_tilt_moves_rows():
    step = 0.4 / 32 * 0.6
    drift = background_drift(clip([(0.5, 0.4 + step * k, 0.3) for k in range(5)])).unflatten(-1, (BANDS, 3))
    assert torch.allclose(drift[0, 1:, :, 1].mean(1), torch.full((4,), -0.4), atol=0.05)
    assert drift[0, 1:, :, 0].mean(1).abs().amax() < 0.05


def test_a_zoom_is_growth_about_the_centre():
    rate = 0.02
    drift = background_drift(clip([(0.5, 0.5, 0.3 * (1 - rate) ** k) for k in range(5)])).unflatten(-1, (BANDS, 3))
    expected = rate * 16  # at the edge of the small frame, 16 pixels from its centre
    assert torch.allclose(drift[0, 1:, :, 2].mean(1), torch.full((4,), expected), atol=0.08)


def test_what_moves_otherwise_is_left_out():
    frames = clip([(0.5, 0.5, 0.3)] * 5).clone()
    for k in range(5):
        frames[0, :, k, 20:32, 4 * k : 4 * k + 12] = 0.9  # a square that runs through the upper half
    drift = background_drift(frames).unflatten(-1, (BANDS, 3))
    assert drift[0, :, :, :2].abs().mean() < 0.05


def test_texture_of_square_pixels_and_of_held_frames():
    generator = torch.Generator().manual_seed(0)
    small = torch.rand((1, 3, 4, 16, 16), generator=generator) * 2 - 1
    blocks = small.repeat_interleave(2, -1).repeat_interleave(2, -2)
    numbers = texture(blocks)[0]
    assert (numbers[:, 5] == 0).all()
    assert (numbers[:, 6] > 0.5).all()
    assert numbers[0, 10] == 0
    held = texture(blocks[:, :, [0, 0, 1, 1]])[0]
    assert held[[1, 3], 10].tolist() == [0, 0]
    assert held[2, 10] == pytest.approx(4 * (blocks[0, :, 1] - blocks[0, :, 0]).mean(0).abs().mean().item(), rel=1e-4)


def test_grey_pictures_have_no_colour():
    numbers = texture(torch.full((1, 3, 2, 8, 8), -0.4))[0, 0]
    assert numbers[:3].tolist() == [0, 0, 0]
    assert numbers[3].item() == pytest.approx(-0.4)
    assert numbers[9].item() == 1


def turned(angle, centre=(0.5, 0.5), side=0.6):
    """A lumpy picture about a centre, turned counter-clockwise: (3, 64, 64); grey far from the centre."""
    axis = (torch.arange(64) + 0.5) / 64
    x, y = torch.meshgrid(axis - centre[0], axis - centre[1], indexing="xy")
    radius, at = torch.hypot(x, y), torch.atan2(-y, x) - angle
    shape = torch.cos(at) + 0.7 * torch.cos(2 * at + 1) + 0.5 * torch.cos(3 * at + 2) * radius / side
    return (shape * (radius < side / 2) * 0.4).expand(3, 64, 64)


@pytest.mark.parametrize("degrees", [-70, -12, 0, 25, 100])
def test_a_turn_is_the_phase_of_every_harmonic(degrees):
    step = math.radians(degrees)
    centre, side = (0.45, 0.55), 0.6
    pixels = torch.stack([turned(k * step, centre, side) for k in range(4)], 1)[None]
    found = turning(pixels, torch.tensor(centre).expand(1, 4, 1, 2), torch.full((1, 4, 1), math.log(side)))
    assert (found[0, 0] == 0).all()
    for k in range(1, 4):
        cosine, sine = found[0, 1:, 0, 2 * k - 2], found[0, 1:, 0, 2 * k - 1]
        missed = torch.remainder(torch.atan2(sine, cosine) - k * step + math.pi, 2 * math.pi) - math.pi
        assert missed.abs().max() < 0.06 * k
        assert torch.hypot(cosine, sine).min() > 0.9


def test_turns_are_read_alike_in_wide_frames():
    pixels = torch.stack([turned(0.4 * k) for k in range(3)], 1)[None]
    wide = F.pad(pixels, (32, 32))
    half, side = torch.full((1, 3, 1, 2), 0.5), torch.full((1, 3, 1), math.log(0.6))
    assert torch.allclose(turning(wide, half, side), turning(pixels, half, side), atol=1e-3)
    assert turning(wide, half, side).shape == (1, 3, 1, 2 * HARMONICS)
