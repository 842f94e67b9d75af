"""Reads a mark off clips by matching renders.

For a scene and the event that shall happen in it, the simulator draws the same actor in the same place many times, half
of them marked. The judge's tracker cuts the actor (for footprints: the ground behind it) out of every frame, and a
ridge regression on those cuts tells marked from unmarked. Nothing but renders is ever fitted; no weights are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from skyloom.config import ClipConfig
from skyloom.data.softening import soften
from skyloom.evaluation.oracle import Oracle
from skyloom.evaluation.oracle_clips import render_scenes
from skyloom.models.sight import Tracking, crop_squares
from skyloom.models.watcher import CROP_MARGIN, resized
from skyloom.seeds import generator_for, hashed_uniform
from skyloom.world.layout import arrange
from skyloom.world.scene import Scenes
from skyloom.world.vocabulary import EVENTS, PLACES

COPIES, GROUND_COPIES = 14, 32
"""Scenes drawn for one reader, each with the mark and without; more for footprints, which lie here and there."""
FIRST, STEP = 4, 2
"""The first frame of a copy that is learned from, and how many frames further the next one is."""
JITTERS, SHIFT, GROWTH = 2, 0.05, 0.08
"""More cuts of each frame, and by how much they miss: shares of the cut's side, log of it."""
DRY = tuple(name not in ("sea", "underwater") for name in PLACES)
"""Places that hide no part of an actor: every second copy is in one, so that backgrounds are told from marks."""
RIDGE = 0.3
"""Weight of the penalty over the mean square of a cut."""
LAG, FEET, GROUND_SIDE, LEFT_BEHIND = 8, 0.42, 0.22, 0.3
"""Footprints are looked for where the actor was LAG frames ago, so many of its sides below its centre, in a cut of so
many frame heights, once it has gone on by so many of its sides."""
SURE = 0.3
"""Heat at the actor from which a frame has a say."""


