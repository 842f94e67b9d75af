"""Requests of the API, checked.

A reference to a picture or video is one of: an upload, `{"id"}` of a video made here, `{"file_id"}` of a stored file,
`{"image_url"}` (a data URL; others only where the server allows it), or such an id or data URL as plain text.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from starlette.datastructures import UploadFile

from skyloom.errors import InvalidArgument, nearest_name
from skyloom.serving.offers import FPS, MAX_EXTENSION, MAX_SECONDS, parse_size
from skyloom.world.vocabulary import STYLES

STRENGTHS = {"subtle": 0.35, "mild": 0.6, "strong": 0.85}
OLD_STYLES = ("vivid", "natural")
IGNORED = ("background", "moderation", "output_compression", "quality", "user", "input_fidelity")
CAMERAS = ("still", "pan left", "pan right", "tilt up", "tilt down", "zoom in", "zoom out")
MAX_SEED = 2**53 - 1
TEXT = {"type": "string", "minLength": 1}
REFERENCE = {
    "anyOf": [
        {"type": "string", "minLength": 1, "description": "a file, an id, or a data: URL"},
        *(
            {"type": "object", "properties": {name: TEXT}, "required": [name], "additionalProperties": False}
            for name in ("id", "file_id", "image_url")
        ),
    ]
}


def unpacked(value: Any) -> Any:
    """Return a structure that a form carried as JSON text."""
    if isinstance(value, str) and value[:1] in "[{" and value[-1:] in "]}":
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def listed(value: Any) -> Any:
    """Return a list of what came alone."""
    value = unpacked(value)
    return value if isinstance(value, list) or value is None else [value]


def _reference(value: Any) -> Any:
    value = unpacked(value)
    named = {"id", "file_id", "image_url", "video_id"}
    if (
        isinstance(value, dict)
        and len(named & set(value)) == 1
        and all(isinstance(text, str) for text in value.values())
    ):
        return value
    if isinstance(value, UploadFile) or (isinstance(value, str) and value):
        return value
    raise ValueError("must be a file, or an object with one of id, file_id, image_url")


def _seconds(value: Any) -> Any:
    """Check a length of time; texts stay texts, as the old API has them."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"must be a number of seconds, like '4', got {str(value)[:40]!r}") from None
    if isinstance(value, bool) or not 0 < number <= MAX_SECONDS:
        raise ValueError(f"must be above 0 and at most {MAX_SECONDS:g} seconds, got {str(value)[:40]!r}")
    return number


def _size(value: str) -> str:
    asked = value.strip()
    if asked != "auto":
        parse_size(asked)
    return asked


def _strength(value: Any) -> Any:
    if isinstance(value, str) and value.isalpha():
        if value not in STRENGTHS:
            raise ValueError(f"must be {', '.join(STRENGTHS)} or a number from 0 to 1, got {value[:40]!r}")
        return STRENGTHS[value]
    return value


def _whole(value: Any) -> Any:
    """Return 3 for 3.0: JSON knows one kind of number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _unstreamed(value: bool) -> bool:
    if value:
        raise ValueError("must be false: pictures come whole")
    return value


def _named(name: str, table: tuple[str, ...]) -> AfterValidator:
    """Check a name out of a table; a wrong one is told the nearest."""

    def check(value: str) -> str:
        if value not in table:
            wanted = f"be one of {', '.join(table)}"
            raise ValueError(str(InvalidArgument(name, value[:60], wanted, nearest_name(value, table))))
        return value

    return AfterValidator(check)


def _enum(table: tuple[str, ...]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": list(table)})


Prompt = Annotated[str, StringConstraints(min_length=1, max_length=32000, strip_whitespace=True)]
Reference = Annotated[Any, BeforeValidator(_reference), WithJsonSchema(REFERENCE)]
References = Annotated[list[Reference], BeforeValidator(listed)]
Seconds = Annotated[float, BeforeValidator(_seconds), WithJsonSchema({"type": "string", "examples": ["4", "8", "12"]})]
SIDE = "([1-9][0-9]{0,2}|[1-7][0-9]{3})"
SIZE = {"type": "string", "pattern": f"^(auto|{SIDE}x{SIDE})$", "examples": ["720x1280", "1280x720"]}
Size = Annotated[str, AfterValidator(_size), WithJsonSchema(SIZE)]
Crop = Annotated[
    list[Annotated[float, Field(ge=0, le=1)]], BeforeValidator(unpacked), Field(min_length=4, max_length=4)
]
Model = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Speed = Annotated[float, Field(ge=-2, le=2)]
WHOLE = BeforeValidator(_whole)
Style = Annotated[str, _named("style", STYLES), _enum(STYLES)]
AnyStyle = Annotated[str, _named("style", (*STYLES, *OLD_STYLES)), _enum((*STYLES, *OLD_STYLES))]
Camera = Annotated[str, _named("camera", CAMERAS), _enum(CAMERAS)]
Strength = Annotated[float, Field(gt=0, le=1), BeforeValidator(_strength)]


class Request(BaseModel):
    """Anything asked: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True, allow_inf_nan=False)


class Settings(Request):
    """What the old API had no words for; the names are the Python twin's."""

    seed: Annotated[int, Field(ge=0, le=MAX_SEED), WHOLE] | None = None
    fps: Annotated[float, Field(ge=FPS[0], le=FPS[1])] | None = None
    negative_prompt: Annotated[str, StringConstraints(max_length=32000)] | None = None
    num_inference_steps: Annotated[int, Field(ge=1, le=1000), WHOLE] | None = None
    guidance_scale: Annotated[float, Field(ge=0, le=100)] | None = None
    style: Style | None = None
    camera: Camera | None = None
    motion: Annotated[float, Field(ge=0, le=1)] | None = None
    pan: Speed | None = None
    tilt: Speed | None = None
    zoom: Speed | None = None


