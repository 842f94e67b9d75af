"""The OpenAPI document, and a page that shows it without any other site.

Bodies are read by `forms`, so their schemas are told here: each both as JSON and as a form.
"""

from __future__ import annotations

from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from skyloom.serving import bodies

REF = "#/components/schemas/{model}"
MODELS: tuple[type[BaseModel], ...] = (
    bodies.CreateVideo, bodies.RemixVideo, bodies.EditVideo, bodies.ExtendVideo, bodies.BlendVideos,
    bodies.CreateCharacter, bodies.GenerateImage, bodies.EditImage, bodies.CheckProvenance, bodies.CreateFile,
)  # fmt: skip
FILES = ("input_reference", "video", "mask", "image", "file")
OF_VIDEO = (
    "retrieve_video", "delete_video", "download_content", "remix_video", "cancel_video", "video_events",
)  # fmt: skip
LINKS = {
    **dict.fromkeys(("create_video", "edit_video", "extend_video", "blend_videos"), ("video_id", OF_VIDEO)),
    "create_character": ("character_id", ("get_character",)),
    "create_file": ("file_id", ("retrieve_file", "file_content", "delete_file")),
}
"""Calls by name: which parameter of which other calls their answer's id is."""
STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;color:#222}
code,pre{font-family:ui-monospace,monospace;font-size:.9em}
h2{margin-top:2.5rem;border-top:1px solid #ddd;padding-top:1rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.2rem .8rem .2rem 0}
.method{font-weight:700;display:inline-block;min-width:4.5rem}
pre{background:#f6f6f6;padding:.6rem;overflow:auto}
@media(prefers-color-scheme:dark){body{background:#161616;color:#ddd}pre{background:#222}h2{border-color:#333}}"""


def body_of(model: type[BaseModel], *, as_json: bool = True) -> dict[str, Any]:
    """Return what a route says of its body: JSON, or a form of the keys that are flat."""
    as_form = {"multipart/form-data": {"schema": form_schema(model)}}
    told = {"application/json": {"schema": {"$ref": REF.format(model=model.__name__)}}} if as_json else {}
    return {"requestBody": {"required": True, "content": {**told, **as_form}}}


def form_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of a form: the flat keys as they are, references as files."""
    whole = model.model_json_schema(ref_template=REF)
    told: dict[str, Any] = {}
    for name, schema in whole["properties"].items():
        kinds = [found for found in schema.get("anyOf", [schema]) if found.get("type") != "null"]
        if name in FILES:
            told[name] = {"type": "string", "format": "binary"}
        elif kinds and all(found.get("type") not in ("object", "array", None) for found in kinds):
            told[name] = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    required = [name for name in whole.get("required", []) if name in told]
    return {"type": "object", "properties": told, "required": required, "additionalProperties": False}


def openapi(app: FastAPI) -> dict[str, Any]:
    """Return the app's OpenAPI document, made once."""
    if app.openapi_schema is None:
        found = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        _, schemas = models_json_schema([(model, "validation") for model in MODELS], ref_template=REF)
        parts = found.setdefault("components", {})
        parts.setdefault("schemas", {}).update(schemas["$defs"])
        parts["schemas"].pop("HTTPValidationError", None)
        parts["schemas"].pop("ValidationError", None)
        parts["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        for path in found["paths"].values():
            for operation in path.values():
                _finish(operation)
        app.openapi_schema = found
    return app.openapi_schema


def _finish(operation: dict[str, Any]) -> None:
    """Say that a key may be needed, and where an answer's id leads."""
    operation["responses"].pop("422", None)
    operation["security"] = [{}, {"key": []}]
    name, ends = LINKS.get(operation["operationId"], ("", ()))
    if name:
        links = {end: {"operationId": end, "parameters": {name: "$response.body#/id"}} for end in ends}
        operation["responses"]["200"]["links"] = links


def page(document: dict[str, Any]) -> str:
    """Return the document as one HTML page."""
    parts = [
        _operation(path, method, told) for path, all_of in document["paths"].items() for method, told in all_of.items()
    ]
    schemas = "".join(_schema(name, schema) for name, schema in document["components"]["schemas"].items())
    title = escape(document["info"]["title"])
    intro = f"<h1>{title}</h1><p>{escape(document['info'].get('description', ''))}</p>"
    raw = '<p>The same for programs: <a href="/openapi.json">/openapi.json</a></p>'
    head = f"<!doctype html><meta charset=utf-8><title>{title}</title><style>{STYLE}</style>"
    return f"{head}{intro}{raw}{''.join(parts)}{schemas}"


def _operation(path: str, method: str, told: dict[str, Any]) -> str:
    """Return one call: what it does, takes and answers."""
    said = escape(told.get("description") or told.get("summary", ""))
    head = f"<h2><span class=method>{method.upper()}</span> <code>{escape(path)}</code></h2><p>{said}</p>"
    named = "".join(
        f"<tr><td><code>{escape(one['name'])}</code><td>{one['in']}<td>{escape(_kind(one['schema']))}"
        for one in told.get("parameters", [])
    )
    content = told.get("requestBody", {}).get("content", {})
    shown = next(iter(content.values()), {}).get("schema", {})
    takes = f"<p>Takes {_link(shown)} as {' or '.join(content)}</p>" if content else ""
    rows = "".join(f"<tr><td>{status}<td>{escape(one['description'])}" for status, one in told["responses"].items())
    return f"{head}<table>{named}</table>{takes}<details><summary>Answers</summary><table>{rows}</table></details>"


def _link(schema: dict[str, Any]) -> str:
    name = schema.get("$ref", "").rpartition("/")[2]
    return f'<a href="#{escape(name)}">{escape(name)}</a>' if name else "a form"


def _schema(name: str, schema: dict[str, Any]) -> str:
    """Return one kind of object with its keys."""
    needed = schema.get("required", [])
    rows = "".join(
        f"<tr><td><code>{escape(key)}</code>{' *' if key in needed else ''}<td>{escape(_kind(one))}"
        for key, one in schema.get("properties", {}).items()
    )
    about = escape(schema.get("description", ""))
    return f'<h2 id="{escape(name)}"><code>{escape(name)}</code></h2><p>{about}</p><table>{rows}</table>'


def _kind(schema: dict[str, Any]) -> str:
    """Return a schema in a few words."""
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(one) for one in schema["anyOf"]))
    if "const" in schema or "enum" in schema:
        return ", ".join(map(str, schema.get("enum", [schema.get("const")])))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    bounds = {
        "minimum": ">=",
        "exclusiveMinimum": ">",
        "maximum": "<=",
        "minLength": "length >=",
        "maxLength": "length <=",
    }
    return " ".join(
        [str(schema.get("type", "any")), *(f"{sign} {schema[key]}" for key, sign in bounds.items() if key in schema)]
    )
