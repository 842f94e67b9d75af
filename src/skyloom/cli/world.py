"""Render clips of the simulated world."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import torch
import typer
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from skyloom.data.video_io import write_video
from skyloom.errors import InvalidArgument
from skyloom.presets import preset as preset_by_name
from skyloom.provenance.manifest import Provenance
from skyloom.video import Video
from skyloom.world.captions import caption
from skyloom.world.facts import describe_all
from skyloom.world.stream import World

RENDERED = Provenance(mark=False, source="algorithmicMedia")
"""Clips to learn from say what they are, and carry no mark that a network could learn."""
TILE, TEXT_LINES, LINE_HEIGHT, PICTURES, GAP = 192, 3, 15, 3, 2


def contact_sheet(pixels: Tensor, captions: list[str]) -> Image.Image:
    """A row per clip and its caption beneath: first, middle and last frame. pixels: (b, 3, f, h, w) in [-1, 1]."""
    count, _, length, height, width = pixels.shape
    tile_width = max(32, round(TILE * width / height))
    clip_width, clip_height = PICTURES * (tile_width + GAP), TILE + TEXT_LINES * LINE_HEIGHT + 8
    columns = 2 if count > 1 else 1
    sheet = Image.new("RGB", (columns * (clip_width + 8), -(-count // columns) * clip_height), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for number, words in enumerate(captions):
        left, top = number % columns * (clip_width + 8), number // columns * clip_height
        frames = Video.from_pixels(pixels[number], 1.0).frames
        for place, frame in enumerate((0, length // 2, length - 1)):
            picture = Image.fromarray(frames[frame]).resize((tile_width, TILE), Image.Resampling.LANCZOS)
            sheet.paste(picture, (left + place * (tile_width + GAP), top))
        lines = textwrap.wrap(words, max(8, clip_width // 6))[:TEXT_LINES]
        draw.multiline_text((left + 4, top + TILE + 2), "\n".join(lines), fill="black", font=font, spacing=2)
    return sheet


def world(
    out: Annotated[Path, typer.Argument(help="Folder for clip-0000.mp4 and so on, captions.txt and sheet.png.")],
    count: Annotated[int, typer.Option(help="Number of clips.", min=1)] = 12,
    seed: Annotated[int, typer.Option(help="Number of the first scene; the scenes after it follow.", min=0)] = 0,
    preset: Annotated[str, typer.Option(help="Whose world, length and rate.")] = "nano",
    split: Annotated[str, typer.Option(help="Combinations to draw from: train, seen or heldout.")] = "train",
    frames: Annotated[int | None, typer.Option(help="Frames a clip; the preset's own if not given.", min=1)] = None,
    height: Annotated[int | None, typer.Option(help="Pixels; the preset's own if not given.", min=8)] = None,
    width: Annotated[int | None, typer.Option(help="Pixels; the preset's own if not given.", min=8)] = None,
    detail: Annotated[str, typer.Option(help="Captions: terse, plain or descriptive.")] = "plain",
    language: Annotated[str, typer.Option(help="Captions in captions.txt: en or zh.")] = "en",
    sheet: Annotated[bool, typer.Option(help="Also write a contact sheet, with captions in English.")] = True,
) -> None:
    """Render scenes of the simulated world, with their captions."""
    if out.is_file():
        raise InvalidArgument("out", str(out), "be a folder")
    chosen = preset_by_name(preset)
    length = frames or chosen.clip.num_frames
    size = {"height": height or chosen.clip.height, "width": width or chosen.clip.width}
    clip = replace(chosen.clip, num_frames=length, **size)
    batch = World(chosen.world).batch(torch.arange(seed, seed + count), clip, split)
    scenes, pixels = batch.scenes, batch.pixels
    facts = describe_all(scenes, length / chosen.clip.fps)
    captions = [caption(fact, language, detail, variant=0) for fact in facts]
    for number, words in enumerate(captions):
        video = Video.from_pixels(pixels[number], chosen.clip.fps, {"caption": words, "scene": seed + number})
        write_video(video, out / f"clip-{number:04d}.mp4", provenance=RENDERED)
    (out / "captions.txt").write_text("\n".join(captions) + "\n", encoding="utf-8")
    if sheet:
        english = [caption(fact, "en", detail, variant=0) for fact in facts]  # the sheet's font has no Chinese
        contact_sheet(pixels, english).save(out / "sheet.png")
    typer.echo(f"{count} clips in {out}")
