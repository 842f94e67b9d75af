"""Orders as tasks of a pipeline.

Each function takes a pipeline, an order, its inputs and the settings that all tasks share, and returns a film.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps
from torch import Tensor

from skyloom.data.fitting import at_most
from skyloom.data.video_io import read_image, read_video
from skyloom.errors import InvalidArgument
from skyloom.pipelines import edits, joins, telling
from skyloom.pipelines import storyboard as boards
from skyloom.pipelines.film import Film
from skyloom.pipelines.masks import mask_of
from skyloom.pipelines.pipeline import Pipeline
from skyloom.pipelines.storyboard import Shot
from skyloom.pipelines.tasks import Room
from skyloom.video import Video

Order = Mapping[str, Any]
Inputs = Mapping[str, Path]
Settings = dict[str, Any]
LARGEST_INPUT = 1024
REMIX_STRENGTH = 0.6


def needed(inputs: Inputs, name: str) -> Path:
    """Return an input by name. Raises InvalidArgument where the order brings none."""
    if name not in inputs:
        raise InvalidArgument("inputs", sorted(inputs), f"hold {name}")
    return inputs[name]


def shown(path: Path) -> Video:
    """Read a picture or video; what is larger than anything made here is made smaller as it is read."""
    return read_video(path, per_frame=lambda frame: at_most(frame, LARGEST_INPUT))


def asked(order: Order, name: str, default: Any = None) -> Any:
    """Return one setting of an order."""
    value = order.get("settings", {}).get(name)
    return default if value is None else value


def frames_asked(pipeline: Pipeline, order: Order) -> int:
    """Return how many frames an order asks for; as trained where it does not say."""
    return asked(order, "num_frames", pipeline.preset.clip.num_frames)


def text(pipeline: Pipeline, order: Order, inputs: Inputs, settings: Settings) -> Film:
    """Words alone."""
    return telling.generate(pipeline, order["prompt"], num_frames=asked(order, "num_frames"), **settings)


def animate(pipeline: Pipeline, order: Order, inputs: Inputs, settings: Settings) -> Film:
    """A picture set in motion."""
    picture = read_image(inputs["image"] if "image" in inputs else needed(inputs, "video"))
    return telling.animate(pipeline, picture, order["prompt"], num_frames=asked(order, "num_frames"), **settings)


def keyframes(pipeline: Pipeline, order: Order, inputs: Inputs, settings: Settings) -> Film:
    """Pictures at their seconds, cropped to (left, top, right, bottom) in [0, 1] where asked."""
    times, crops = asked(order, "frames", []), asked(order, "crops", [])
    pictures: dict[float, Video] = {}
    for number, second in enumerate(times):
        picture = read_image(needed(inputs, f"frame-{number}"))
        crop = crops[number] if number < len(crops) else None
        pictures[float(second)] = picture if crop is None else cropped(picture, crop)
    return telling.animate(pipeline, pictures, order["prompt"], num_frames=asked(order, "num_frames"), **settings)


def cropped(picture: Video, crop: list[float]) -> Video:
    """Return the part (left, top, right, bottom) of a picture, in shares of its sides. Raises InvalidArgument."""
    left, top, right, bottom = crop
    height, width = picture.frames.shape[1:3]
    rows, columns = slice(round(top * height), round(bottom * height)), slice(round(left * width), round(right * width))
    frames = picture.frames[:, rows, columns]
    if 0 in frames.shape:
        raise InvalidArgument("crop", crop, "be left, top, right, bottom in [0, 1], with something between")
    return replace(picture, frames=frames)


def extend(pipeline: Pipeline, order: Order, inputs: Inputs, settings: Settings) -> Film:
    """What comes after a video, or leads up to it, stitched to it."""
    task = joins.extend_back if asked(order, "direction") == "backward" else joins.extend
    return task(
        pipeline, shown(needed(inputs, "video")), order["prompt"], seconds=asked(order, "seconds", 2.0), **settings
    )


def blend(pipeline: Pipeline, order: Order, inputs: Inputs, settings: Settings) -> Film:
    """One video leading into another."""
    first, second = (shown(needed(inputs, name)) for name in ("first", "second"))
    return joins.connect(pipeline, first, second, order["prompt"], seconds=asked(order, "seconds"), **settings)


def loop(pipeline: Pipeline, order: Order, inputs: Inputs, settings: Settings) -> Film:
    """A video without end: the one given, or half a one made first, led back to its beginning."""
    if "video" in inputs:
        return joins.loop(pipeline, shown(inputs["video"]), order["prompt"], **settings)
    wanted, stride = frames_asked(pipeline, order), pipeline.autoencoder.config.temporal_stride
    half = 1 + stride * max(2, (wanted - 1) // stride // 2)
    halved = {**order, "settings": {**order.get("settings", {}), "num_frames": half}}
    begin = keyframes if asked(order, "frames") else animate if "image" in inputs else text
    first = begin(pipeline, halved, inputs, settings).video()
    return joins.loop(pipeline, first, order["prompt"], seconds=max(wanted - half, 2 * stride) / first.fps, **settings)


def storyboard(pipeline: Pipeline, order: Order, inputs: Inputs, settings: Settings) -> Film:
    """Shots that follow one another, each from its second on; a picture or clip stands at its shot's beginning."""
    told = asked(order, "shots", [])
    whole = asked(order, "seconds", (frames_asked(pipeline, order) - 1) / pipeline.preset.clip.fps)
    starts = [0.0, *(float(shot["time"]) for shot in told[1:]), float(whole)]
    shots = []
    for shot, start, end in zip(told, starts, starts[1:], strict=False):
        own = shown(needed(inputs, shot["input"])) if shot.get("input") else None
        still = own is not None and len(own.frames) == 1
        pictures, clips = ({0.0: own}, {}) if still else ({}, {} if own is None else {0.0: own})
        shots.append(Shot(shot["prompt"], end - start, pictures=pictures, clips=clips))
    return boards.storyboard(pipeline, shots, **settings)


