"""From a checked request to a job: which task, which settings, which inputs.

`Plan` is what a request asks for before anything is stored. The answer to the old API's sizes and lengths is decided
here: a plan's size and seconds are what will be made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from skyloom.errors import InvalidArgument
from skyloom.serving.bodies import (
    BlendVideos,
    CreateVideo,
    EditImage,
    EditVideo,
    ExtendVideo,
    GenerateImage,
    Keyframe,
    RemixVideo,
    Settings,
    Shot,
)
from skyloom.serving.errors import ApiError
from skyloom.serving.fields import OLD_STYLES
from skyloom.serving.intake import Source
from skyloom.serving.offers import MAX_SECONDS, Offer, spoken

VIDEO, PICTURE = ("video",), ("image",)
EITHER = ("image", "video")
SHARED = tuple(Settings.model_fields)

Take = Callable[..., Source]
"""Brings a reference in: (name of the input, reference, kinds it may have, name of the parameter)."""


@dataclass(frozen=True)
class Plan:
    """What a job will be. size: "WIDTHxHEIGHT", seconds: as text. requested: what was asked for, where it differs.

    characters: {id, name, input} of each.
    """

    task: str
    prompt: str
    model: str
    size: str
    seconds: str
    settings: dict[str, Any]
    inputs: dict[str, str] = field(default_factory=dict)
    kind: str = "video"
    source_id: str | None = None
    requested: dict[str, str | None] | None = None
    characters: list[dict[str, str]] = field(default_factory=list)

    @property
    def order(self) -> dict[str, Any]:
        """What the worker is told."""
        own = {"task": self.task, "prompt": self.prompt, "settings": self.settings, "inputs": self.inputs}
        return {**own, "requested": self.requested, "characters": self.characters}


def shared(asked: Settings) -> dict[str, Any]:
    """Return the settings that were given, of those that every task has."""
    given = {name: value for name in SHARED if (value := getattr(asked, name)) is not None}
    return {name: value for name, value in given.items() if value not in OLD_STYLES}


def wide(height: int, width: int) -> str:
    """Return a size as the API writes it."""
    return f"{width}x{height}"


def lasting(offer: Offer, asked: Settings, seconds: float, size: str | None) -> tuple[dict[str, Any], str, str]:
    """Return the settings of a video of a length and size, its size and its seconds as they will be made."""
    height, width = offer.size(size)
    frames = offer.length(seconds, asked.fps)
    made = offer.seconds(frames, asked.fps)
    settings = {**shared(asked), "num_frames": frames, "seconds": float(made), "height": height, "width": width}
    return settings, wide(height, width), made


def differing(size: str | None, made: str, seconds: float | None, lasts: str) -> dict[str, str | None] | None:
    """Return what was asked for, None where just that is made."""
    same = size in (None, "auto", made) and seconds in (None, float(lasts))
    return None if same else {"size": size, "seconds": None if seconds is None else spoken(seconds)}


def create(asked: CreateVideo, offer: Offer, take: Take) -> Plan:
    """Plan a new video: from words, a picture, keyframes, a storyboard, or a loop."""
    settings, size, seconds = lasting(offer, asked, asked.seconds, asked.size)
    task, inputs, own = _pinned(asked, take)
    characters = [_character(asked, number, take) for number in range(len(asked.characters or []))]
    inputs |= {told["input"]: key for told, key in characters}
    return Plan(
        "loop" if asked.loop else task, asked.prompt, asked.model, size, seconds, {**settings, **own}, inputs,
        requested=differing(asked.size, size, asked.seconds, seconds), characters=[told for told, _ in characters],
    )  # fmt: skip


def _pinned(asked: CreateVideo, take: Take) -> tuple[str, dict[str, str], dict[str, Any]]:
    """Return the task, inputs and settings of what a new video shows at given times."""
    if asked.keyframes is not None:
        return _keyframes(asked.keyframes, take)
    if asked.storyboard is not None:
        return _storyboard(asked.storyboard, take)
    if asked.input_reference is not None:
        source = take("reference", asked.input_reference, EITHER if asked.loop else PICTURE, "input_reference")
        return "animate", {source.kind: source.key}, {}
    return "text", {}, {}


def _keyframes(frames: list[Keyframe], take: Take) -> tuple[str, dict[str, str], dict[str, Any]]:
    inputs = {
        f"frame-{i}": take(f"frame-{i}", one.reference, EITHER, f"keyframes.{i}").key for i, one in enumerate(frames)
    }
    return "keyframes", inputs, {"frames": [one.time for one in frames], "crops": [one.crop for one in frames]}


def _storyboard(shots: list[Shot], take: Take) -> tuple[str, dict[str, str], dict[str, Any]]:
    told: list[dict[str, Any]] = [{"time": shot.time, "prompt": shot.prompt} for shot in shots]
    inputs: dict[str, str] = {}
    for number, shot in enumerate(shots):
        if shot.file is not None:
            name = told[number]["input"] = f"shot-{number}"
            inputs[name] = take(name, shot.file, EITHER, f"storyboard.{number}.file").key
    return "storyboard", inputs, {"shots": sorted(told, key=lambda shot: shot["time"])}


def _character(asked: CreateVideo, number: int, take: Take) -> tuple[dict[str, str], str]:
    """Return what the worker is told of a character, and its file. Raises ApiError when the prompt does not name it."""
    character_id = (asked.characters or [])[number].id
    name = f"character-{number}"
    source = take(name, character_id, VIDEO, f"characters.{number}.id")
    if source.name not in asked.prompt:
        message = f"The prompt must hold the name of character {character_id} as it is: {source.name!r}."
        raise ApiError(400, message, code="character_not_named", param="prompt")
    return {"id": character_id, "name": source.name, "input": name}, source.key


def remix(asked: RemixVideo, offer: Offer, source: Source, model: str) -> Plan:
    """Plan a video again with other words."""
    return _changed("remix", asked, offer, source, model)


def edit(asked: EditVideo, offer: Offer, take: Take) -> Plan:
    """Plan a change of a video, everywhere or under a mask."""
    plan = _changed("edit", asked, offer, take("video", asked.video, VIDEO), asked.model)
    if asked.mask is not None:
        plan.inputs["mask"] = take("mask", asked.mask, PICTURE).key
    return plan


def _changed(task: str, asked: RemixVideo | EditVideo, offer: Offer, source: Source, model: str) -> Plan:
    settings, size, seconds = lasting(offer, asked, within(lasts(source, offer)), wide(source.height, source.width))
    if asked.strength is not None:
        settings["strength"] = asked.strength
    made_from = source.job.id if source.job else None
    return Plan(task, asked.prompt, model, size, seconds, settings, {"video": source.key}, source_id=made_from)


def extend(asked: ExtendVideo, offer: Offer, take: Take) -> Plan:
    """Plan the going on of a video, or what leads up to it; its seconds are the stitched total."""
    source = take("video", asked.video, VIDEO)
    settings, size, new = lasting(offer, asked, asked.seconds, wide(source.height, source.width))
    total = within(lasts(source, offer) + float(new))
    settings["direction"] = asked.direction
    made_from = source.job.id if source.job else None
    return Plan("extend", asked.prompt, asked.model, size, spoken(total), settings, {"video": source.key},
                source_id=made_from, requested=differing(None, size, asked.seconds, new))  # fmt: skip


def blend(asked: BlendVideos, offer: Offer, take: Take) -> Plan:
    """Plan what leads from one video to another; its seconds are the total of all three parts."""
    first, second = (take(name, found, VIDEO) for name, found in zip(("first", "second"), asked.videos, strict=True))
    bridge = asked.seconds or float(offer.seconds(offer.num_frames))
    settings, size, new = lasting(offer, asked, bridge, wide(first.height, first.width))
    total = within(lasts(first, offer) + float(new) + lasts(second, offer))
    inputs = {"first": first.key, "second": second.key}
    return Plan("blend", asked.prompt, asked.model, size, spoken(total), settings, inputs,
                requested=differing(None, size, asked.seconds, new))  # fmt: skip


def lasts(source: Source, offer: Offer) -> float:
    """Return the seconds from a video's first frame to its last, an upload's as it is at the checkpoint's rate."""
    if source.job is not None:
        return source.seconds
    return (max(round(source.seconds * offer.fps), 1) - 1) / offer.fps