class Keyframe(Request):
    """A picture to stand at one time: a file, an image, a video's frame. crop: left, top, right, bottom in 0..1."""

    time: Annotated[float, Field(ge=0, le=MAX_SECONDS)]
    file: Reference | None = None
    image: Reference | None = None
    video: Reference | None = None
    crop: Crop | None = None

    @model_validator(mode="after")
    def one_picture(self) -> Keyframe:
        """Refuse none and several; refuse an empty crop."""
        if sum(found is not None for found in (self.file, self.image, self.video)) != 1:
            raise ValueError("needs exactly one of file, image, video")
        if self.crop and (self.crop[0] >= self.crop[2] or self.crop[1] >= self.crop[3]):
            raise ValueError("crop must be [left, top, right, bottom] with left < right and top < bottom")
        return self

    @property
    def reference(self) -> Any:
        """The picture, by whatever name."""
        return next(found for found in (self.file, self.image, self.video) if found is not None)


class Shot(Request):
    """A prompt from one time on; a picture or clip may stand at its beginning."""

    time: Annotated[float, Field(ge=0, le=MAX_SECONDS)]
    prompt: Prompt
    file: Reference | None = None


class CharacterName(Request):
    """A character to appear, by id."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=100)]


class CreateVideo(Settings):
    """POST /v1/videos."""

    prompt: Prompt
    model: Model = "sora-2"
    seconds: Seconds = 4.0
    size: Size = "720x1280"
    input_reference: Reference | None = None
    characters: Annotated[list[CharacterName], BeforeValidator(listed), Field(max_length=2)] | None = None
    keyframes: Annotated[list[Keyframe], BeforeValidator(listed), Field(min_length=1, max_length=32)] | None = None
    storyboard: Annotated[list[Shot], BeforeValidator(listed), Field(min_length=1, max_length=32)] | None = None
    loop: bool = False

    @model_validator(mode="after")
    def one_task(self) -> CreateVideo:
        """Refuse keys that say two different things, and times outside the video."""
        given = [name for name in ("keyframes", "storyboard", "input_reference") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{given[1]} must be left out when {given[0]} is given")
        if self.loop and given not in ([], ["input_reference"]):
            raise ValueError(f"loop must be left out when {given[0]} is given")
        times = [item.time for item in (self.keyframes or [])] + [shot.time for shot in (self.storyboard or [])]
        if any(time > self.seconds for time in times):
            raise ValueError(f"time must be at most the {self.seconds:g} seconds of the video")
        if len(set(times)) < len(times):
            raise ValueError("two items have the same time")
        return self


class RemixVideo(Settings):
    """POST /v1/videos/{id}/remix."""

    prompt: Prompt
    strength: Strength | None = None


class EditVideo(Settings):
    """POST /v1/videos/edits. mask: a PNG, alpha 0 marks what to change."""

    prompt: Prompt
    video: Reference
    model: Model = "sora-2"
    mask: Reference | None = None
    strength: Strength | None = None


class ExtendVideo(Settings):
    """POST /v1/videos/extensions."""

    prompt: Prompt
    video: Reference
    seconds: Annotated[Seconds, Field(le=MAX_EXTENSION)] = 4.0
    model: Model = "sora-2"
    direction: Literal["forward", "backward"] = "forward"


class BlendVideos(Settings):
    """POST /v1/videos/blends: lead from the first video to the second."""

    videos: Annotated[References, Field(min_length=2, max_length=2)]
    prompt: Annotated[str, StringConstraints(max_length=32000)] = ""
    model: Model = "sora-2"
    seconds: Annotated[Seconds, Field(le=MAX_EXTENSION)] | None = None


class CreateCharacter(Request):
    """POST /v1/videos/characters."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True)]
    video: Reference


class Pictures(Settings):
    """What both calls for pictures share. Keys of the old API that change nothing here are named in `ignored`."""

    prompt: Prompt
    model: Model | None = None
    n: Annotated[int, Field(ge=1, le=10), WHOLE] | None = None
    size: Size | None = None
    response_format: Literal["b64_json", "url"] | None = None
    output_format: Literal["png", "webp", "jpeg"] | None = None
    style: AnyStyle | None = None
    background: str | None = None
    moderation: str | None = None
    output_compression: Annotated[int, Field(ge=0, le=100), WHOLE] | None = None
    partial_images: Annotated[int, Field(ge=0, le=0), WHOLE] | None = None
    quality: str | None = None
    stream: Annotated[bool, AfterValidator(_unstreamed), WithJsonSchema({"const": False})] | None = None
    user: str | None = None

    @property
    def ignored(self) -> list[str]:
        """The keys that were given and change nothing here."""
        given = [name for name in IGNORED if getattr(self, name, None) is not None]
        return given + (["style"] if self.style in OLD_STYLES else [])


class GenerateImage(Pictures):
    """POST /v1/images/generations."""


class EditImage(Pictures):
    """POST /v1/images/edits. mask: a PNG, alpha 0 marks what to change."""

    image: Annotated[References, Field(min_length=1, max_length=16)]
    mask: Reference | None = None
    strength: Strength | None = None
    input_fidelity: str | None = None


class CheckProvenance(Request):
    """POST /v1/content_provenance_checks."""

    file: Reference
