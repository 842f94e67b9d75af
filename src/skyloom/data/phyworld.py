"""Discs under a law of motion: PhyWorld rebuilt.

The three scenarios of "How Far is Video Generation from World Model" (Kang et al. 2024, arXiv 2411.02385) as numbers: a
white world of 10 x 10, y up, a frame every 0.1 s, no walls. `uniform`: a red disc at constant speed to the right.
`parabola`: the same under gravity. `collision`: a red disc from the left and a blue one from the right on one line,
elastic. A clip is a handful of numbers, so any subset of the 30k, 300k or 3M clips is made when it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from skyloom.errors import InvalidArgument, one_of
from skyloom.seeds import hashed_uniform

WORLD, FRAME_SECONDS, NUM_FRAMES, KNOWN_FRAMES = 10.0, 0.1, 32, 3
STEP = 0.01
"""The published simulator's own step: the first frame shows the world one step after the start."""
MARGIN, FRAMES_IN_VIEW, FRAMES_AROUND_IMPACT, TRIES = 0.5, 24, 8, 10

Range = tuple[float, float]


@dataclass(frozen=True)
class Scenario:
    """One law, with its trained ranges and those beyond them on both sides."""

    discs: int
    gravity: float
    radius: Range
    speed: Range
    small: Range
    large: Range
    slow: Range
    fast: Range
    sizes: dict[str, tuple[int, int]]
    """Name to (speeds, radii) of the training grid."""


ONE = {"tiny": (12, 5), "30k": (300, 100), "300k": (1000, 300), "3M": (3000, 1000)}
TWO = {"tiny": (3, 2), "30k": (21, 8), "300k": (41, 14), "3M": (71, 26)}
BEYOND = {"slow": (0.0, 0.8), "fast": (4.5, 6.0)}
SCENARIOS = {
    "uniform": Scenario(1, 0.0, (0.7, 1.4), (1.0, 4.0), (0.3, 0.6), (1.5, 2.0), **BEYOND, sizes=ONE),
    "collision": Scenario(2, 0.0, (0.5, 1.5), (1.0, 4.0), (0.3, 0.4), (1.7, 2.0), **BEYOND, sizes=TWO),
    "parabola": Scenario(1, -2.5, (0.7, 1.4), (1.0, 4.0), (0.3, 0.6), (1.5, 2.0), **BEYOND, sizes=ONE),
}


@dataclass(frozen=True)
class Motion:
    """b clips of k discs, as they start; a second disc starts towards the first."""

    radius: Tensor  # (b, k)
    start: Tensor  # (b, k, 2) x to the right, y up
    velocity: Tensor  # (b, k, 2) a second
    gravity: float

    def __len__(self) -> int:
        return len(self.radius)

    def select(self, rows: Tensor | slice) -> Motion:
        """Return some of the clips."""
        return Motion(self.radius[rows], self.start[rows], self.velocity[rows], self.gravity)

    def positions(self, times: Tensor) -> Tensor:
        """Return where the discs are, (b, f, k, 2). times: (f,) or (b, f), seconds."""
        times = times.expand(len(self), -1)[:, :, None, None]
        where = self.start[:, None] + self.velocity[:, None] * times
        fall = self.gravity / 2 * (times.square() + STEP * times)
        where = torch.cat([where[..., :1], where[..., 1:] + fall], -1)
        return where if self.radius.shape[1] == 1 else self._bounced(where, times)

    def impact(self) -> Tensor:
        """Return when two discs touch, (b,); infinite for discs that never do."""
        gap = self.start[:, 1, 0] - self.start[:, 0, 0] - self.radius.sum(1)
        closing = self.velocity[:, 0, 0] - self.velocity[:, 1, 0]
        return torch.where(closing > 0, gap / closing.clamp(min=1e-9), torch.inf)

    def after(self) -> Tensor:
        """Return the speeds along x after an elastic impact, (b, 2): masses are as the squares of the radii."""
        mass, speed = self.radius.square(), self.velocity[..., 0]
        centre = (mass * speed).sum(1, keepdim=True) / mass.sum(1, keepdim=True)
        return 2 * centre - speed

    def _bounced(self, where: Tensor, times: Tensor) -> Tensor:
        late = (times[..., 0] - self.impact()[:, None, None]).clamp(min=0)
        change = (self.after() - self.velocity[..., 0])[:, None] * late
        return torch.cat([where[..., :1] + change[..., None], where[..., 1:]], -1)


def frame_times(count: int = NUM_FRAMES) -> Tensor:
    """Return when the frames of a clip show the world, in seconds: (count,)."""
    return STEP + FRAME_SECONDS * torch.arange(count, dtype=torch.float64)


def scenario(name: str) -> Scenario:
    """Return a scenario by name. Raises InvalidArgument with the nearest name."""
    return SCENARIOS[one_of("scenario", name, SCENARIOS)]


def product(*axes: Tensor) -> Tensor:
    """Return every combination of values, (n, number of axes), the last axis fastest."""
    return torch.cartesian_prod(*axes).reshape(-1, len(axes))


