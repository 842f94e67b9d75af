"""Request bodies of either kind, as one tree of values.

A form is flat: the client writes `characters[][id]` once for every item, `arr[]` for a list, `keyframes[0][time]` where
it counts, and booleans as `true`. `rebuilt` puts the tree together again. Where a form cannot say which item a value
belongs to (items with different keys, without numbers), it is refused rather than guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel
from starlette.datastructures import UploadFile

from skyloom.errors import nearest_name
from skyloom.serving.errors import ApiError

MAX_FIELDS = 1000
MAX_FILES = 32
MAX_DEPTH = 6
MAX_NAME = 64
MAX_FIELD_BYTES = 1 << 20
NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
URLS = ("data:", "http://", "https://")
FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")

M = TypeVar("M", bound=BaseModel)
Value = str | UploadFile
Fields = list[tuple[tuple[str, ...], Value]]


@dataclass(frozen=True)
class Body:
    """A request's values by name. as_text: they came as texts, from a form."""

    tree: dict[str, Any]
    as_text: bool

    @property
    def brings_files(self) -> bool:
        """Whether there is anything to decode: an upload, or a URL."""
        return _brings_files(self.tree)

    def read(self, model: type[M]) -> M:
        """Return the values checked; JSON must have the right types itself. Raises ValidationError, ApiError."""
        unknown = next((name[:100] for name in self.tree if name not in model.model_fields), None)
        if unknown is not None:
            nearest = nearest_name(unknown, model.model_fields)
            tail = f"; nearest: {nearest}" if nearest else ""
            raise ApiError(400, f"There is no parameter {unknown!r}{tail}.", code="unknown_parameter", param=unknown)
        return model.model_validate(self.tree, strict=not self.as_text)