def remix(pipeline: Pipeline, order: Order, inputs: Inputs, settings: Settings) -> Film:
    """A video again in other words: sampling starts from it."""
    video, strength = shown(needed(inputs, "video")), asked(order, "strength", REMIX_STRENGTH)
    return edits.restyle(pipeline, video, order["prompt"], strength=strength, **settings)


def edit(pipeline: Pipeline, order: Order, inputs: Inputs, settings: Settings) -> Film:
    """A video or picture changed: under a mask, by a strength, or by a word of command."""
    own = shown(inputs["image"] if "image" in inputs else needed(inputs, "video"))
    if "mask" in inputs:
        picture = asked_for(inputs["mask"])

        def mask(room: Room, video: Video, frames: int) -> Tensor:
            return mask_of(room, picture, frames)

        return edits.inpaint(pipeline, own, mask, order["prompt"], **settings)
    strength = asked(order, "strength")
    if strength is not None:
        return edits.restyle(pipeline, own, order["prompt"], strength=strength, **settings)
    return edits.instruct(pipeline, own, order["prompt"], **settings)


def asked_for(path: Path) -> Video:
    """Return a mask as a picture, white where something new is asked for: where it is transparent, else where white."""
    with Image.open(path) as opened:
        alpha = "A" in opened.getbands()
        grey = ImageOps.invert(opened.getchannel("A")) if alpha else opened.convert("L")
    return Video(np.asarray(grey.convert("RGB"))[None], 1.0)


TASKS: dict[str, Callable[[Pipeline, Order, Inputs, Settings], Film]] = {
    "text": text, "image": text, "animate": animate, "keyframes": keyframes, "extend": extend, "blend": blend,
    "loop": loop, "remix": remix, "edit": edit, "storyboard": storyboard,
}  # fmt: skip
