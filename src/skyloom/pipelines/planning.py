"""Where actors go, planned from the words before a picture is made.

The planner is a transformer like the one that makes pictures; its latents are boxes of actors over time
(`models.boxes`). Where frames are known already, a locator finds the actors of the words in them, and the plan goes on
from there. Canvases that say themselves where actors go are not planned for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from skyloom.config import SCALARS
from skyloom.diffusion.guidance import classifier_free, guided
from skyloom.diffusion.sampler import sample
from skyloom.diffusion.schedule import shifted_schedule
from skyloom.models.boxes import cover, from_plan, plan_slots, to_plan
from skyloom.models.locator import Locator, located
from skyloom.models.text_encoder import TextFeatures
from skyloom.models.transformer import Transformer
from skyloom.pipelines.canvas import Canvas
from skyloom.pipelines.naming import names_of
from skyloom.pipelines.velocity import Condition, Pinned, encode_prompts, velocity_of
from skyloom.seeds import generator_for
from skyloom.shapes import LatentSize

STEPS, GUIDANCE = 20, 1.5
FASTEST = 0.5
"""Heights of the frame a second at motion 1: two of its four metres."""
RESTING, MOST = 0.03, 3.0
"""Below this speed, in heights a second, an actor is at rest and stays so; how much a way is drawn out at most."""
EDGES = (0.1, 0.9)
"""Between these shares of the frame the middles of actors stay."""

Encode = Callable[[Sequence[str]], TextFeatures]


@dataclass(frozen=True)
class Planner:
    """A network that plans, for clips of `latent_frames` frames or of one.

    slots: actors in a plan; stride: pixel frames of a latent frame; cast: how many of the world's actors are known;
    locator: what finds actors in known frames, without which only canvases are planned that know nothing.
    """

    network: Transformer
    slots: int
    stride: int
    latent_frames: int
    cast: int | None = None
    locator: Locator | None = None

    def suits(self, canvas: Canvas) -> bool:
        """Tell whether a canvas is one to plan for: one prompt, a length that was trained, none told yet."""
        free = canvas.start is None and canvas.source is None and canvas.boxes is None
        free = free and (canvas.known is None or self.locator is not None)
        return free and len(canvas.prompts) == 1 and canvas.size.latent_frames in (1, self.latent_frames)

    @torch.no_grad()
    def boxes(self, encode: Encode, canvases: Sequence[Canvas], seeds: Sequence[int]) -> Tensor:
        """Return boxes (b, slots, n, 4) for b canvases of one size, each drawn from its own seed."""
        size, scalars = canvases[0].size, torch.cat([canvas.scalar_row() for canvas in canvases])
        noise = torch.stack([self.noise(size.latent_frames, seed) for seed in seeds])
        plan = sample(self.asked(encode, canvases), noise, shifted_schedule(STEPS, 1.0))
        return in_aspect(paced(from_plan(plan, self.stride), scalars), size.latent_width / size.latent_height)

    @torch.no_grad()
    def going_on(self, encode: Encode, canvas: Canvas, before: Tensor, shown: Tensor, seed: int) -> Tensor:
        """Return boxes (1, s, n, 4) of a canvas of which the boxes `before` (1, s, n, 4) hold in some frames.

        shown: (f,) bool, the latent frames in which they hold. Who is there stays, and no one else comes.
        """
        aspect = canvas.size.latent_width / canvas.size.latent_height
        noise, known = self.noise(canvas.size.latent_frames, seed)[None], shown.float()[None, None, :, None, None]
        given = to_plan(in_aspect(before, 1 / aspect), self.stride)
        known = known.expand(-1, -1, -1, 1, self.slots)
        velocity_fn = self.asked(encode, [canvas], known)
        plan = sample(velocity_fn, noise, shifted_schedule(STEPS, 1.0), known=known, context=given * known)
        plan[:, 0] = given[:, 0, int(shown.int().argmax())][:, None]
        return in_aspect(from_plan(plan, self.stride), aspect)

    def found(self, encode: Encode, canvas: Canvas) -> tuple[Tensor, Tensor] | None:
        """Find the actors of a canvas's words in the frames that it knows whole.

        Returns boxes (1, s, n, 4), NaN for those who are not there, and which latent frames (f,) they hold in; None
        without such frames, names, or anybody there.
        """
        if canvas.known is None or canvas.mask is None or self.locator is None:
            return None
        shown = canvas.mask.flatten(3).amin((0, 1, 3)) > 0.5
        names = names_of(encode, [canvas.prompts[0].text], self.slots, self.cast)
        if names is None or not shown.any() or shown.all():
            return None
        boxes = located(self.locator, canvas.known, shown, names)
        return None if bool(boxes.isnan().all()) else (boxes, shown)

    def noise(self, frames: int, seed: int) -> Tensor:
        """Return what a plan of some latent frames begins with: (c, f, 1, slots)."""
        shape = (self.network.config.latent_channels, frames, 1, self.slots)
        return torch.randn(shape, generator=generator_for(seed, "plan"))

    def asked(
        self, encode: Encode, canvases: Sequence[Canvas], mask: Tensor | None = None
    ) -> Callable[[Tensor, Tensor], Tensor]:
        """Return the guided velocity of the plans (b, c, f, 1, slots) of canvases of one size.

        mask: (b, 1, f, 1, slots), 1 where a plan is known.
        """
        frames = canvases[0].size.latent_frames
        words = encode_prompts(encode, [canvas.prompts for canvas in canvases], frames)
        names = names_of(encode, [canvas.prompts[0].text for canvas in canvases], self.slots, self.cast)
        nothing = [[replace(canvas.prompts[0], text="")] for canvas in canvases]
        empty = Condition(encode_prompts(encode, nothing, frames), None)
        scalars = torch.cat([canvas.scalar_row() for canvas in canvases])
        cells = cover(plan_slots(len(canvases), self.slots, frames), LatentSize(frames, 1, self.slots))
        shared = Pinned(mask, torch.zeros(len(canvases)), scalars, cells)
        branches = classifier_free(Condition(words, None, names), empty, GUIDANCE)
        return guided(velocity_of(self.network, shared), branches)


def paced(boxes: Tensor, scalars: Tensor) -> Tensor:
    """Bring actors' mean speed to the motion that scalars (b, 5) tell, where they do: boxes (b, s, n, 4).

    The planner hears the number too, but words outweigh it. Ways are drawn out or in about their middle, upward from
    their lowest point, MOST times at most, and no further than the frame.
    """
    asked, rate = scalars[:, SCALARS.index("motion")] * FASTEST, scalars[:, SCALARS.index("fps")].nan_to_num(0.0)
    centres = (boxes[..., :2] + boxes[..., 2:]) / 2
    speed = centres.diff(dim=2).norm(dim=-1).nanmean((1, 2)) * 8 * (1 + rate)
    grown = (asked / speed.clamp(min=1e-6)).clamp(1 / MOST, MOST)
    grown = torch.where(asked.isnan() | ~(speed > RESTING), torch.ones_like(grown), grown)[:, None, None, None]
    low, high = centres.amin(2, keepdim=True), centres.amax(2, keepdim=True)
    middle = torch.stack([(low[..., 0] + high[..., 0]) / 2, low[..., 1]], dim=-1)
    room = torch.where(centres > middle, EDGES[1] - middle, middle - EDGES[0]).clamp(min=0)
    within = (room / (centres - middle).abs().clamp(min=1e-6)).amin(2, keepdim=True).clamp(min=1.0)
    shift = (centres - middle) * (torch.minimum(grown, within) - 1)
    return boxes + torch.cat([shift, shift], dim=-1)


def in_aspect(boxes: Tensor, aspect: float) -> Tensor:
    """Bring boxes planned for a square to a frame of another aspect (width / height): same centre, same shape."""
    left, bottom, right, top = boxes.unbind(-1)
    middle, half = (left + right) / 2, (right - left) / 2 / aspect
    return torch.stack([middle - half, bottom, middle + half, top], dim=-1)


def planned(planner: Planner | None, encode: Encode, canvases: Sequence[Canvas], seeds: Sequence[int]) -> list[Canvas]:
    """Return the canvases, those that suit with boxes for their actors."""
    if planner is None:
        return list(canvases)
    result = list(canvases)
    chosen = [number for number, canvas in enumerate(canvases) if planner.suits(canvas)]
    free = [number for number in chosen if canvases[number].known is None]
    if free:
        boxes = planner.boxes(encode, [canvases[number] for number in free], [seeds[number] for number in free])
        for row, number in enumerate(free):
            result[number] = replace(canvases[number], boxes=boxes[row : row + 1])
    for number in chosen:
        if found := planner.found(encode, canvases[number]):
            boxes = planner.going_on(encode, canvases[number], *found, seeds[number])
            result[number] = replace(canvases[number], boxes=boxes)
    return result