def _brings_files(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(map(_brings_files, value.values() if isinstance(value, dict) else value))
    return isinstance(value, UploadFile) or (isinstance(value, str) and value.startswith(URLS))


@asynccontextmanager
async def read_body(request: Request) -> AsyncGenerator[Body]:
    """Give a request's body; uploads are UploadFile, closed at the end. Raises ApiError."""
    try:
        yield await _read(request)
    finally:
        await request.close()


async def _read(request: Request) -> Body:
    kind = request.headers.get("content-type", "application/json").split(";")[0].strip().lower()
    if kind in FORMS:
        parts = await request.form(max_files=MAX_FILES, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES)
        return Body(checked(rebuilt(parts.multi_items())), True)
    if kind != "application/json" and not kind.endswith("+json"):
        wanted = "application/json or multipart/form-data"
        raise ApiError(415, f"The body must be {wanted}, got {kind[:100]!r}.")
    return Body(checked(parse_json(await request.body())), False)


def parse_json(body: bytes) -> dict[str, Any]:
    """Return a JSON object; an empty body is an empty one. Raises ApiError."""
    try:
        found = json.loads(body, parse_constant=_no_constant) if body.strip() else {}
    except (ValueError, RecursionError) as error:
        raise ApiError(400, f"The body is not valid JSON: {error}.", code="invalid_json") from None
    if not isinstance(found, dict):
        raise ApiError(400, "The body must be a JSON object.", code="invalid_json")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def checked(tree: dict[str, Any]) -> dict[str, Any]:
    """Return a tree whose texts can be stored. Raises ApiError for no text (NUL, half a character), or one too deep."""
    _check(tree, "", MAX_DEPTH)
    return tree


def _check(value: Any, name: str, depth: int) -> None:
    if depth < 0:
        raise ApiError(400, f"{name[:100]!r} is nested too deeply.", code="invalid_value")
    if isinstance(value, str) and ("\0" in value or not _encodes(value)):
        raise ApiError(
            400, f"{name[:100]!r} holds a character that is no text.", code="invalid_value", param=name[:100]
        )
    if isinstance(value, dict):
        for key, item in value.items():
            shown = key.encode("utf-8", "replace").decode()
            _check(str(key), shown, depth)
            _check(item, f"{name}.{shown}" if name else shown, depth - 1)
    if isinstance(value, list):
        for item in value:
            _check(item, name, depth - 1)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def rebuilt(fields: Iterable[tuple[str, Value]]) -> dict[str, Any]:
    """Return the tree that flat field names describe. Raises ApiError for names that contradict each other.

    >>> rebuilt([("a[b]", "1"), ("c[]", "2"), ("c[]", "3"), ("d[][e]", "4"), ("d[][e]", "5")])
    {'a': {'b': '1'}, 'c': ['2', '3'], 'd': [{'e': '4'}, {'e': '5'}]}
    """
    split = [(path_of(name), value) for name, value in fields]
    return _tree(split, "")


def path_of(name: str) -> tuple[str, ...]:
    """Return the keys of a field name: `a[b][]` is ("a", "b", ""). Raises ApiError."""
    match = NAME.fullmatch(name)
    if not match:
        raise ApiError(400, f"{name[:100]!r} is no name of a form field.", code="invalid_form")
    keys = re.findall(r"\[([^\[\]]*)\]", match[2])
    if len(keys) > MAX_DEPTH or any(len(key) > MAX_NAME for key in keys):
        raise ApiError(400, f"{name[:100]!r} is nested too deeply, or too long.", code="invalid_form")
    return (match[1], *keys)


def _tree(fields: Fields, name: str) -> dict[str, Any]:
    """Return a dict of the first keys, each with what lies under it."""
    groups: dict[str, Fields] = {}
    for path, value in fields:
        groups.setdefault(path[0], []).append((path[1:], value))
    return {key: _under(found, f"{name}[{key}]" if name else key) for key, found in groups.items()}


def _under(found: Fields, name: str) -> Any:
    """Return what lies under one key: a value, a list or a dict."""
    kinds = {("value" if not path else "list" if path[0] == "" or path[0].isdecimal() else "dict") for path, _ in found}
    if len(kinds) > 1:
        raise ApiError(400, f"{name[:100]!r} is given in two shapes.", code="invalid_form", param=name[:100])
    if kinds == {"value"}:
        values = [value for _, value in found]
        return values[0] if len(values) == 1 else values
    return _items(found, name) if kinds == {"list"} else _tree(found, name)


def _items(found: Fields, name: str) -> list[Any]:
    """Return the items of a list, told apart by their numbers or by how often each of their keys comes."""
    numbered = [int(path[0]) for path, _ in found if path[0]]
    if numbered and len(numbered) < len(found):
        raise ApiError(400, f"{name[:100]!r} is given in two shapes.", code="invalid_form", param=name[:100])
    if numbered:
        by_number: dict[int, Fields] = {}
        for number, (path, value) in zip(numbered, found, strict=True):
            by_number.setdefault(number, []).append((path[1:], value))
        return [_under(by_number[number], f"{name}[{number}]") for number in sorted(by_number)]
    if all(path == ("",) for path, _ in found):
        return [value for _, value in found]
    return [_under(item, f"{name}[]") for item in _dealt([(path[1:], value) for path, value in found], name)]


def _dealt(found: Fields, name: str) -> list[Fields]:
    """Deal fields of unnumbered items out: the k-th value of each key belongs to item k."""
    by_key: dict[tuple[str, ...], list[Value]] = {}
    for path, value in found:
        by_key.setdefault(path, []).append(value)
    count = min(len(values) for path, values in by_key.items() if path[-1:] != ("",)) if _scalars(by_key) else 1
    if any(len(values) % count or (len(values) > count and path[-1:] != ("",)) for path, values in by_key.items()):
        message = f"The items of {name[:100]!r} have different keys; number them, {name}[0][key], or send JSON."
        raise ApiError(400, message, code="ambiguous_form", param=name[:100])
    items: list[Fields] = [[] for _ in range(count)]
    for path, values in by_key.items():
        each = len(values) // count
        for number, item in enumerate(items):
            item += [(path, value) for value in values[number * each : (number + 1) * each]]
    return items


def _scalars(by_key: dict[tuple[str, ...], list[Value]]) -> bool:
    return any(path[-1:] != ("",) for path in by_key)
