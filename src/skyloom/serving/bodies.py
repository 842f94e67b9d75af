"""Requests of the API, checked."""

from __future__ import annotations

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

from skyloom.serving.fields import (
    MAX_SEED,
    OLD_STYLES,
    WHOLE,
    AnyStyle,
    Camera,
    Crop,
    Model,
    Prompt,
    Reference,
    References,
    Seconds,
    Size,
    Speed,
    Strength,
    Style,
    alone,
    listed,
    unpacked,
    unstreamed,
)
from skyloom.serving.offers import FPS, MAX_EXTENSION, MAX_SECONDS

IGNORED = ("background", "moderation", "output_compression", "quality", "user", "input_fidelity")


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
    stream: Annotated[bool, AfterValidator(unstreamed), WithJsonSchema({"const": False})] | None = None
    user: str | None = None

    @property
    def ignored(self) -> list[str]:
        """The keys that were given and change nothing here."""
        given = [name for name in IGNORED if getattr(self, name, None) is not None]
        return given + (["style"] if self.style in OLD_STYLES else [])


class GenerateImage(Pictures):
    """POST /v1/images/generations."""


class EditImage(Pictures):
    """POST /v1/images/edits: of one picture. mask: a PNG, alpha 0 marks what to change."""

    image: Annotated[References, Field(min_length=1, json_schema_extra={"maxItems": 1}), AfterValidator(alone)]
    mask: Reference | None = None
    strength: Strength | None = None
    input_fidelity: str | None = None


class ExpiresAfter(Request):
    """How long a file is kept."""

    anchor: Literal["created_at"] = "created_at"
    seconds: Annotated[int, Field(ge=3600, le=2592000), WHOLE]


class CreateFile(Request):
    """POST /v1/files: a picture or film."""

    file: Reference
    purpose: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern="^[a-z_-]+$")] = "user_data"
    expires_after: Annotated[ExpiresAfter, BeforeValidator(unpacked)] | None = None


class CheckProvenance(Request):
    """POST /v1/content_provenance_checks."""

    file: Reference
