"""A disc's picture as three numbers, found by inertia.

Which linear functionals of a picture keep their pace? Of all functionals with smooth weights, those whose second
difference over time is least against their variance are found by one generalised eigenproblem, without a label: for
things that move by themselves they span (1, x, y), so that they give mass and centre of mass. (Slow features, Wiskott
and Sejnowski 2002, for acceleration in place of speed.) The codec keeps three of them for each colour, as mass and
place. Its decoder paints a round thing: a pixel's share is a table of how far inside the edge it is, averaged over the
pictures it was fitted to, and the place is corrected until the encoder reads off the picture what was asked.

    coverage (n, h, w) -> functionals (n, 3) -> states (n, 3): mass, x, y, each about within [-1, 1]
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from skyloom.errors import TrainingError

DEGREE = 6
KEPT = 3
CORRECTIONS = 2
REACH, BINS = 4.0, 129
"""How far from the edge a pixel can be covered in part, in pixels, and how finely that is kept."""
ROUGHNESS = 1e-9
GAP = 0.2


def smooth_weights(size: int, degree: int = DEGREE) -> Tensor:
    """Return the products of Legendre polynomials over a square picture: (degree**2, size, size) float64."""
    place = (torch.arange(size, dtype=torch.float64) + 0.5) / size * 2 - 1
    rows = [torch.ones_like(place), place]
    for n in range(1, degree - 1):
        rows.append(((2 * n + 1) * place * rows[n] - n * rows[n - 1]) / (n + 1))
    line = torch.stack(rows)
    return torch.einsum("ah,bw->abhw", line, line).reshape(-1, size, size)


def inertial_functionals(coverage: Tensor) -> tuple[Tensor, Tensor]:
    """Find the functionals that move at a constant pace.

    coverage: (b, f, h, w) in [0, 1], things that stay whole in view. Returns weights (KEPT, h, w), the first that of
    least change (mass), and all eigenvalues, least first. Raises TrainingError for clips of under three frames.
    """
    if coverage.shape[1] < 3:
        raise TrainingError(f"inertia takes clips of at least 3 frames, got {coverage.shape[1]}")
    basis = smooth_weights(coverage.shape[-1])
    values = torch.einsum("bfhw,nhw->bfn", coverage.double(), basis)
    pace = torch.diff(values, dim=1).flatten(0, 1)
    jolt = torch.diff(values, n=2, dim=1).flatten(0, 1)
    spread = (values - values.mean((0, 1))).flatten(0, 1)
    vectors, found = _least(jolt.T @ jolt, spread.T @ spread)
    kept = vectors[:, :KEPT]
    inner, _ = _least(kept.T @ pace.T @ pace @ kept, kept.T @ spread.T @ spread @ kept)
    chosen = kept @ inner
    return torch.einsum("nk,nhw->khw", chosen, basis), found


def _least(cost: Tensor, spread: Tensor) -> tuple[Tensor, Tensor]:
    """Solve cost v = e spread v: columns of v by rising e, and e."""
    size = len(spread)
    shrunk = spread + ROUGHNESS * spread.diagonal().mean() * torch.eye(size, dtype=spread.dtype)
    values, axes = torch.linalg.eigh(shrunk)
    white = axes * values.clamp(min=1e-30).rsqrt()
    found, turned = torch.linalg.eigh(white.T @ cost @ white)
    return white @ turned, found


class InertialCodec(nn.Module):
    """Pictures of one colour's coverage to states and back; made by `fit_codec`."""

    weights: Tensor
    frame: Tensor
    profile: Tensor

    def __init__(self, size: int = 64) -> None:
        super().__init__()
        self.size = size
        self.register_buffer("weights", torch.zeros(KEPT, size, size, dtype=torch.float64))
        self.register_buffer("frame", torch.zeros(3, 2, dtype=torch.float64))
        self.register_buffer("profile", torch.zeros(BINS))

    def set_functionals(self, weights: Tensor) -> None:
        """Take weights (3, h, w), scale the first to a sum of coverage, and see how the others lie in the picture."""
        self.weights.copy_(weights / weights[0].mean())
        place = self._line(torch.float64)
        down, across = torch.meshgrid(place, place, indexing="ij")
        plane = torch.stack([*self.weights[1:].flatten(1), torch.ones_like(down).flatten()], 1)
        wanted = torch.stack([across.flatten(), down.flatten()], 1)
        self.frame.copy_(torch.linalg.lstsq(plane, wanted).solution)

    def _line(self, dtype: torch.dtype) -> Tensor:
        return (torch.arange(self.size, dtype=dtype) + 0.5) / self.size * 2 - 1

    def encode(self, coverage: Tensor) -> Tensor:
        """Return the states (..., 3) of pictures (..., h, w): root of mass, x and y; NaN places where there is none."""
        read = torch.einsum("...hw,khw->...k", coverage.double(), self.weights)
        mass = read[..., :1]
        ratio = torch.where(mass > 1.0, read[..., 1:] / mass.clamp(min=1e-6), torch.nan)
        place = torch.cat([ratio, torch.ones_like(mass)], -1) @ self.frame
        return torch.cat([mass.clamp(min=0).sqrt() / (self.size / 4), place], -1)

    def inside(self, states: Tensor) -> Tensor:
        """Return how far inside the edge of a thing each pixel is, in pixels: (n, h, w) for states (n, 3)."""
        place = self._line(states.dtype)
        down = place[None, :, None] - states[:, 2, None, None]
        across = place[None, None, :] - states[:, 1, None, None]
        distance = (down.square() + across.square()).sqrt() * (self.size / 2)
        return states[:, 0, None, None] * (self.size / 4) / torch.pi**0.5 - distance

    def set_profile(self, coverage: Tensor) -> None:
        """Average the coverage of pictures (n, h, w) over pixels as far inside the edge."""
        place = self._bin(self.inside(self.encode(coverage))).round().long().flatten()
        total = torch.zeros(BINS, dtype=torch.float64).index_add_(0, place, coverage.double().flatten())
        count = torch.zeros(BINS, dtype=torch.float64).index_add_(0, place, torch.ones_like(place, dtype=torch.float64))
        self.profile.copy_(total / count.clamp(min=1))

    def _bin(self, inside: Tensor) -> Tensor:
        return (inside.clamp(-REACH, REACH) + REACH) / (2 * REACH) * (BINS - 1)

    def paint(self, states: Tensor) -> Tensor:
        """Return pictures (n, h, w) of states (n, 3), uncorrected."""
        place = self._bin(self.inside(states))
        low = place.floor().clamp(max=BINS - 2).long()
        return torch.lerp(self.profile[low], self.profile[low + 1], (place - low).float())

    def decode(self, states: Tensor) -> Tensor:
        """Return pictures (n, h, w) in [0, 1] off which the encoder reads these states, as far as it can."""
        asked = states.clone()
        for _ in range(CORRECTIONS):
            seen = self.encode(self.paint(asked))
            whole = (states[:, 1:].abs() < 1).all(1, keepdim=True)
            asked = asked + torch.where(whole, (states - seen).nan_to_num().clamp(-0.05, 0.05), 0.0)
        return self.paint(asked)


def fit_codec(coverage: Tensor) -> tuple[InertialCodec, Tensor]:
    """Make a codec of clips (b, f, h, w) of coverage in which things stay whole in view; returns all eigenvalues too.

    Raises TrainingError when no three functionals stand out.
    """
    codec = InertialCodec(coverage.shape[-1])
    weights, found = inertial_functionals(coverage)
    if found[KEPT - 1] > GAP * found[KEPT]:
        text = f"{found[KEPT - 1]:.1e} against {found[KEPT]:.1e}; clips that move along one line only need a boost"
        raise TrainingError(f"no {KEPT} functionals stand out by their inertia: {text}")
    codec.set_functionals(weights)
    codec.set_profile(coverage.flatten(0, 1))
    return codec, found
