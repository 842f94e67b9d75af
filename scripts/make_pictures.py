"""Make the README's pictures with the shipped weights.

    python scripts/make_pictures.py [CHECKPOINT]

Writes docs/pictures/prompts.png (one row of frames for each prompt below, seed 0, nothing chosen by hand) and
docs/pictures/world.png (the simulated world itself).
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

import skyloom
from skyloom.presets import NANO
from skyloom.video import Video
from skyloom.world.captions import caption
from skyloom.world.facts import describe_all
from skyloom.world.stream import World

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
PROMPTS = (
    "a dog runs right on the beach",
    "a rocket flies to the left in outer space",
    "a soccer ball bounces on a stage",
    "a penguin walks left in a snowy forest",
    "a car rolls right on a city street",
    "a red balloon floats up in the mountains",
    "a robot jumps in the kitchen and a duck spins",
    "a teddy bear shrinks on a neon street",
)
FRAMES, SIZE, LABEL = 6, 128, 20


def row(frames: np.ndarray, text: str) -> Image.Image:
    """Lay FRAMES frames of (f, h, w, 3) side by side above their words."""
    chosen = frames[np.linspace(0, len(frames) - 1, FRAMES).round().astype(int)]
    picture = Image.new("RGB", (FRAMES * (SIZE + 2), SIZE + LABEL), "white")
    for number, frame in enumerate(chosen):
        picture.paste(Image.fromarray(frame).resize((SIZE, SIZE), Image.Resampling.LANCZOS), (number * (SIZE + 2), 0))
    ImageDraw.Draw(picture).text((2, SIZE + 2), text, "black", ImageFont.load_default(13))
    return picture


def sheet(rows: list[Image.Image], columns: int = 2) -> Image.Image:
    """Set rows in columns."""
    width, height = rows[0].size
    lines = -(-len(rows) // columns)
    picture = Image.new("RGB", (columns * (width + 10), lines * height), "white")
    for number, item in enumerate(rows):
        picture.paste(item, (number % columns * (width + 10), number // columns * height))
    return picture


def world_rows(count: int = 8, size: int = SIZE) -> list[Image.Image]:
    """Render scenes of the world at the pictures' own size."""
    world = World(NANO.world)
    clip = replace(NANO.clip, height=size, width=size)
    batch = world.batch(torch.arange(100, 100 + count), clip)
    texts = [caption(facts, "en", "plain", 0) for facts in describe_all(batch.scenes, clip.num_frames / clip.fps)]
    videos = [Video.from_pixels(pixels, clip.fps) for pixels in batch.pixels]
    return [row(video.frames, text) for video, text in zip(videos, texts, strict=True)]


def main(checkpoint: str | None) -> None:
    """Make both pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    pipeline = skyloom.load(checkpoint)
    made = [row(pipeline.generate(prompt, seed=0).frames, prompt) for prompt in PROMPTS]
    sheet(made).save(PICTURES / "prompts.png", optimize=True)
    sheet(world_rows()).save(PICTURES / "world.png", optimize=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