def within(seconds: float) -> float:
    """Return a video's whole length. Raises ApiError beyond the longest."""
    if seconds > MAX_SECONDS:
        raise ApiError(400, str(InvalidArgument("seconds", spoken(seconds), f"be at most {MAX_SECONDS:g} in all")),
                       code="too_long", param="seconds")  # fmt: skip
    return seconds


def picture(asked: GenerateImage | EditImage, offer: Offer, take: Take) -> Plan:
    """Plan pictures from words, or changed ones."""
    inputs: dict[str, str] = {}
    size = asked.size
    if isinstance(asked, EditImage):
        source = take("image", asked.image[0], PICTURE)
        inputs["image"] = source.key
        size = size if size not in (None, "auto") else wide(source.height, source.width)
        if asked.mask is not None:
            inputs["mask"] = take("mask", asked.mask, PICTURE).key
    height, width = offer.size(size)
    settings = {**shared(asked), "height": height, "width": width, "num_frames": 1}
    settings |= {"n": asked.n or 1, "output_format": asked.output_format or "png"}
    if isinstance(asked, EditImage) and asked.strength is not None:
        settings["strength"] = asked.strength
    task = "edit" if inputs else "text"
    return Plan(task, asked.prompt, asked.model or "", wide(height, width), "0", settings, inputs, "image",
                requested=differing(asked.size, wide(height, width), None, "0"))  # fmt: skip
