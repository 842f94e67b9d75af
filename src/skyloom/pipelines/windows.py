"""Long videos, window after window.

A window is as long as the clips of training. Its first cells are known: they are the last ones made before it. The
groups among them are handed on as they are; the first, which must stand for one frame alone, is encoded anew from that
frame. All windows' latents are decoded as one stream, so that no seam comes from the decoder, and memory does not grow
with the length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from skyloom.diffusion.sampler import OnStep
from skyloom.models.autoencoder import Carry
from skyloom.pipelines.canvas import Canvas, PromptSpan
from skyloom.pipelines.engine import Engine, Job
from skyloom.pipelines.film import check_pixels
from skyloom.pipelines.precision import decoded
from skyloom.seeds import derive_seed


@dataclass(frozen=True)
class Window:
    """Latent frames first <= f < end of the whole; the first `memory` of them are made before it."""

    number: int
    first: int
    end: int
    memory: int


Fill = Callable[[Window], Canvas]
"""Return a window's canvas; what the window remembers is added to it."""


def memory_of(length: int) -> int:
    """Return how many cells a window of `length` remembers: nearly half of them."""
    return max(1, (length - 1) // 2)


def plan(cells: int, length: int, memory: int) -> list[Window]:
    """Cover `cells` by windows of `length`, each of which shares `memory` cells with the one before.

    The last one reaches back further where too few cells are left: a window is never shorter than the network knows.
    """
    windows = [Window(0, 0, min(length, cells), 0)]
    while (made := windows[-1].end) < cells:
        end = min(made - memory + length, cells)
        first = max(0, end - length)
        windows.append(Window(len(windows), first, end, made - first))
    return windows


def spans_in(spans: Sequence[PromptSpan], window: Window) -> tuple[PromptSpan, ...]:
    """Return the words for a window, counted from its first cell; the last words said where none are for it."""
    found = [
        PromptSpan(span.text, max(span.first - window.first, 0), None if span.end is None else span.end - window.first)
        for span in spans
        if span.first < window.end and (span.end is None or span.end > window.first)
    ]
    clipped = [replace(s, end=None if s.end is None or s.end >= window.end - window.first else s.end) for s in found]
    return tuple(clipped) or (PromptSpan(spans[-1].text),)


def remembering(canvas: Canvas, held: Tensor) -> Canvas:
    """Pin latents (1, c, k, h, w) at a canvas's first cells."""
    size, count = canvas.size, held.shape[2]
    grid = (size.latent_frames, size.latent_height, size.latent_width)
    known = torch.zeros(1, held.shape[1], *grid) if canvas.known is None else canvas.known.clone()
    mask = torch.zeros(1, 1, *grid) if canvas.mask is None else canvas.mask.clone()
    known[:, :, :count], mask[:, :, :count] = held, 1.0
    return replace(canvas, known=known, mask=mask)


def window_seed(seed: int, number: int) -> int:
    """Return the seed of a window; the first one's is the video's own, so that a short video is its beginning."""
    return seed if number == 0 else derive_seed(seed, "window", number)


def on_window(on_step: OnStep | None, number: int, count: int) -> OnStep | None:
    """Return an on_step that counts the steps of all windows."""
    if on_step is None:
        return None

    def told(done: int, total: int, denoised: Tensor) -> None:
        on_step(number * total + done, count * total, denoised)

    return told


def sampled(engine: Engine, canvas: Canvas, job: Job, number: int = 0, count: int = 1) -> Tensor:
    """Return latents (1, c, f, h, w) of one window; a canvas on which all is known is its own answer."""
    if canvas.known is not None and canvas.mask is not None and bool((canvas.mask > 0.5).all()):
        return canvas.known
    seed = window_seed(job.seed, number)
    return engine.sample([canvas], [seed], job.request, on_window(job.on_step, number, count))


def anchored(canvas: Canvas, latents: Tensor, colours: Tensor, anchor: float) -> Tensor:
    """Move what was made towards the first window's mean of each channel, `anchor` of the way; what is known stays.

    Window after window, a shade that each adds would grow to another colour.
    """
    moved = latents + anchor * (colours - latents.mean((0, 2, 3, 4), keepdim=True))
    return moved if canvas.mask is None else torch.where(canvas.mask > 0.5, latents, moved)


@torch.no_grad()
def weave(
    engine: Engine, fill: Fill, windows: Sequence[Window], job: Job, anchor: float = 0.0
) -> Iterator[Tensor]:  # fmt: skip
    """Yield pixels (1, 3, k, h, w) of what each window adds. Raises GenerationError (not finite, blank).

    anchor: how far each window is held to the colours of the first, see `anchored`.
    """
    stride = job.room.strides.temporal
    longest = max(window.memory for window in windows)
    carry = Carry()
    cells, tail, colours = torch.empty(0), torch.empty(0), torch.empty(0)
    for window in windows:
        canvas = fill(window)
        if window.memory:
            alone = tail[:, :, -1 - stride * (window.memory - 1)].unsqueeze(2)
            held = torch.cat([engine.encode(alone), cells[:, :, cells.shape[2] - window.memory + 1 :]], dim=2)
            canvas = remembering(canvas, held)
        latents = sampled(engine, canvas, job, window.number, len(windows))
        colours = latents.mean((0, 2, 3, 4), keepdim=True) if window.number == 0 else colours
        new = anchored(canvas, latents, colours, anchor)[:, :, window.memory :]
        pixels = check_pixels(decoded(engine.autoencoder, new, carry))
        yield pixels
        cells = (torch.cat([cells, new], dim=2) if window.number else new)[:, :, -longest:]
        tail = (torch.cat([tail, pixels], dim=2) if window.number else pixels)[:, :, -1 - stride * longest :]
