"""Three numbers found by inertia: mass and place, on paper; the canvas loses nothing."""

import pytest
import torch

from skyloom.data.phyworld import TrainingGrid, frame_times
from skyloom.data.phyworld_pictures import coverage, pixel_places
from skyloom.data.phyworld_symmetries import SYMMETRIES, View
from skyloom.errors import InvalidArgument, TrainingError
from skyloom.models.inertial_canvas import CELL, held, to_latents, to_states
from skyloom.models.inertial_codec import fit_codec, inertial_functionals, smooth_weights

SIZE = 32


def clips(symmetries, count=200):
    generator = torch.Generator().manual_seed(0)
    motion, _ = TrainingGrid("uniform", "30k").clips(torch.randint(30_000, (count,), generator=generator))
    motion = View(symmetries)(motion, generator)
    where, radius = motion.positions(frame_times(5)), motion.radius.expand(-1, 5)
    covered = coverage(where.reshape(-1, 2), radius.reshape(-1), SIZE).view(count, 5, SIZE, SIZE)
    edge = covered[..., [0, -1], :].sum((1, 2, 3)) + covered[..., [0, -1]].sum((1, 2, 3))
    return covered[edge == 0]


@pytest.fixture(scope="module")
def codec():
    return fit_codec(clips(SYMMETRIES))[0]


def test_exactly_three_functionals_keep_their_pace_when_seen_from_all_sides():
    found = inertial_functionals(clips(SYMMETRIES))[1]
    assert found[2] < 0.05 * found[3]


def test_clips_that_move_along_one_line_do_not_tell_which():
    with pytest.raises(TrainingError, match="boost"):
        fit_codec(clips(()))


def test_the_basis_is_orthogonal_and_starts_with_one():
    basis = smooth_weights(64, 3).flatten(1)
    assert torch.allclose(basis[0], torch.ones(64 * 64).double())
    gram = basis @ basis.T / basis.shape[1]
    assert (gram - gram.diag().diag()).abs().max() < 1e-3


def test_states_are_place_and_root_of_mass(codec):
    radius = torch.tensor([0.9, 1.6]).double()
    centres = torch.tensor([[3.0, 6.5], [6.2, 4.0]]).double()
    states = codec.encode(coverage(centres, radius, SIZE))
    places = pixel_places(SIZE)
    wanted = (centres - places[0]) / (places[-1] - places[0]) * (1 - 1 / SIZE) * 2 - (1 - 1 / SIZE)
    assert torch.allclose(states[:, 1], wanted[:, 0], atol=0.03)
    assert torch.allclose(states[:, 2], -wanted[:, 1], atol=0.03)
    assert (states[1, 0] / states[0, 0]).item() == pytest.approx(1.6 / 0.9, rel=0.02)


def test_what_is_decoded_reads_as_what_was_asked(codec):
    states = torch.tensor([[0.55, 0.1, -0.2], [0.9, -0.3, 0.25]]).double()
    pictures = codec.decode(states)
    assert torch.allclose(codec.encode(pictures)[:, 1:], states[:, 1:], atol=2e-3)
    assert pictures.min() >= 0 and pictures.max() <= 1
    assert codec.encode(torch.zeros(1, SIZE, SIZE))[0, 1:].isnan().all()


def test_a_picture_comes_back(codec):
    covered = coverage(torch.tensor([[4.0, 5.5]]).double(), torch.tensor([1.3]).double(), SIZE)
    assert (codec.decode(codec.encode(covered)) - covered).square().mean().sqrt() < 0.03


def test_the_canvas_is_a_change_of_coordinates():
    states = torch.randn(2, 9, 2, 3, generator=torch.Generator().manual_seed(0)).double()
    latents = to_latents(states, 0.1)
    assert latents.shape == (2, 18, 3, 1, 1)
    assert torch.allclose(to_states(latents, 0.1, 2), states, atol=1e-5)
    with pytest.raises(InvalidArgument, match="multiple of 3"):
        to_latents(states[:, :8], 0.1)


def test_under_inertia_all_later_paces_are_alike():
    steps = torch.arange(9).double()[:, None] * 0.1
    states = torch.cat([torch.full((9, 1), 0.7), 0.1 + 0.4 * steps, 0.2 - 0.3 * steps], 1)[None, :, None].double()
    latents = to_latents(states, 0.1).view(CELL, 3, 3)
    assert torch.allclose(latents[:, 1, 1:], torch.full((3, 2), 0.8), atol=1e-5)
    assert torch.allclose(latents[:, 2, 1:], torch.full((3, 2), -0.6), atol=1e-5)
    assert torch.allclose(latents[:2, 1, 0], torch.full((2,), 0.8), atol=1e-5)


def test_what_leaves_the_view_goes_on_as_it_went():
    steps = torch.arange(9).double()[:, None] * 0.1
    true = torch.cat([torch.full((9, 1), 0.7), 0.1 + 0.4 * steps, 0 * steps], 1)[None, :, None].double()
    seen = true.clone()
    seen[:, 5:] = torch.nan
    whole = torch.ones(1, 9, 1, dtype=torch.bool)
    whole[:, 5:] = False
    assert torch.allclose(held(seen, whole, 0.1), true)