@dataclass(frozen=True)
class MarkReader:
    """What tells marked from unmarked in one scene: cuts (n, d) to evidence, above 0 where the mark is."""

    oracle: Oracle
    event: str
    mean: Tensor  # (d,)
    weight: Tensor  # (d,)

    def read(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return the evidence of each frame, about 1 for marked and -1 for not, and whether the actor is seen.

        pixels: (b, 3, f, h, w) in [-1, 1], of any size; both answers are (b, f) with the judge's number of frames.
        """
        pixels, tracking = look(self.oracle, pixels)
        return (cuts_of(pixels, tracking, self.event) - self.mean) @ self.weight, readable(tracking, self.event)


@torch.inference_mode()
def look(oracle: Oracle, pixels: Tensor) -> tuple[Tensor, Tracking]:
    """Bring clips (b, 3, f, h, w) to the judge's size, and follow their actors."""
    pixels = resized(pixels, oracle.config)
    return pixels, oracle.networks.look(pixels)[1]


def cuts_of(pixels: Tensor, tracking: Tracking, event: str, jitter: torch.Generator | None = None) -> Tensor:
    """Cut the first actor, or the ground where it was, out of every frame: (b, f, d).

    With a generator the cuts are a little beside it.
    """
    centre, side = (_ground if event == "footprints" else _body)(tracking)
    if jitter is not None:
        off = torch.randn((*side.shape, 3), generator=jitter)
        centre, side = centre + SHIFT * side.exp()[..., None] * off[..., :2], side + GROWTH * off[..., 2]
    stills = pixels.transpose(1, 2).flatten(0, 1)
    cuts = crop_squares(stills, centre.flatten(0, 1)[:, None], side.flatten(0, 1)[:, None])
    return (spots(cuts) if event == "footprints" else cuts.flatten(1)).unflatten(0, side.shape)


def readable(tracking: Tracking, event: str) -> Tensor:
    """Return (b, f) bool: where the actor, or the ground that it has left, can be seen."""
    there = tracking.confidence[:, :, 0] > SURE
    if event != "footprints":
        return there
    ground, _ = _ground(tracking)
    body, side = tracking.centre[:, :, 0], tracking.side[:, :, 0].exp()
    return there & ((body[..., 0] - ground[..., 0]).abs() > LEFT_BEHIND * side)


def _body(tracking: Tracking) -> tuple[Tensor, Tensor]:
    """Return centre (b, f, 2) and log of the side (b, f) of a cut around the actor."""
    return tracking.centre[:, :, 0], tracking.side[:, :, 0] + CROP_MARGIN


def _ground(tracking: Tracking) -> tuple[Tensor, Tensor]:
    """The same of the ground where the actor was LAG frames before."""
    centre, side = tracking.centre[:, :, 0], tracking.side[:, :, 0]
    then = (torch.arange(side.shape[1]) - LAG).clamp(min=0)
    feet = centre[:, then] + torch.stack([torch.zeros_like(side), FEET * side.exp()], -1)[:, then]
    return feet, torch.full_like(side, GROUND_SIDE).log()


def spots(cuts: Tensor) -> Tensor:
    """Say how dark the dark spots of each line are, wherever they lie in it: (n, 3, h, w) to (n, 3 h)."""
    grey = cuts.mean(1)
    dark = (grey.median(2, keepdim=True).values - grey).clamp(min=0)
    return torch.cat([dark.mean(2), dark.amax(2), dark.square().mean(2).sqrt()], 1)


def copies_of(scene: Scenes, count: int, aspect: float = 1.0) -> Scenes:
    """Draw one scene anew `count` times: the same words, other sizes, phases and backgrounds; the paint stays."""
    copies = scene.select(torch.zeros(count, dtype=torch.int64))
    index = scene.index * count + torch.arange(count)
    draws = hashed_uniform(1, "copies", index, 12)
    variation = torch.cat([draws[:, :7], copies.variation[:, 7:]], 1)
    scale = (0.85 + 0.3 * draws[:, 8, None]).expand_as(copies.scale)
    phase = draws[:, 9, None].expand_as(copies.phase)
    dry = torch.tensor(DRY).nonzero()[:, 0]
    elsewhere = dry[(draws[:, 10] * len(dry)).long()]
    place = torch.where(torch.arange(count) % 4 < 2, copies.place, elsewhere)
    shots = place[:, None].expand_as(copies.shot_place).contiguous()
    looks = {"variation": variation, "scale": scale, "phase": phase, "place": place, "shot_place": shots}
    return arrange(replace(copies, index=index, **looks), aspect)


def with_events(scenes: Scenes, events: Sequence[str], seconds: float) -> Scenes:
    """Let one event happen to each scene's first actor at a time, and none else; "none" is for none at all."""
    kind = torch.full_like(scenes.event, EVENTS.index("none"))
    kind[:, 0] = torch.tensor([EVENTS.index(event) for event in events])
    time = torch.where(kind == EVENTS.index("none"), torch.inf, seconds).to(scenes.event_time)
    return replace(scenes, event=kind, event_time=time)


def fit_reader(oracle: Oracle, scene: Scenes, event: str, fps: float) -> MarkReader:
    """Fit a reader to renders of one scene (a batch of one), half of them softened as the judge's training was."""
    config = oracle.config
    clip = ClipConfig(config.num_frames, config.height, config.width, fps)
    count = GROUND_COPIES if event == "footprints" else COPIES
    copies = copies_of(scene, count, clip.width / clip.height)
    pixels = torch.cat([render_scenes(with_events(copies, [name] * count, -1.0), clip) for name in (event, "none")])
    generator = generator_for(int(scene.index[0]), "mark reader")
    soft = torch.arange(2 * count) % 2 == 0
    pixels[soft] = soften(pixels[soft], generator)
    pixels, tracking = look(oracle, pixels)
    cuts = [cuts_of(pixels, tracking, event)]
    cuts += [cuts_of(pixels, tracking, event, generator) for _ in range(JITTERS)]
    known = readable(tracking, event)
    known[:, :FIRST] = False
    known[:, FIRST + 1 :: STEP] = False
    target = torch.ones(known.shape)
    target[count:] = -1
    chosen = torch.cat([every[known] for every in cuts])
    return MarkReader(oracle, event, *ridge(chosen, target[known].repeat(len(cuts))))


def ridge(cuts: Tensor, target: Tensor, penalty: float = RIDGE) -> tuple[Tensor, Tensor]:
    """Regress targets (n,) on cuts (n, d) by their inner products: the mean (d,) and the weight (d,)."""
    mean = cuts.mean(0)
    moved = cuts - mean
    inner = moved @ moved.T
    inner += penalty * inner.diagonal().mean().clamp(min=1e-9) * torch.eye(len(inner))
    return mean, moved.T @ torch.linalg.solve(inner, target)
