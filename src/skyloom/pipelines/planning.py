"""Where actors go, planned from the words before a picture is made.

The planner is a transformer like the one that makes pictures; its latents are boxes of actors over time
(`models.boxes`). Canvases that already know something, or say themselves where actors go, are not planned for.
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
from skyloom.models.boxes import from_plan
from skyloom.models.text_encoder import TextFeatures
from skyloom.models.transformer import Transformer
from skyloom.pipelines.canvas import Canvas
from skyloom.pipelines.velocity import Condition, Pinned, encode_prompts, velocity_of
from skyloom.seeds import generator_for

STEPS, GUIDANCE = 20, 1.5
FASTEST = 0.5
"""Heights of the frame a second at motion 1: two of its four metres."""
RESTING, MOST = 0.03, 3.0
"""Below this speed, in heights a second, an actor is at rest and stays so; how much a way is drawn out at most."""
EDGES = (0.1, 0.9)
"""Between these shares of the frame the middles of actors stay."""


@dataclass(frozen=True)
class Planner:
    """A network that plans, for clips of `latent_frames` frames or of one.

    slots: actors in a plan; stride: pixel frames of a latent frame.
    """

    network: Transformer
    slots: int
    stride: int
    latent_frames: int

    def suits(self, canvas: Canvas) -> bool:
        """Tell whether a canvas is one to plan for: one prompt, nothing known, a length that was trained."""
        free = canvas.known is None and canvas.start is None and canvas.source is None and canvas.boxes is None
        return free and len(canvas.prompts) == 1 and canvas.size.latent_frames in (1, self.latent_frames)

    @torch.no_grad()
    def boxes(
        self, encode: Callable[[Sequence[str]], TextFeatures], canvases: Sequence[Canvas], seeds: Sequence[int]
    ) -> Tensor:
        """Return boxes (b, slots, n, 4) for b canvases of one size, each drawn from its own seed."""
        frames = canvases[0].size.latent_frames
        shape = (self.network.config.latent_channels, frames, 1, 1)
        noise = torch.stack([torch.randn(shape, generator=generator_for(seed, "plan")) for seed in seeds])
        full = Condition(encode_prompts(encode, [canvas.prompts for canvas in canvases], frames), None)
        nothing = [[replace(canvas.prompts[0], text="")] for canvas in canvases]
        empty = Condition(encode_prompts(encode, nothing, frames), None)
        scalars = torch.cat([canvas.scalar_row() for canvas in canvases])
        shared = Pinned(None, torch.zeros(len(canvases)), scalars)
        velocity_fn = guided(velocity_of(self.network, shared), classifier_free(full, empty, GUIDANCE))
        plan = sample(velocity_fn, noise, shifted_schedule(STEPS, 1.0))
        boxes = paced(from_plan(plan, self.slots, self.stride), scalars)
        size = canvases[0].size
        return in_aspect(boxes, size.latent_width / size.latent_height)


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


def planned(
    planner: Planner | None, encode: Callable[[Sequence[str]], TextFeatures], canvases: Sequence[Canvas],
    seeds: Sequence[int],
) -> list[Canvas]:  # fmt: skip
    """Return the canvases, those that suit with boxes for their actors."""
    if planner is None:
        return list(canvases)
    chosen = [number for number, canvas in enumerate(canvases) if planner.suits(canvas)]
    result = list(canvases)
    if chosen:
        boxes = planner.boxes(encode, [canvases[number] for number in chosen], [seeds[number] for number in chosen])
        for row, number in enumerate(chosen):
            result[number] = replace(canvases[number], boxes=boxes[row : row + 1])
    return result
