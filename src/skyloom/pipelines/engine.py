"""What every task asks of a pipeline.

A task is a function whose first argument is an `Engine`; `Pipeline` is the one that exists. `Settings` are the keywords
that all tasks share, and `prepare` checks them once.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol, TypedDict

import numpy as np
from torch import Tensor

from skyloom.config import SCALARS, Preset
from skyloom.diffusion.guidance import Branch
from skyloom.diffusion.sampler import OnStep
from skyloom.errors import InvalidArgument, one_of
from skyloom.models.autoencoder import Autoencoder
from skyloom.models.locator import Locator
from skyloom.models.text_encoder import TextEncoder, TextFeatures
from skyloom.models.transformer import Transformer
from skyloom.pipelines import language_model, prompts
from skyloom.pipelines.camera_words import CAMERAS
from skyloom.pipelines.canvas import Canvas
from skyloom.pipelines.checkpoint import SamplingConfig
from skyloom.pipelines.film import Film
from skyloom.pipelines.paths import Path, check_path
from skyloom.pipelines.planning import Planner
from skyloom.pipelines.tasks import Room, text_to_video
from skyloom.pipelines.velocity import Condition
from skyloom.seeds import check_seed
from skyloom.video import Video

ANCHOR = 0.5
"""How far each window is held to the colours of the first."""
LONGEST = 3600.0
"""Seconds."""
LIMITS = {"motion": (0.0, 1.0), "pan": (-2.0, 2.0), "tilt": (-2.0, 2.0), "zoom": (-2.0, 2.0)}


@dataclass(frozen=True)
class Request:
    """How a canvas is sampled. `source_guidance_scale` is for canvases with a source only.

    plan: let the checkpoint's planner, if it has one, say where actors go. few_step: jump, with the network that was
    made for few steps; the checkpoint's guidance is fused into it.
    """

    sampling: SamplingConfig
    negative_prompt: str = ""
    source_guidance_scale: float = 1.0
    plan: bool = True
    few_step: bool = False


class Engine(Protocol):
    """Networks that fill canvases."""

    autoencoder: Autoencoder
    transformer: Transformer
    text_encoder: TextEncoder
    preset: Preset
    planner: Planner | None
    locator: Locator | None

    @property
    def causal(self) -> Transformer | None:
        """The network that looks back only, None where the checkpoint has none."""
        ...

    def branches(self, canvases: Sequence[Canvas], request: Request, noise: Tensor) -> list[Branch[Condition]]:
        """Return the branches of guidance; noise: (b, c, f, h, w)."""
        ...

    def room(
        self,
        *,
        num_frames: int | None = None,
        seconds: float | None = None,
        height: int | None = None,
        width: int | None = None,
        fps: float | None = None,
    ) -> Room:
        """Return the size, rate and encoder that a task needs."""
        ...

    def request(
        self,
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        negative_prompt: str = "",
        source_guidance_scale: float = 1.0,
    ) -> Request:
        """Return settings with the checkpoint's own where None."""
        ...

    def sample(
        self, canvases: Sequence[Canvas], seeds: Sequence[int], request: Request, on_step: OnStep | None = None
    ) -> Tensor:
        """Make latents (b, c, f, h, w) for canvases of one size."""
        ...

    def encode(self, pixels: Tensor) -> Tensor:
        """Turn pixels (b, 3, f, h, w) into latents."""
        ...

    def decode(self, latents: Tensor) -> Tensor:
        """Turn latents into pixels (b, 3, f, h, w)."""
        ...

    def notes(self, prompt: str) -> list[str]:
        """Return what a person should know of a prompt."""
        ...

    def expanded(self, prompt: str) -> str:
        """Return the prompt in the style of the training captions."""
        ...

    def reworded(self, prompt: str) -> str:
        """Return the prompt in words of training."""
        ...

    def plan(self, canvas: Canvas, seed: int) -> Tensor | None:
        """Return where the planner would have a canvas's actors, boxes (1, s, n, 4); None without a planner."""
        ...

    def metadata(self, canvas: Canvas, seed: int, request: Request, video: Video | Film) -> dict[str, Any]:
        """Return every setting that made a video."""
        ...


class Settings(TypedDict, total=False):
    """Keywords of every task; what is left out or None is as the checkpoint was trained, a seed is then random.

    height, width: pixels. fps: frames a second. fit: "crop" or "pad", how pictures and videos of other shapes are
    fitted. motion in [0, 1], pan and tilt in views a second, zoom in doublings a second, camera: one of CAMERAS.
    style: a picture style by name. expand: tell the prompt in full (expand_url,
    expand_model: by a language model behind an OpenAI-compatible API). reword: False leaves
    words as they are that training never used. anchor in [0, 1]: how far
    each window is held to the colours of the first. on_step: told of progress. plan: False leaves it to
    the network where actors go. paths: drawn ones, for the first actors that the prompt names (`pipelines.paths`).
    """

    seed: int | None
    num_inference_steps: int | None
    guidance_scale: float | None
    source_guidance_scale: float | None
    negative_prompt: str | None
    height: int | None
    width: int | None
    fps: float | None
    fit: str | None
    motion: float | None
    pan: float | None
    tilt: float | None
    zoom: float | None
    camera: str | None
    style: str | None
    expand: bool | None
    expand_url: str | None
    expand_model: str | None
    reword: bool | None
    anchor: float | None
    on_step: OnStep | None
    plan: bool | None
    paths: Sequence[Path] | None


