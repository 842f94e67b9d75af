"""Options that several commands share.

`shared` adds those that every film has to a command's own, and hands them over as one `Shared`.
"""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from skyloom.errors import InvalidArgument
from skyloom.pipelines.camera_words import CAMERAS
from skyloom.provenance.manifest import STAMPED, Provenance
from skyloom.world.vocabulary import STYLES

Prompt = Annotated[str | None, typer.Argument(help="what to show, in English or Chinese", show_default=False)]
Size = Annotated[str | None, typer.Option(metavar="WxH", help="width x height in pixels; left out: as trained")]
Fps = Annotated[float | None, typer.Option(help="frames a second; left out: as trained")]
Seed = Annotated[int | None, typer.Option(help="the same seed makes the same video; left out: a new one")]
Steps = Annotated[int | None, typer.Option(help="steps from noise to video; left out: the checkpoint's own")]
Guidance = Annotated[float | None, typer.Option(help="how strongly the prompt pulls, 1 is not at all")]
NegativePrompt = Annotated[str | None, typer.Option(help="what to keep away from")]
Style = Annotated[str | None, typer.Option(help=f"one of {', '.join(STYLES)}")]
Expand = Annotated[bool | None, typer.Option("--expand/--no-expand", help="tell the prompt in full, and show it")]
Reword = Annotated[
    bool | None, typer.Option("--reword/--no-reword", help="tell words that training never used in words that it did")
]
ExpandUrl = Annotated[
    str | None, typer.Option(metavar="URL", help="with --expand: let the model of an OpenAI-compatible API do it")
]
ExpandModel = Annotated[str | None, typer.Option(help="the model's name there")]
Camera = Annotated[str | None, typer.Option(help=f"one of {', '.join(CAMERAS)}")]
Motion = Annotated[float | None, typer.Option(help="how much moves, 0 to 1; left out: as the prompt has it")]
Pan = Annotated[float | None, typer.Option(help="camera, views a second to the right; negative: left")]
Tilt = Annotated[float | None, typer.Option(help="camera, views a second up; negative: down")]
Zoom = Annotated[float | None, typer.Option(help="camera, doublings a second; negative: out")]
Plan = Annotated[bool | None, typer.Option("--plan/--no-plan", help="plan where actors go before they are painted")]
Stream = Annotated[
    bool | None, typer.Option("--stream/--no-stream", help="frame after frame, the first at once; needs a causal part")
]
Paths = Annotated[
    list[str], typer.Option("--path", help="where an actor goes: points SECOND:X,Y from the top left; repeat")
]
Fit = Annotated[str, typer.Option(help="pictures and videos of another shape: crop, or pad with black")]
Checkpoint = Annotated[str | None, typer.Option(help="shipped name or folder; left out: the best one shipped")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="file to write; left out: out/PROMPT-SEED")]
Scale = Annotated[int | None, typer.Option(help="enlarge the file; left out: until its short side is about 256")]
Quality = Annotated[float, typer.Option(help="0 to 100, for mp4, webm and webp")]
Sign = Annotated[bool, typer.Option("--sign/--no-sign", help="a signed C2PA manifest in the file")]
Mark = Annotated[bool, typer.Option("--mark/--no-mark", help="an invisible mark in the picture")]
VisibleMark = Annotated[bool, typer.Option("--visible-mark/--no-visible-mark", help="a small mark that wanders")]
From = Annotated[Path | None, typer.Option("--from", help="make a file again from the settings inside it")]

COMMON: dict[str, tuple[Any, Any]] = {
    "size": (Size, None), "fps": (Fps, None), "seed": (Seed, None), "steps": (Steps, None),
    "guidance": (Guidance, None), "negative_prompt": (NegativePrompt, None), "style": (Style, None),
    "expand": (Expand, None), "expand_url": (ExpandUrl, None), "expand_model": (ExpandModel, None),
    "reword": (Reword, None), "camera": (Camera, None), "motion": (Motion, None),
    "pan": (Pan, None), "tilt": (Tilt, None), "zoom": (Zoom, None), "fit": (Fit, "crop"),
    "checkpoint": (Checkpoint, None), "output": (Output, None), "scale": (Scale, None), "quality": (Quality, 80.0),
    "sign": (Sign, True), "mark": (Mark, True), "visible_mark": (VisibleMark, False),
}  # fmt: skip
"""Name: its option, and what it is when left out."""
RENAMED = {"steps": "num_inference_steps", "guidance": "guidance_scale"}


@dataclass(frozen=True)
class Shared:
    """What was asked for by shared options; `settings` are those of the task, without what was left out."""

    checkpoint: str | None
    output: Path | None
    scale: int | None
    quality: float
    provenance: Provenance = STAMPED
    settings: dict[str, Any] = field(default_factory=dict)


def packed(values: dict[str, Any]) -> Shared:
    """Sort the values of COMMON. Raises InvalidArgument for a size that is none."""
    rest = dict(values)
    height, width = parse_size(rest.pop("size"))
    paper = {name: rest.pop(name) for name in ("checkpoint", "output", "scale", "quality")}
    told = Provenance(sign=rest.pop("sign"), mark=rest.pop("mark"), visible=rest.pop("visible_mark"))
    named = {RENAMED.get(name, name): value for name, value in rest.items()} | {"height": height, "width": width}
    given = {name: value for name, value in named.items() if value is not None}
    return Shared(**paper, provenance=told, settings=given)


def shared(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of COMMON; it gets them as its argument `shared`."""
    own = inspect.signature(command)
    hints = typing.get_type_hints(command, include_extras=True)
    parameters = [p.replace(annotation=hints[p.name]) for p in own.parameters.values() if p.name != "shared"]
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [p.replace(kind=keyword) for p in parameters]
    for name, (annotation, default) in COMMON.items():
        parameters.append(inspect.Parameter(name, keyword, default=default, annotation=annotation))

    @wraps(command)
    def called(**values: Any) -> None:
        common = packed({name: values.pop(name) for name in COMMON})
        command(**values, shared=common)

    called.__signature__ = own.replace(parameters=parameters)  # ty: ignore[missing-attribute]
    called.__annotations__ = {p.name: p.annotation for p in parameters}
    del called.__wrapped__
    return called


def parse_size(text: str | None) -> tuple[int | None, int | None]:
    """Return (height, width) of "96x64", which is width x height; (None, None) for None. Raises InvalidArgument."""
    if text is None:
        return None, None
    match = re.fullmatch(r"(\d{1,5})\s*[xX×*]\s*(\d{1,5})", text.strip())
    if not match:
        raise InvalidArgument("size", text, "be WIDTHxHEIGHT in pixels", "64x64")
    return int(match[2]), int(match[1])


def slug(prompt: str) -> str:
    """Return a prompt's first words as a file name."""
    words = re.findall(r"\w+", prompt.lower())[:8]
    return "-".join(words)[:48].strip("-") or "video"
