"""`skyloom edit`: videos changed.

skyloom edit fox.mp4 "make it snow" -o snow.mp4

import skyloom
video = skyloom.load().instruct(skyloom.read_video("fox.mp4"), "make it snow")
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from skyloom.cli import options
from skyloom.cli.making import Paper, make_film, read_input
from skyloom.errors import InvalidArgument

if TYPE_CHECKING:
    from torch import Tensor

    from skyloom.diffusion.sampler import OnStep
    from skyloom.pipelines.film import Film
    from skyloom.pipelines.pipeline import Pipeline
    from skyloom.pipelines.tasks import Room
    from skyloom.video import Video

Mask = Callable[["Room", "Video", int], "Tensor"]
KINDS = ("restyle", "replace", "outpaint", "cinemagraph")


@options.shared
def edit(
    video: Annotated[Path, typer.Argument(help="video or picture of any format, size and rate")],
    prompt: Annotated[
        str | None, typer.Argument(help="what to do; with the options below: what to show", show_default=False)
    ] = None,
    strength: Annotated[
        str | None, typer.Option(help="make it anew from its own shapes: subtle, mild, strong, or 0 to 1")
    ] = None,
    mask: Annotated[Path | None, typer.Option(help="picture or video, white where something new is to be")] = None,
    box: Annotated[
        str | None, typer.Option(metavar="L,T,R,B", help="a mask of one box, edges in shares of the frame")
    ] = None,
    replace: Annotated[str | None, typer.Option(metavar="OLD=NEW", help="find a thing, make another there")] = None,
    threshold: Annotated[float, typer.Option(help="for --replace: smaller finds more")] = 0.5,
    outpaint: Annotated[bool, typer.Option("--outpaint", help="show all of it within --size, make the rest")] = False,
    cinemagraph: Annotated[
        bool, typer.Option("--cinemagraph", help="a picture of which only the masked part moves")
    ] = False,
    seconds: Annotated[float, typer.Option(help="for --cinemagraph: length")] = 2.0,
    source_guidance: Annotated[
        float, typer.Option(help="for instructions: how strongly the video pulls back, 1 is not at all")
    ] = 1.0,
    *,
    shared: options.Shared,
) -> None:
    """Change a video: by a word of command, by a style, within a mask, around its edges.

    With nothing but a prompt, the prompt is an instruction. What lies outside of a mask stays as it is, pixel for
    pixel. `--replace` finds the thing where the network's own answers to both words differ (as in DiffEdit).

    Examples: `skyloom edit fox.mp4 "make it snow"` -- `skyloom edit fox.mp4 "a fox, charcoal" --strength mild` --
    `skyloom edit fox.mp4 "a red ball" --box 0.6,0.5,0.9,0.8` -- `skyloom edit dog.mp4 --replace dog=fox` --
    `skyloom edit fox.mp4 --outpaint --size 96x64` -- `skyloom edit sea.png "waves" --cinemagraph --mask sea-mask.png`
    """
    given = (strength is not None, replace is not None, outpaint, cinemagraph)
    chosen = [kind for kind, asked in zip(KINDS, given, strict=True) if asked]
    painted = mask is not None or box is not None
    _check_kinds(chosen, painted, prompt)
    own, area = read_input(video), _area(mask, box)
    kind = chosen[0] if chosen else "inpaint" if painted else "instruct"
    own_words = own.metadata.get("prompt") if kind in ("replace", "outpaint") else None
    words = prompt or own_words
    pair = _pair(replace) if replace is not None else ("", "")

    def film(pipeline: Pipeline, on_step: OnStep, console: Console) -> Film:
        from skyloom.pipelines import edits

        settings: dict[str, Any] = {**shared.settings, "on_step": on_step}
        if kind == "restyle":
            return edits.restyle(pipeline, own, words or "", strength=_number(str(strength)), **settings)
        if kind == "replace":
            shown = words if words and pair[0] in words else None
            return edits.replace_thing(pipeline, own, *pair, shown, threshold=threshold, **settings)
        if kind == "outpaint":
            return edits.outpaint(pipeline, own, words, **settings)
        if kind == "cinemagraph":
            return edits.cinemagraph(pipeline, own, area, words, seconds=seconds, **settings)
        if kind == "inpaint":
            return edits.inpaint(pipeline, own, area, words, **settings)
        return edits.instruct(pipeline, own, words or "", source_guidance_scale=source_guidance, **settings)

    made_from = [video] if mask is None else [video, mask]
    make_film(Paper.of(f"{kind} {words or video.stem}", shared, made_from), shared.checkpoint, film)


def _check_kinds(chosen: list[str], painted: bool, prompt: str | None) -> None:
    """Raise InvalidArgument for options that do not go together."""
    if len(chosen) > 1:
        raise InvalidArgument("edit", " and ".join(f"--{kind}" for kind in chosen), "be of one kind at a time")
    kind = chosen[0] if chosen else None
    if kind in ("restyle", "replace", "outpaint") and painted:
        raise InvalidArgument("edit", f"a mask and {kind}", "be of one kind at a time")
    if kind == "cinemagraph" and not painted:
        raise InvalidArgument("mask", None, "say what moves: give --mask or --box")
    if prompt is None and (kind == "restyle" or (kind is None and not painted)):
        raise InvalidArgument("prompt", None, "say what to change")


def _number(text: str) -> float | str:
    """Return a number, or the word itself."""
    return float(text) if re.fullmatch(r"-?\d*\.?\d+", text) else text


def _pair(text: str) -> tuple[str, str]:
    """Return both words of "dog=fox". Raises InvalidArgument."""
    old, _, new = (part.strip() for part in text.partition("="))
    if not old or not new:
        raise InvalidArgument("replace", text, "be OLD=NEW", "dog=fox")
    return old, new


def _area(mask: Path | None, box: str | None) -> Mask:
    """Return the function that makes a mask for a room. Raises InvalidArgument, MediaError."""
    if mask is not None and box is not None:
        raise InvalidArgument("box", box, "be left out when a mask is given")
    if mask is not None:
        picture = read_input(mask)

        def from_picture(room: Room, video: Video, frames: int) -> Tensor:
            from skyloom.pipelines.masks import mask_of

            return mask_of(room, picture, frames)

        return from_picture
    edges = tuple(float(part) for part in re.findall(r"-?\d*\.?\d+", box or "0,0,1,1"))
    if len(edges) != 4:
        raise InvalidArgument("box", box, "be LEFT,TOP,RIGHT,BOTTOM in shares of the frame", "0.25,0.25,0.75,0.75")
    left, top, right, bottom = edges

    def from_box(room: Room, video: Video, frames: int) -> Tensor:
        from skyloom.pipelines.masks import box_mask

        return box_mask(room, (left, top, right, bottom), video.frames.shape[1:3], frames)

    return from_box
