"""How well the invisible mark is found, and what it costs.

    python benchmarks/watermark.py --clips 40 --unmarked 1000

Clips of the simulated world are made as the command line writes them (64 x 64 enlarged to 256 x 256; other sizes with
`--side`, `--width` and `--scale`), marked, encoded as mp4 at quality 80, decoded, harmed, and encoded once more. Found
means above the threshold; read means that all 31 bits came back. Unmarked clips are only looked at.
"""

from __future__ import annotations

import argparse
import io
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import av
import numpy as np
import torch
from PIL import Image

from skyloom.data.fitting import upscale
from skyloom.presets import preset
from skyloom.provenance.watermark import STRENGTH, THRESHOLD, detect, embed, payload_of
from skyloom.video import Video
from skyloom.world.stream import World

FPS = 8
BATCH = 20


def clips(first: int, count: int, height: int, width: int, frames: int, factor: int) -> Iterator[np.ndarray]:
    """Yield frames (f, h, w, 3) of scenes `first` on, enlarged."""
    nano = preset("nano")
    shape = replace(nano.clip, num_frames=frames, height=height, width=width)
    for start in range(first, first + count, BATCH):
        numbers = torch.arange(start, min(start + BATCH, first + count))
        for pixels in World(nano.world).batch(numbers, shape, "train").pixels:
            yield upscale(Video.from_pixels(pixels, FPS), factor).frames


def h264(frames: np.ndarray, crf: float) -> np.ndarray:
    """Return frames after H.264; odd sizes lose a row or column."""
    height, width = (side - side % 2 for side in frames.shape[1:3])
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": str(crf)})
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        for frame in frames[:, :height, :width]:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def scaled(frames: np.ndarray, factor: float) -> np.ndarray:
    """Return frames of another size."""
    size = (round(frames.shape[2] * factor), round(frames.shape[1] * factor))
    return np.stack([np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC)) for frame in frames])


def cropped(frames: np.ndarray, random: np.random.Generator, share: float = 0.1) -> np.ndarray:
    """Return nine tenths of the height and of the width, from anywhere."""
    height, width = (round(side * (1 - share)) for side in frames.shape[1:3])
    top = random.integers(0, frames.shape[1] - height + 1)
    left = random.integers(0, frames.shape[2] - width + 1)
    return frames[:, top : top + height, left : left + width]


def cut(frames: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return one second, from anywhere."""
    first = random.integers(0, max(1, len(frames) - FPS + 1))
    return frames[first : first + FPS]


Harm = Callable[[np.ndarray, np.random.Generator], np.ndarray]
HARMS: dict[str, Harm] = {
    "as written": lambda frames, random: frames,
    "CRF 28": lambda frames, random: h264(frames, 28),
    "0.75 scale, CRF 28": lambda frames, random: h264(scaled(frames, 0.75), 28),
    "10 % crop, CRF 28": lambda frames, random: h264(cropped(frames, random), 28),
    "1 s cut, CRF 28": lambda frames, random: h264(cut(frames, random), 28),
    "all four": lambda frames, random: h264(cropped(scaled(cut(frames, random), 0.75), random), 28),
    "CRF 35": lambda frames, random: h264(frames, 35),
    "mirrored, 1.3 scale, CRF 23": lambda frames, random: h264(scaled(frames[:, :, ::-1], 1.3), 23),
}


def robustness(options: argparse.Namespace) -> None:
    """Print a row per harm."""
    scores: dict[str, list[tuple[float, bool]]] = {name: [] for name in HARMS}
    noise, seconds, random = [], [], np.random.default_rng(0)
    width = options.width or options.side
    every = clips(9_000_000, options.clips, options.side, width, options.frames, options.scale)
    for number, frames in enumerate(every):
        payload = payload_of("0" * 64, number)
        began = time.process_time()
        marked = embed(frames, payload, strength=options.strength)
        seconds.append(time.process_time() - began)
        noise.append(10 * math.log10(255**2 / np.mean((marked.astype(np.float32) - frames) ** 2)))
        written = h264(marked, 16)
        for name, harm in HARMS.items():
            found = detect(harm(written, random))
            scores[name].append((found.score, found.payload == payload))
    print(f"{options.clips} clips, {frames.shape[0]} frames of {frames.shape[2]} x {frames.shape[1]}")
    cost = f"{np.mean(seconds):.3f} s a clip"
    print(f"PSNR to the unmarked: least {min(noise):.2f} dB, mean {np.mean(noise):.2f}; {cost}\n")
    print("| after | found | read | least score | median |\n|---|---|---|---|---|")
    for name, rows in scores.items():
        z = np.array([score for score, _ in rows])
        read = np.mean([good for _, good in rows])
        print(f"| {name} | {np.mean(z > THRESHOLD):.3f} | {read:.3f} | {z.min():.2f} | {np.median(z):.2f} |")


def alarms(options: argparse.Namespace) -> None:
    """Print how often unmarked clips raise an alarm, and how near they come."""
    width = options.width or options.side
    every = clips(5_000_000, options.unmarked, options.side, width, options.frames, options.scale)
    scores = np.array([detect(frames).score for frames in every])
    print(f"\n{len(scores)} unmarked clips: {np.sum(scores > THRESHOLD)} alarms; highest score {scores.max():.2f}, ")
    print(f"median {np.median(scores):.2f}, threshold {THRESHOLD:.2f} (chance of an alarm at most 1e-6 a clip)")


def main() -> None:
    """Run both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=40)
    parser.add_argument("--unmarked", type=int, default=0)
    parser.add_argument("--side", type=int, default=64, help="height as made")
    parser.add_argument("--width", type=int, default=None, help="width as made; left out: the height")
    parser.add_argument("--scale", type=int, default=4, help="how often enlarged when written")
    parser.add_argument("--frames", type=int, default=17)
    parser.add_argument("--strength", type=float, default=STRENGTH, help="root mean square of the mark, of 255")
    options = parser.parse_args()
    if options.clips:
        robustness(options)
    if options.unmarked:
        alarms(options)


if __name__ == "__main__":
    main()
