"""Videos that begin to play while they are made.

    words -> rolling: latent frame after latent frame, with kept keys and values -> decoded as one stream -> frames

Needs a network that was trained to look back only: the part `causal` of a checkpoint. Neither memory nor the time for a
frame grows with the length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count, islice
from typing import Unpack

import torch
from torch import Tensor

from skyloom.diffusion.guidance import Branch
from skyloom.errors import CheckpointError
from skyloom.models.autoencoder import Carry
from skyloom.models.boxes import cover
from skyloom.models.cache import Cache
from skyloom.models.transformer import Transformer
from skyloom.pipelines import tasks
from skyloom.pipelines.canvas import Canvas
from skyloom.pipelines.engine import Engine, Job, Settings, clip_cells, encoder_of, film_of, prepare, room_of
from skyloom.pipelines.film import Film, check_pixels, frames_of
from skyloom.pipelines.paths import drawn
from skyloom.pipelines.plan_ahead import plans
from skyloom.pipelines.precision import decoded
from skyloom.pipelines.rolling import roll
from skyloom.pipelines.velocity import Condition, joined, stack
from skyloom.pipelines.windows import memory_of, on_window, window_seed
from skyloom.seeds import generator_for


def stream(
    engine: Engine,
    prompt: str,
    *,
    num_frames: int | None = None,
    seconds: float | None = None,
    **settings: Unpack[Settings],
) -> Film:
    """Make a film from words whose first frame is there before the second is begun.

    `num_frames` or nearly `seconds` long; None is as trained. Raises CheckpointError where the checkpoint has no part
    that can do so.
    """
    network = causal_network(engine)
    job = prepare(engine, prompt, settings, num_frames=num_frames, seconds=seconds)
    job = replace(job, request=replace(job.request, few_step=False))
    latents = islice(latents_of(engine, network, job), job.room.latents.latent_frames)
    chunks = map(frames_of, map(check_pixels, _decoded(engine, latents)))
    return film_of(engine, job, job.room.size.num_frames, chunks, "generate", stream=True, network="causal")


def causal_network(engine: Engine) -> Transformer:
    """Return the network that looks back only. Raises CheckpointError where there is none."""
    if engine.causal is None:
        raise CheckpointError(
            "this checkpoint has no causal.safetensors, so it cannot stream; leave --stream out, or make that part"
            " with `skyloom train causal` and put it in with `skyloom train pack --causal`"
        )
    return engine.causal


def latents_of(engine: Engine, network: Transformer, job: Job) -> Iterator[Tensor]:
    """Yield latents (1, c, 1, h, w), without end."""
    length = clip_cells(engine)
    canvas = tasks.text_to_video(room_of(job, length), job.told)
    windows = _planned(engine, job, canvas)
    first = next(windows)
    size, cells = canvas.size, job.room.latents.latent_frames
    shape = (1, network.config.latent_channels, 1, size.latent_height, size.latent_width)
    asked = engine.branches([first], job.request, torch.zeros(shape))
    branches = [branch for number, branch in enumerate(asked) if branch.weight or not number]
    generator, device = generator_for(job.seed, "noise"), network.out.weight.device
    noises = (torch.randn(shape, generator=generator).to(device) for _ in count())
    boxes = (part if part is None else part.to(device) for part in _covered(first, windows, memory_of(length)))
    return roll(
        _cache(network, canvas, branches, length),
        [branch.weight for branch in branches],
        job.request.sampling,
        noises,
        boxes,
        lambda frame: on_window(job.on_step, frame, cells),
    )


def _cache(network: Transformer, canvas: Canvas, branches: list[Branch[Condition]], span: int) -> Cache:
    """Return an empty cache with a row for each branch."""
    device = network.out.weight.device
    words = stack([branch.condition.words for branch in branches])
    told = joined([branch.condition.names for branch in branches])
    names = None if told is None else told.to(device)
    scalars = canvas.scalar_row().repeat(len(branches), 1).to(device)
    with torch.no_grad():
        embeds, mask = words.embeds.to(device), words.mask.to(device)
        return Cache(network, canvas.size, embeds, mask, span=span, scalars=scalars, names=names)


def _planned(engine: Engine, job: Job, canvas: Canvas) -> Iterator[Canvas]:
    """Yield a canvas as long as a clip after another, each of which shares `memory_of` frames with the last.

    They say where actors go, as far as the planner or the job's paths say it.
    """
    memory, stride = memory_of(canvas.size.latent_frames), job.room.strides.temporal
    step = stride * (canvas.size.latent_frames - memory)
    planner = engine.planner if job.request.plan else None
    seeds = (window_seed(job.seed, number) for number in count())
    untold = (None for _ in count())
    planned = untold if planner is None else plans(planner, encoder_of(engine), canvas, seeds, memory)
    for number, boxes in enumerate(planned):
        placed = canvas if boxes is None else replace(canvas, boxes=boxes)
        yield drawn(placed, job.paths, boxes, job.room.fps, step * number, stride) if job.paths else placed


def _covered(first: Canvas, later: Iterator[Canvas], memory: int) -> Iterator[Tensor | None]:
    """Yield what boxes cover, (1, s, 1, h, w), latent frame after latent frame; None where nothing is told."""
    yield from _cells(first, 0)
    for canvas in later:
        yield from _cells(canvas, memory)


def _cells(canvas: Canvas, start: int) -> Iterator[Tensor | None]:
    if canvas.boxes is None:
        yield from [None] * (canvas.size.latent_frames - start)
    else:
        yield from cover(canvas.boxes, canvas.size)[:, :, start:].split(1, dim=2)


def _decoded(engine: Engine, latents: Iterator[Tensor]) -> Iterator[Tensor]:
    """Yield pixels (1, 3, k, h, w) of latents, each as soon as it is there."""
    carry = Carry()
    for part in latents:
        yield decoded(engine.autoencoder, part, carry)