@dataclass(frozen=True)
class Job:
    """A task whose settings are checked. prompt: as asked; told: what the network hears."""

    prompt: str
    told: str
    room: Room
    request: Request
    seed: int
    on_step: OnStep | None
    style: str | None = None
    expand: bool = False
    paths: tuple[Path, ...] = ()
    anchor: float = ANCHOR
    reword: bool = True

    def lasting(self, num_frames: int) -> Job:
        """Return the same job for another length."""
        size = replace(self.room.size, num_frames=num_frames)
        return replace(self, room=replace(self.room, size=size))


def scalars_of(settings: Settings) -> dict[str, float]:
    """Return the camera and motion that settings ask for. Raises InvalidArgument."""
    camera = settings.get("camera")
    told: dict[str, float] = {}
    if camera is not None:
        told |= CAMERAS[one_of("camera", camera, CAMERAS)]
    for name in SCALARS[1:]:
        value: float | None = settings.get(name)
        if value is None:
            continue
        low, high = LIMITS[name]
        if not low <= value <= high:
            raise InvalidArgument(name, value, f"be between {low:g} and {high:g}", min(max(value, low), high))
        told[name] = value
    return told


def _anchor(settings: Settings) -> float:
    anchor = settings.get("anchor")
    anchor = ANCHOR if anchor is None else anchor
    if not 0 <= anchor <= 1:
        raise InvalidArgument("anchor", anchor, "be between 0 and 1", min(max(anchor, 0.0), 1.0))
    return anchor


def _expanded(engine: Engine, prompt: str, settings: Settings) -> str:
    """Tell a prompt in full, by our own grammar or by the language model that was named."""
    url = settings.get("expand_url")
    if not url:
        return engine.expanded(prompt)
    return language_model.expand(prompt, url, settings.get("expand_model") or "default")


def _understood(engine: Engine, asked: str, settings: Settings) -> tuple[str, list[str]]:
    """Return what the network hears of a prompt, and what to tell the one who asked."""
    known = asked if settings.get("reword") is False else engine.reworded(asked)
    told = _expanded(engine, known, settings) if settings.get("expand") else known
    understood = [] if known == asked else [f"understood as: {known}"]
    return told, understood + engine.notes(told)


def prepare(
    engine: Engine,
    prompt: str | None,
    settings: Settings,
    *,
    num_frames: int | None = None,
    seconds: float | None = None,
) -> Job:
    """Check settings and return them as a job; a prompt of None says nothing. Raises InvalidArgument."""
    asked = "" if prompt is None else prompts.clean(prompt)
    told = prompts.with_style(asked, settings.get("style")) if asked else ""
    told, notes = _understood(engine, told, settings) if told else (told, [])
    for note in notes:
        warnings.warn(note, prompts.PromptWarning, stacklevel=3)
    height, width, fps = settings.get("height"), settings.get("width"), settings.get("fps")
    room = engine.room(num_frames=num_frames, seconds=seconds, height=height, width=width, fps=fps)
    fit = settings.get("fit") or "crop"
    scalars = {**room.scalars, **(scalars_of(settings) if room.size.num_frames > 1 else {})}
    scale = settings.get("source_guidance_scale")
    request = engine.request(
        settings.get("num_inference_steps"),
        settings.get("guidance_scale"),
        settings.get("negative_prompt") or "",
        1.0 if scale is None else scale,
    )
    request = replace(request, plan=settings.get("plan") is not False)
    paths = tuple(check_path(path) for path in settings.get("paths") or ())
    if len(paths) > engine.preset.transformer.box_slots:
        most = engine.preset.transformer.box_slots
        raise InvalidArgument("paths", len(paths), f"be at most {most}: the checkpoint can be told no more", most)
    return Job(
        asked, told, replace(room, mode=fit, scalars=scalars), request, check_seed(settings.get("seed")),
        settings.get("on_step"), settings.get("style"), bool(settings.get("expand")), paths, _anchor(settings),
        settings.get("reword") is not False,
    )  # fmt: skip


def clip_cells(engine: Engine) -> int:
    """Return the latent frames of the clips of training."""
    return 1 + (engine.preset.clip.num_frames - 1) // engine.autoencoder.config.temporal_stride


def encoder_of(engine: Engine) -> Callable[[Sequence[str]], TextFeatures]:
    """Return the text encoder, at the most tokens that the checkpoint's networks read."""
    return partial(engine.text_encoder.encode, max_length=engine.preset.transformer.max_text_tokens)


def groups_for(job: Job, seconds: float) -> int:
    """Return how many groups of frames last nearly `seconds`. Raises InvalidArgument."""
    if not 0 < seconds <= LONGEST:
        wanted = f"be above 0 and at most {LONGEST:g}"
        raise InvalidArgument("seconds", seconds, wanted, min(max(seconds, 1.0), LONGEST))
    return max(1, round(seconds * job.room.fps / job.room.strides.temporal))


def room_of(job: Job, cells: int) -> Room:
    """Return the room of a canvas of some latent frames."""
    return job.lasting(1 + job.room.strides.temporal * (cells - 1)).room


def film_of(engine: Engine, job: Job, count: int, chunks: Iterator[np.ndarray], task: str, **more: Any) -> Film:
    """Return a film of `count` frames that says how it was made."""
    film = Film(job.lasting(count).room.size, job.room.fps, {}, chunks)
    canvas = text_to_video(room_of(job, 1), job.told)
    told = {
        "prompt": job.prompt, "style": job.style, "expand": job.expand, "reword": job.reword, "fit": job.room.mode,
        "task": task, "plan": job.request.plan, "paths": [list(map(list, path)) for path in job.paths],
    }  # fmt: skip
    return replace(film, metadata={**told, **engine.metadata(canvas, job.seed, job.request, film), **more})
