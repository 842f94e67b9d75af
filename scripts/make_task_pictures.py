"""Make the pictures of docs/tasks.md with the shipped weights: a strip of frames for each task.

    python scripts/make_task_pictures.py [CHECKPOINT]

Writes docs/pictures/tasks.png. The clips that tasks begin from are scenes of the simulated world that training never
saw; seed 0, nothing chosen by hand. Frames made by Skyloom have no border, those given to it a dark one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

import skyloom
from skyloom.pipelines.masks import box_mask
from skyloom.pipelines.pipeline import Pipeline
from skyloom.pipelines.storyboard import Shot
from skyloom.video import Video
from skyloom.world.captions import caption
from skyloom.world.facts import describe_all
from skyloom.world.stream import World

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
FRAMES, SIZE, LABEL = 8, 112, 20
FIRST_SCENE = 910_000
Strip = tuple[str, Video, Callable[[int], bool]]


def scenes(pipeline: Pipeline, count: int) -> tuple[list[Video], list[str]]:
    """Return held-out clips of the checkpoint's world, and their captions."""
    clip, world = pipeline.preset.clip, World(pipeline.preset.world)
    batch = world.batch(torch.arange(FIRST_SCENE, FIRST_SCENE + count), clip, "heldout")
    told = [caption(facts, "en", "plain", 0) for facts in describe_all(batch.scenes, clip.num_frames / clip.fps)]
    return [Video.from_pixels(pixels, clip.fps) for pixels in batch.pixels], told


def strips(pipeline: Pipeline) -> list[Strip]:
    """Make one film of each task. Returns its label, the film, and which of its frames were given."""
    (own, other, *_), (words, _, *_) = scenes(pipeline, 4)
    seed, count = {"seed": 0}, len(own.frames)
    first = replace(own, frames=own.frames[:1])
    box = lambda room, video, frames: box_mask(room, (0.5, 0.4, 0.95, 0.95), video.frames.shape[1:3], frames)  # noqa: E731
    loop, joined = pipeline.loop(own, words, **seed), pipeline.connect(own, other, words, **seed)
    back, after = len(joined.frames) - len(other.frames), pipeline.extend(own, words, seconds=3, **seed)
    before = pipeline.extend_back(own, words, seconds=3, **seed)
    led = len(before.frames) - count
    shots = [Shot("a dog runs right on the beach", 2), Shot("a dog jumps in a snowy forest", 2, cut=True)]
    wide = {"width": own.size.width * 3 // 2, "height": own.size.height}
    none = lambda frame: False  # noqa: E731
    return [
        (f"given: {words}", own, lambda frame: True),
        ("animate: from the first picture", pipeline.animate(first, words, **seed), lambda frame: frame == 0),
        ("extend", after, lambda frame: frame < count),
        ("extend --backward", before, lambda frame: frame >= led),
        ("connect", joined, lambda frame: frame < count or frame >= back),
        ("loop", loop, lambda frame: frame < count),
        ("interpolate, 8 to 16 a second", pipeline.interpolate(own, words, **seed), lambda frame: frame % 2 == 0),
        ("edit 'make it snow'", pipeline.instruct(own, "make it snow", source_guidance_scale=1.5, **seed), none),
        ("edit 'charcoal' --strength strong", pipeline.restyle(own, "charcoal", strength="strong", **seed), none),
        ("edit 'a red ball' --box 0.5,0.4,0.95,0.95", pipeline.inpaint(own, box, "a red ball", **seed), none),
        ("edit --outpaint", pipeline.outpaint(own, words, **wide, **seed), none),
        ("edit --cinemagraph --box", pipeline.cinemagraph(first, box, words, **seed), lambda frame: frame == 0),
        ("storyboard: beach, cut, forest", pipeline.storyboard(shots, **seed), none),
        ("generate --seconds 20", pipeline.generate("a dog runs right on the beach", seconds=20, **seed), none),
    ]


def row(label: str, film: Video, given: Callable[[int], bool]) -> Image.Image:
    """Lay FRAMES frames side by side above their label."""
    chosen = np.linspace(0, len(film.frames) - 1, FRAMES).round().astype(int)
    picture = Image.new("RGB", (FRAMES * (SIZE + 4), SIZE + LABEL + 4), "white")
    draw = ImageDraw.Draw(picture)
    for place, frame in enumerate(chosen):
        left = place * (SIZE + 4)
        if given(int(frame)):
            draw.rectangle((left, 0, left + SIZE + 3, SIZE + 3), fill="black")
        tile = Image.fromarray(film.frames[frame])
        scale = SIZE / max(tile.size)
        tile = tile.resize((round(tile.width * scale), round(tile.height * scale)), Image.Resampling.LANCZOS)
        picture.paste(tile, (left + 2, 2 + (SIZE - tile.height) // 2))
    draw.text((2, SIZE + 5), label, "black", ImageFont.load_default(13))
    return picture


def main(checkpoint: str | None) -> None:
    """Make the picture."""
    rows = [row(*strip) for strip in strips(skyloom.load(checkpoint))]
    sheet = Image.new("RGB", (rows[0].width, sum(item.height for item in rows)), "white")
    top = 0
    for item in rows:
        sheet.paste(item, (0, top))
        top += item.height
    PICTURES.mkdir(parents=True, exist_ok=True)
    sheet.save(PICTURES / "tasks.png", optimize=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
