"""The road from a canvas to a video.

    canvas -> words, known cells -> noise -> sampler asking the transformer -> latents -> autoencoder -> Video

A seed gives the same video in any batch: each sample has a generator of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch
from torch import Tensor

from skyloom.config import Preset, to_dict
from skyloom.diffusion import guidance
from skyloom.diffusion.distillation import FINEST, jumping
from skyloom.diffusion.flow import mix
from skyloom.diffusion.sampler import OnStep, sample
from skyloom.diffusion.schedule import shifted_schedule
from skyloom.errors import InvalidArgument
from skyloom.models.autoencoder import Autoencoder, Carry
from skyloom.models.locator import Locator
from skyloom.models.text_encoder import TextEncoder, TextFeatures
from skyloom.models.transformer import Transformer
from skyloom.pipelines import between, edits, joins, prompts, storyboard, streaming, telling
from skyloom.pipelines.canvas import Canvas
from skyloom.pipelines.checkpoint import SamplingConfig
from skyloom.pipelines.engine import Request
from skyloom.pipelines.film import Film, Whole, check_pixels
from skyloom.pipelines.naming import names_of
from skyloom.pipelines.planning import Planner, planned
from skyloom.pipelines.precision import decoded, fast_matmul
from skyloom.pipelines.tasks import Room
from skyloom.pipelines.velocity import (
    Condition,
    Pinned,
    encode_prompts,
    jump_of,
    pinned,
    source_of,
    velocity_of,
    without_source,
)
from skyloom.pipelines.wording import Wording
from skyloom.seeds import check_seed, generator_for
from skyloom.shapes import VideoSize, nearest_frames
from skyloom.video import Video
from skyloom.world.vocabulary import MOTIONS
from skyloom.world.words import unknown_words

DECODE_FRAMES = 4
"""Latent frames decoded at a time: memory does not grow with the length."""


class Pipeline:
    """Three networks and the settings that belong to them."""

    def __init__(
        self,
        autoencoder: Autoencoder,
        transformer: Transformer,
        text_encoder: TextEncoder,
        preset: Preset,
        name: str,
        *,
        sampling: SamplingConfig | None = None,
        sha256: str = "",
        planner: Transformer | None = None,
        locator: Locator | None = None,
        causal: Callable[[], Transformer] | None = None,
        few_step: Callable[[], Transformer] | None = None,
    ) -> None:
        """causal, few_step: build the network that looks back only, for streams, and the one that jumps.

        They are called when the network is first asked for.
        """
        self.autoencoder, self.transformer = autoencoder.eval(), transformer.eval()
        self.text_encoder, self.preset, self.name = text_encoder, preset, name
        self.sampling, self.sha256 = sampling or SamplingConfig(), sha256
        self._heard = functools.lru_cache(maxsize=8)(self._encode_anew)
        self.integrate: Callable[..., Tensor] = sample  # a server's goes on from the last finished step
        strides = preset.autoencoder.strides
        frames = 1 + (preset.clip.num_frames - 1) // strides.temporal
        sizes = (preset.transformer.box_slots, strides.temporal, frames, preset.world.actors)
        self.locator = None if locator is None else locator.eval()
        self.planner = None if planner is None else Planner(planner.eval(), *sizes, self.locator)
        self._causal, self._few_step = causal, few_step

    @property
    def device(self) -> torch.device:
        """Where the transformer is; canvases and latents stay on the CPU."""
        return self.transformer.out.weight.device

    @functools.cached_property
    def causal(self) -> Transformer | None:
        """The network that looks back only, None where the checkpoint has none."""
        return None if self._causal is None else self._causal().eval()

    @functools.cached_property
    def few_step(self) -> Transformer | None:
        """The network that jumps, None where the checkpoint has none."""
        return None if self._few_step is None else self._few_step().eval()

    # -- front door

    generate = Whole(telling.generate)

    def stream(self, prompt: str, **settings: Any) -> Film:
        """Return a film whose frames can be had while later ones are made; settings as for `generate`."""
        return streaming.stream(self, prompt, **settings)

    def image(self, prompt: str, **settings: Any) -> Video:
        """Make a picture, a video of one frame; settings as for `generate`, without a length."""
        for name in ("num_frames", "seconds"):
            if name in settings:
                raise InvalidArgument(name, settings[name], "be left out: a picture has one frame")
        return self.generate(prompt, num_frames=1, **settings)

    def room(
        self,
        *,
        num_frames: int | None = None,
        seconds: float | None = None,
        height: int | None = None,
        width: int | None = None,
        fps: float | None = None,
    ) -> Room:
        """Return the size, rate and encoder that a task needs; None is as trained. Raises InvalidArgument."""
        clip, strides = self.preset.clip, self.autoencoder.config.strides
        rate = clip.fps if fps is None else fps
        if not 0 < rate <= 1000:
            raise InvalidArgument("fps", rate, "be above 0 and at most 1000", clip.fps)
        if num_frames is not None and seconds is not None:
            raise InvalidArgument("seconds", seconds, "be left out when num_frames is given")
        if seconds is not None:
            if not 0 < seconds <= 3600:
                raise InvalidArgument("seconds", seconds, "be above 0 and at most 3600", min(max(seconds, 1.0), 3600.0))
            num_frames = nearest_frames(seconds * rate, strides)
        size = VideoSize(num_frames or clip.num_frames, height or clip.height, width or clip.width)
        given = {"num_frames": num_frames, "height": height, "width": width}
        for argument, value in given.items():
            if value is not None and value < 1:
                raise InvalidArgument(argument, value, "be at least 1", 1)
        told = {} if fps is None or size.num_frames == 1 else {"fps": rate}
        room = Room(size, rate, strides, self.encode, self.transformer.config.patch_size, scalars=told)
        _ = room.latents
        return room

    def notes(self, prompt: str) -> list[str]:
        """Return what a person should know of a prompt before waiting for its video."""
        found = []
        if self.text_encoder.truncated(prompt, self.preset.transformer.max_text_tokens):
            found.append("the prompt is longer than this checkpoint reads; its end is left out")
        unknown = unknown_words(prompt, self.preset.world.actors)
        if unknown:
            found.append(f"not among the words of training, the video may miss them: {', '.join(unknown)}")
        return found

    def expanded(self, prompt: str) -> str:
        """Return the prompt in the style of the training captions, where there is room for it."""
        longer = prompts.expand(prompt)
        cut = self.text_encoder.truncated(longer, self.preset.transformer.max_text_tokens)
        return prompt if cut else longer

    def reworded(self, prompt: str) -> str:
        """Return the prompt in words of training, itself where it holds no others (`pipelines.wording`)."""
        readable = isinstance(self.text_encoder, TextEncoder)  # the reader knows this encoder's features only
        return self.wording.reword(prompt).text if readable else prompt

    @functools.cached_property
    def wording(self) -> Wording:
        """What rewords prompts, loaded when first asked."""
        world = self.preset.world
        return Wording(self.text_encoder, world.actors, world.motions or MOTIONS)

    # -- pictures and videos as prompts

    animate = Whole(telling.animate)
    extend, extend_back = Whole(joins.extend), Whole(joins.extend_back)
    connect, loop = Whole(joins.connect), Whole(joins.loop)
    interpolate, storyboard = Whole(between.interpolate), Whole(storyboard.storyboard)
    restyle, instruct = Whole(edits.restyle), Whole(edits.instruct)
    inpaint, outpaint = Whole(edits.inpaint), Whole(edits.outpaint)
    replace_thing, cinemagraph = Whole(edits.replace_thing), Whole(edits.cinemagraph)

    # -- any canvas

    def plan(self, canvas: Canvas, seed: int) -> Tensor | None:
        """Return where the planner would have a canvas's actors, boxes (1, s, n, 4); None without a planner."""
        return planned(self.planner, self._encode, [canvas], [seed])[0].boxes

    def run(
        self,
        canvas: Canvas,
        *,
        seed: int | None = None,
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        source_guidance_scale: float = 1.0,
        negative_prompt: str = "",
        on_step: OnStep | None = None,
    ) -> Video:
        """Fill a canvas and decode it. Raises InvalidArgument, GenerationError (not finite, or blank)."""
        seed = check_seed(seed)
        request = self.request(num_inference_steps, guidance_scale, negative_prompt, source_guidance_scale)
        latents = self.sample([canvas], [seed], request, on_step)
        fps = canvas.scalars.get("fps", self.preset.clip.fps)
        video = Video.from_pixels(check_pixels(self.decode(latents))[0], fps)
        return replace(video, metadata=self.metadata(canvas, seed, request, video))

    def request(
        self,
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        negative_prompt: str = "",
        source_guidance_scale: float = 1.0,
    ) -> Request:
        """Return settings with the checkpoint's own where None. Raises InvalidArgument.

        A checkpoint's few-step network answers up to 8 steps, unless a guidance other than the one fused in is asked.
        """
        own = self.sampling
        sampling = replace(
            own,
            num_inference_steps=own.num_inference_steps if num_inference_steps is None else num_inference_steps,
            guidance_scale=own.guidance_scale if guidance_scale is None else guidance_scale,
        )
        if sampling.num_inference_steps > 1000:
            raise InvalidArgument("num_inference_steps", sampling.num_inference_steps, "be at most 1000", 1000)
        plain = guidance_scale is None and not negative_prompt and source_guidance_scale == 1
        few_step = self._few_step is not None and plain and sampling.num_inference_steps <= FINEST
        sampling = replace(sampling, method="euler") if few_step else sampling
        return Request(sampling, negative_prompt, source_guidance_scale, few_step=few_step)

    @torch.no_grad()
    def sample(
        self, canvases: Sequence[Canvas], seeds: Sequence[int], request: Request, on_step: OnStep | None = None
    ) -> Tensor:
        """Make latents (b, c, f, h, w) for b canvases of one size, each from its own seed."""
        size, sampling = canvases[0].size, request.sampling
        channels = self.transformer.config.latent_channels
        shape = (channels, size.latent_frames, size.latent_height, size.latent_width)
        noise = torch.stack([torch.randn(shape, generator=generator_for(seed, "noise")) for seed in seeds])
        canvases = planned(self.planner if request.plan else None, self._encode, canvases, seeds)
        shared = pinned(canvases, self.transformer.config.box_slots)
        context = noised = None
        if shared.mask is not None:
            zeros = torch.zeros(1, *shape)
            context = torch.cat([zeros if canvas.known is None else canvas.known for canvas in canvases])
            noised = mix(context, noise, shared.context_sigma)
        start, first = self._start(canvases, noise)
        sigmas = shifted_schedule(sampling.num_inference_steps, sampling.shift, first)
        known = {"known": shared.mask, "context": context, "noised_context": noised}
        if request.few_step and self.few_step is not None:
            velocity_fn = jumping(jump_of(self.few_step, shared, self._condition(canvases, noise)), sigmas)
        else:
            velocity_fn = self._guided(canvases, request, noise, shared)
        with fast_matmul(self.device):
            return self.integrate(velocity_fn, start, sigmas, on_step=on_step, method=sampling.method, **known)

    def _guided(
        self, canvases: Sequence[Canvas], request: Request, noise: Tensor, shared: Pinned
    ) -> guidance.VelocityFn:
        """Return the many-step network's guided velocity."""
        how, branches = request.sampling, self.branches(canvases, request, noise)
        interval = (how.guidance_low, how.guidance_high)
        velocity = velocity_of(self.transformer, shared)
        return guidance.guided(velocity, branches, interval=interval, rescale=how.rescale)

    def _start(self, canvases: Sequence[Canvas], noise: Tensor) -> tuple[Tensor, float]:
        """Return what sampling starts from, and its noise level."""
        strength = canvases[0].strength if canvases[0].start is not None else 1.0
        for canvas in canvases:
            if (canvas.strength if canvas.start is not None else 1.0) != strength:
                raise InvalidArgument("strength", canvas.strength, f"be the same in one batch, {strength}")
        if strength == 1.0:
            return noise, 1.0
        return mix(torch.cat([c.start for c in canvases if c.start is not None]), noise, strength), strength

    def branches(self, canvases: Sequence[Canvas], request: Request, noise: Tensor) -> list[guidance.Branch[Condition]]:
        """Return the branches of guidance: text alone, or text and source."""
        frames = canvases[0].size.latent_frames
        full = self._condition(canvases, noise)
        source = full.source
        empty = [[replace(canvas.prompts[0], text=request.negative_prompt, first=0, end=None)] for canvas in canvases]
        without = Condition(encode_prompts(self._encode, empty, frames), source)
        scale = request.sampling.guidance_scale
        if source is None:
            return guidance.classifier_free(full, without, scale)
        nothing = without_source(without)
        return guidance.two_guidances(full, without, nothing, scale, request.source_guidance_scale)

    def _condition(self, canvases: Sequence[Canvas], noise: Tensor) -> Condition:
        """Return all that is said of the canvases: words, sources, names."""
        frames = canvases[0].size.latent_frames
        words = encode_prompts(self._encode, [canvas.prompts for canvas in canvases], frames)
        return Condition(words, source_of(canvases, noise), self._names(canvases))

    def _names(self, canvases: Sequence[Canvas]) -> Tensor | None:
        """Return whose the boxes of the canvases are, if the network takes names."""
        slots, known = self.transformer.config.box_slots, self.preset.world.actors
        prompts = ["" if canvas.boxes is None else canvas.prompts[0].text for canvas in canvases]
        return names_of(self._encode, prompts, slots, known) if self.transformer.config.box_names else None

    def _encode(self, texts: Sequence[str]) -> TextFeatures:
        """Encode prompts. Planner, branches and windows ask for the same ones, so the last few are remembered."""
        return self._heard(self.text_encoder, tuple(texts))

    def _encode_anew(self, text_encoder: TextEncoder, texts: tuple[str, ...]) -> TextFeatures:
        return text_encoder.encode(texts, max_length=self.preset.transformer.max_text_tokens)

    @torch.no_grad()
    def encode(self, pixels: Tensor) -> Tensor:
        """pixels: (b, 3, f, h, w) in [-1, 1]. Returns latents (b, c, f', h', w')."""
        return self.autoencoder.encode(pixels.to(self.device)).cpu()

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """latents: (b, c, f', h', w'). Returns pixels (b, 3, f, h, w), decoded in chunks."""
        return torch.cat(list(self.decode_stream(latents)), dim=2)

    def decode_stream(self, latents: Tensor) -> Iterator[Tensor]:
        """Yield pixels (b, 3, k, h, w), the first frame in the first chunk."""
        carry = Carry()
        for part in latents.split(DECODE_FRAMES, dim=2):
            yield decoded(self.autoencoder, part, carry)

    def metadata(self, canvas: Canvas, seed: int, request: Request, video: Video | Film) -> dict[str, Any]:
        """Return every setting that made a video, as plain values."""
        size = video.size
        return {
            "program": f"skyloom {program_version()}",
            "checkpoint": self.name,
            "checkpoint_sha256": self.sha256,
            "network": "few_step" if request.few_step else "transformer",
            "told": [[span.text, span.first, span.end] for span in canvas.prompts],
            "negative_prompt": request.negative_prompt,
            "seed": seed,
            "scalars": canvas.scalars,
            "num_frames": size.num_frames,
            "height": size.height,
            "width": size.width,
            "fps": video.fps,
            **to_dict(request.sampling),
        }


def program_version() -> str:
    """Return the installed version of Skyloom."""
    try:
        return version("skyloom")
    except PackageNotFoundError:
        return "unknown"
