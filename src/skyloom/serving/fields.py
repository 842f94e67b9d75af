"""Kinds of values that requests of the API hold, checked one by one.

A reference to a picture or video is one of: an upload, `{"id"}` of a video made here, `{"file_id"}` of a stored file,
`{"image_url"}` (a data URL; others only where the server allows it), or such an id or data URL as plain text.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema
from starlette.datastructures import UploadFile

from skyloom.errors import InvalidArgument, nearest_name
from skyloom.serving.offers import MAX_SECONDS, parse_size
from skyloom.world.vocabulary import STYLES

STRENGTHS = {"subtle": 0.35, "mild": 0.6, "strong": 0.85}
OLD_STYLES = ("vivid", "natural")
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


def alone(values: list[Any]) -> list[Any]:
    """Refuse several pictures rather than forget all but the first."""
    if len(values) > 1:
        raise ValueError(f"must be one picture, got {len(values)}: several are not put together here")
    return values


def unstreamed(value: bool) -> bool:
    """Refuse pictures in parts."""
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
