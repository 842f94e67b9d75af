"""Guidance as sums of branches, against hand-made velocities."""

import pytest
import torch

from skyloom.diffusion.flow import denoised_from
from skyloom.diffusion.guidance import classifier_free, guided, two_guidances
from skyloom.errors import InvalidArgument
from skyloom.seeds import generator_for


class Recorder:
    """A network whose velocity is condition * noisy + sigma; remembers what it was asked."""

    def __init__(self):
        self.calls = []

    def __call__(self, noisy, sigma, conditions):
        self.calls.append(list(conditions))
        each = torch.tensor(conditions).repeat_interleave(len(noisy) // len(conditions))
        return each[:, None] * noisy + sigma[:, None]


@pytest.fixture
def noisy():
    return torch.randn(3, 8, generator=generator_for(0, "guidance"))


def at(level, count=3):
    return torch.full((count,), level)


@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0, 3.0, 7.5])
def test_guidance_is_linear_in_its_scale(noisy, scale):
    velocity = guided(Recorder(), classifier_free(2.0, -1.0, scale))(noisy, at(0.5))
    torch.testing.assert_close(velocity, (-1.0 + scale * 3.0) * noisy + 0.5)


def test_scale_one_is_the_conditional_in_one_plain_call(noisy):
    network = Recorder()
    velocity = guided(network, classifier_free(2.0, -1.0, 1.0))(noisy, at(0.5))
    assert network.calls == [[2.0]]
    assert torch.equal(velocity, 2.0 * noisy + 0.5)


def test_guidance_is_one_batched_call(noisy):
    network = Recorder()
    guided(network, classifier_free(2.0, -1.0, 4.0))(noisy, at(0.5))
    assert network.calls == [[2.0, -1.0]]


@pytest.mark.parametrize(("text", "source"), [(1.0, 1.0), (7.5, 1.5), (3.0, 3.0), (4.0, 1.0), (0.0, 2.0)])
def test_two_guidances_follow_the_paper(noisy, text, source):
    full, source_only, nothing = 3.0, 1.5, -2.0
    velocity = guided(Recorder(), two_guidances(full, source_only, nothing, text, source))(noisy, at(0.25))
    wanted = nothing + source * (source_only - nothing) + text * (full - source_only)
    torch.testing.assert_close(velocity, wanted * noisy + 0.25)


def test_two_guidances_pay_only_for_branches_that_count(noisy):
    for scales, asked in (((1.0, 1.0), [3.0]), ((4.0, 1.0), [3.0, 1.5]), ((4.0, 4.0), [3.0, -2.0])):
        network = Recorder()
        guided(network, two_guidances(3.0, 1.5, -2.0, *scales))(noisy, at(0.5))
        assert network.calls == [asked]


@pytest.mark.parametrize(("level", "inside"), [(0.9, False), (0.8, True), (0.5, True), (0.3, True), (0.2, False)])
def test_guidance_acts_only_in_its_interval(noisy, level, inside):
    network = Recorder()
    velocity_fn = guided(network, classifier_free(2.0, -1.0, 4.0), interval=(0.3, 0.8))
    velocity = velocity_fn(noisy, torch.full((3,), level, dtype=torch.float64).to(noisy.dtype))
    assert len(network.calls[0]) == (2 if inside else 1)
    torch.testing.assert_close(velocity, (11.0 if inside else 2.0) * noisy + level)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_rescale_sets_the_spread_of_the_denoised(noisy, share):
    sigma = at(0.5)
    branches = classifier_free(1.0, -1.0, 6.0)
    plain, rescaled = (guided(Recorder(), branches, rescale=r)(noisy, sigma) for r in (0.0, share))
    alone = denoised_from(noisy, noisy + 0.5, sigma).std(1)
    before, after = (denoised_from(noisy, v, sigma).std(1) for v in (plain, rescaled))
    torch.testing.assert_close(after, share * alone + (1 - share) * before)


def test_each_sample_is_guided_alone(noisy):
    velocity_fn = guided(Recorder(), classifier_free(2.0, -1.0, 5.0), rescale=0.7)
    together = velocity_fn(noisy, at(0.6))
    alone = torch.cat([velocity_fn(row[None], at(0.6, 1)) for row in noisy])
    torch.testing.assert_close(together, alone)


@pytest.mark.parametrize(
    "call",
    [
        lambda: classifier_free(1.0, 0.0, -2.0),
        lambda: classifier_free(1.0, 0.0, float("nan")),
        lambda: two_guidances(1.0, 0.5, 0.0, 2.0, float("inf")),
        lambda: guided(Recorder(), classifier_free(1.0, 0.0, 2.0), interval=(0.8, 0.2)),
        lambda: guided(Recorder(), classifier_free(1.0, 0.0, 2.0), rescale=1.5),
    ],
)
def test_bad_values_are_refused(call):
    with pytest.raises(InvalidArgument, match="must be"):
        call()
