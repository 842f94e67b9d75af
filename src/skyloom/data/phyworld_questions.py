"""What PhyWorld asks: clips within and beyond the range.

The published test grids (its `vis_data_L`), so that a mean over them can stand beside the published one. As there,
discs that are too small for its parser (radius below 0.6, for collisions at most 0.5) are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product as pairs

import torch
from torch import Tensor

from skyloom.data.phyworld import Motion, Range, Scenario, product, scenario, spaced, start
from skyloom.seeds import generator_for

GROUPS = ("in range", "out of range")
ONE_DISC = {"uniform": ((30, 100), 8), "parabola": ((10, 16), 4)}
SMALLEST = {"uniform": 0.6, "parabola": 0.6, "collision": 0.5 + 1e-9}


@dataclass(frozen=True)
class Questions:
    """Clips of one scenario that are asked: their motions and what lies out of range."""

    name: str
    motion: Motion
    kinds: list[str]
    numbers: list[int]

    def __len__(self) -> int:
        return len(self.kinds)

    def select(self, rows: list[int]) -> Questions:
        """Return some of the clips."""
        picked = torch.tensor(rows, dtype=torch.long)
        return Questions(
            self.name, self.motion.select(picked), [self.kinds[r] for r in rows], [self.numbers[r] for r in rows]
        )


def _within(values: Tensor, limits: Range) -> Tensor:
    return ((values >= limits[0] - 1e-9) & (values <= limits[1] + 1e-9)).all(1)


def kind_of(name: str, values: Tensor) -> list[str]:
    """Say of values (n, 2 k) what is out of range: "in range", "radius", "speed", "both" or "at rest"."""
    law = scenario(name)
    radius, speed = values.split(law.discs, 1)
    radius_in, speed_in, rest = _within(radius, law.radius), _within(speed, law.speed), (speed == 0).any(1)
    names = {(True, True): "in range", (False, True): "radius", (True, False): "speed", (False, False): "both"}
    rows = zip(radius_in.tolist(), speed_in.tolist(), rest.tolist(), strict=True)
    return ["at rest" if still else names[r, v] for r, v, still in rows]


def _one_disc(law: Scenario, within: tuple[int, int], beside: int) -> list[Tensor]:
    """within: (radii, speeds) of the trained ranges; beside: how many of both go with the values below them."""
    grids = [product(spaced(law.radius, within[0]), spaced(law.speed, within[1]))]
    for radii, speeds, inner in ((law.small, law.slow, (beside, beside)), (law.large, law.fast, (10, 16))):
        outside = spaced(radii, 8), spaced(speeds, 16)
        inside = spaced(law.radius, inner[0]), spaced(law.speed, inner[1])
        grids += [product(outside[0], inside[1]), product(inside[0], outside[1]), product(*outside)]
    crossed = ((law.small, law.fast), (law.large, law.slow))
    return [*grids, *(product(spaced(radii, 8), spaced(speeds, 16)) for radii, speeds in crossed)]


def _two_discs(law: Scenario) -> list[Tensor]:
    inside = spaced(law.radius, 3), spaced(law.speed, 3)
    low, high = (spaced(law.small, 3), spaced(law.slow, 4)), (spaced(law.large, 4), spaced(law.fast, 4))
    grids = [product(*[spaced(law.radius, 4)] * 2, *[spaced(law.speed, 4)] * 2)]
    for outside in (low, high):
        choices = list(pairs((inside[0], outside[0]), (inside[0],), (inside[1], outside[1]), (inside[1],)))[1:]
        grids += [product(*axes) for axes in choices]
        both_radii, both_speeds = (outside[0], outside[0]), (outside[1], outside[1])
        grids += [product(*both_radii, inside[1], inside[1]), product(inside[0], inside[0], *both_speeds)]
        grids.append(product(*both_radii, *both_speeds))
    grids += [product(low[0], high[0], inside[1], inside[1]), product(inside[0], inside[0], low[1], high[1])]
    return [*grids, product(low[0], high[0], low[1], high[1]), product(high[0], low[0], low[1], high[1])]


def grid_values(name: str) -> Tensor:
    """Return the radii and speeds of all test clips, (n, 2 k), those too small for the published parser left out."""
    law = scenario(name)
    values = torch.cat(_two_discs(law) if law.discs == 2 else _one_disc(law, *ONE_DISC[name]))
    return values[(values[:, : law.discs] >= SMALLEST[name] - 1e-12).all(1)]


def questions(name: str, group: str, count: int, seed: int = 0) -> Questions:
    """Return `count` test clips (or all there are) of GROUPS; the first n are the same for any count above n."""
    values = grid_values(name)
    inside = torch.tensor([kind == "in range" for kind in kind_of(name, values)])
    numbers = (inside if group == GROUPS[0] else ~inside).nonzero()[:, 0]
    numbers = numbers[torch.randperm(len(numbers), generator=generator_for(seed, f"phyworld tests {name} {group}"))]
    motion, good = start(name, values[numbers], seed, numbers)
    kept = good.nonzero()[:, 0][:count]
    chosen = numbers[kept]
    return Questions(name, motion.select(kept), kind_of(name, values[chosen]), chosen.tolist())