def spaced(limits: Range, count: int) -> Tensor:
    """Return evenly spaced values, ends included: (count,) float64."""
    return torch.linspace(*limits, count, dtype=torch.float64)


@dataclass(frozen=True)
class TrainingGrid:
    """The clips of a training set by number: `size` is tiny, 30k, 300k or 3M; their starts depend on `seed`."""

    name: str
    size: str = "30k"
    seed: int = 0

    def __post_init__(self) -> None:
        one_of("size", self.size, scenario(self.name).sizes)

    def __len__(self) -> int:
        speeds, radii = scenario(self.name).sizes[self.size]
        return (speeds * radii) ** scenario(self.name).discs

    def values(self, indices: Tensor) -> Tensor:
        """Return radii, then speeds, of clips (n,): (n, 2 k). Raises InvalidArgument for a number out of range."""
        if len(indices) and not 0 <= int(indices.min()) <= int(indices.max()) < len(self):
            raise InvalidArgument("indices", int(indices.max()), f"be between 0 and {len(self) - 1}", len(self) - 1)
        law = scenario(self.name)
        speeds, radii = law.sizes[self.size]
        axes = [spaced(law.radius, radii)] * law.discs + [spaced(law.speed, speeds)] * law.discs
        columns = []
        for axis in reversed(axes):
            columns.append(axis[indices % len(axis)])
            indices = indices // len(axis)
        return torch.stack(columns[::-1], 1)

    def clips(self, indices: Tensor) -> tuple[Motion, Tensor]:
        """Return clips (n,) and whether each keeps the scenario's rules, (n,) bool."""
        return start(self.name, self.values(indices), self.seed, indices)


def start(name: str, values: Tensor, seed: int, indices: Tensor) -> tuple[Motion, Tensor]:
    """Place discs of given radii and speeds, values (n, 2 k), as the published generator does.

    A clip's place depends on (seed, its number in `indices`). Returns the clips and whether each keeps the scenario's
    rules, (n,) bool: two discs may have no room to start eight frames before they touch.
    """
    law = scenario(name)
    radius, speed = values.double().split(law.discs, 1)
    chance = hashed_uniform(seed, f"phyworld {name}", indices, 2 + 2 * TRIES).double()
    if law.discs == 1:
        return _one(law, radius, speed, chance), torch.ones(len(values), dtype=torch.bool)
    return _two(radius, speed, chance)


def between(low: Tensor | float, high: Tensor, chance: Tensor) -> Tensor:
    """Scale chances in [0, 1) to [low, high)."""
    return low + (high - low) * chance


def _one(law: Scenario, radius: Tensor, speed: Tensor, chance: Tensor) -> Motion:
    r, v = radius[:, 0], speed[:, 0]
    most = WORLD - FRAMES_IN_VIEW * v * FRAME_SECONDS - r
    most = torch.where(most < r, r + 0.5 * chance[:, 2], most)
    top = WORLD - MARGIN - r
    low = top - 1.0 if law.gravity else r + MARGIN
    place = torch.stack([between(r, most, chance[:, 0]), between(low, top, chance[:, 1])], 1)
    velocity = torch.stack([v, torch.zeros_like(v)], 1)
    return Motion(radius, place[:, None], velocity[:, None], law.gravity)


def _two(radius: Tensor, speed: Tensor, chance: Tensor) -> tuple[Motion, Tensor]:
    (left, right), closing = radius.unbind(1), speed.sum(1)
    near = FRAMES_AROUND_IMPACT * FRAME_SECONDS * closing + left + right
    far = (NUM_FRAMES - FRAMES_AROUND_IMPACT) * FRAME_SECONDS * closing + left + right
    uneven = (left > 2 * right) | (right > 2 * left)
    far = torch.where(uneven, 1.25 * near, far).minimum(WORLD - left - right)
    apart = between(near[:, None], far[:, None], chance[:, 2 : 2 + TRIES])
    most = WORLD - right[:, None] - apart
    least = torch.where((right > 2 * left)[:, None], most - MARGIN, left[:, None])
    first = between(least, most, chance[:, 2 + TRIES :]).maximum(left[:, None])
    second = (first + apart).minimum(WORLD - right[:, None])
    room = second - first - (left + right)[:, None]
    good = room >= FRAMES_AROUND_IMPACT * FRAME_SECONDS * closing[:, None] - 1e-9
    which = good.int().argmax(1, keepdim=True)
    tall = radius.amax(1)
    height = between(tall + MARGIN, WORLD - MARGIN - tall, chance[:, 1])[:, None].expand(-1, 2)
    along = torch.cat([first.gather(1, which), second.gather(1, which)], 1)
    moves = torch.stack([torch.stack([speed[:, 0], -speed[:, 1]], 1), torch.zeros_like(speed)], -1)
    return Motion(radius, torch.stack([along, height], -1), moves, 0.0), good.any(1)
