"""Malformed uploads, by the thousand: none may crash, hang, or be refused without a reason.

    python benchmarks/fuzz_uploads.py --files 2000 --seed 0

Good mp4, png and webp files are cut, flipped, spliced, given absurd sizes in their headers, or joined to other files;
each goes through `skyloom.serving.uploads.check_upload`, as the server sends it.
"""

from __future__ import annotations

import argparse
import struct
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from skyloom.data.video_io import write_video
from skyloom.serving.uploads import InvalidUpload, check_upload
from skyloom.video import Video

SLOW = 5.0


def seeds(folder: Path) -> list[bytes]:
    """Return good files of all kinds, small ones."""
    noise = np.random.default_rng(0).integers(0, 255, (9, 8, 12, 3), np.uint8).repeat(6, 1).repeat(6, 2)
    made = [("a.mp4", 9), ("a.webp", 9), ("b.webp", 1), ("a.png", 1), ("b.mp4", 1)]
    return [write_video(Video(noise[:n], 8.0), folder / name, provenance=None).read_bytes() for name, n in made]


def cut(data: bytearray, random: np.random.Generator, others: list[bytes]) -> bytes:
    """Keep only the beginning."""
    return bytes(data[: random.integers(0, len(data))])


def flipped(data: bytearray, random: np.random.Generator, others: list[bytes]) -> bytes:
    """Change up to sixty-four bytes, near the start more often than not."""
    reach = len(data) if random.random() < 0.5 else min(len(data), 512)
    for place in random.integers(0, reach, random.integers(1, 65)):
        data[place] = random.integers(0, 256)
    return bytes(data)


def spliced(data: bytearray, random: np.random.Generator, others: list[bytes]) -> bytes:
    """Go on as another file from some place."""
    other = others[random.integers(len(others))]
    return bytes(data[: random.integers(8, len(data))]) + other[random.integers(0, len(other)) :]


def removed(data: bytearray, random: np.random.Generator, others: list[bytes]) -> bytes:
    """Take a piece out of the middle."""
    first = random.integers(4, len(data))
    del data[first : first + random.integers(1, 400)]
    return bytes(data)


def enlarged(data: bytearray, random: np.random.Generator, others: list[bytes]) -> bytes:
    """Write huge or negative numbers over four-byte fields."""
    for place in random.integers(8, max(9, len(data) - 4), random.integers(1, 8)):
        number = int(random.choice([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x00FFFFFF]))
        data[place : place + 4] = struct.pack(">I", number)
    return bytes(data)


def polyglot(data: bytearray, random: np.random.Generator, others: list[bytes]) -> bytes:
    """Put another kind of file before, behind or inside."""
    stranger = [b"%PDF-1.7\n", b"PK\x03\x04" * 20, b"<svg onload='x'/>", b"#EXTM3U\nfile:///etc/passwd\n", b"\x7fELF"]
    piece = stranger[random.integers(len(stranger))]
    place = int(random.choice([0, len(data), random.integers(0, len(data))]))
    return bytes(data[:place]) + piece + bytes(data[place:])


def bomb(data: bytearray, random: np.random.Generator, others: list[bytes]) -> bytes:
    """Make a PNG of absurd size, sometimes with as much (compressed) content as it says."""
    width, height = (int(side) for side in random.choice([0, 1, 9000, 65535, 2**31 - 1], 2))
    honest = random.random() < 0.5 and width * height < 10**8
    content = zlib.compress(b"\0" * (height * (width + 1)) if honest else b"\0" * 1000)
    chunks = {b"IHDR": struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0), b"IDAT": content, b"IEND": b""}
    body = b"".join(
        struct.pack(">I", len(part)) + name + part + struct.pack(">I", zlib.crc32(name + part))
        for name, part in chunks.items()
    )
    return b"\x89PNG\r\n\x1a\n" + body


def noise(data: bytearray, random: np.random.Generator, others: list[bytes]) -> bytes:
    """Keep the first bytes, then nothing but chance."""
    return bytes(data[: random.integers(0, 64)]) + random.bytes(int(random.integers(0, 4000)))


HARMS: list[Callable[[bytearray, np.random.Generator, list[bytes]], bytes]] = [
    cut, flipped, spliced, removed, enlarged, polyglot, bomb, noise,
]  # fmt: skip


def malformed(number: int, seed: int, good: list[bytes]) -> bytes:
    """Return file `number`: the same arguments always give the same bytes."""
    random = np.random.default_rng([seed, number])
    return HARMS[number % len(HARMS)](bytearray(good[random.integers(len(good))]), random, good)


def fuzz(files: int, seed: int) -> tuple[Counter[str], list[str], float]:
    """Return outcomes by code, what went wrong, and the longest time in seconds."""
    outcomes: Counter[str] = Counter()
    wrong, slowest = [], 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        good = seeds(folder)
        for number in range(files):
            path = folder / "upload"
            path.write_bytes(malformed(number, seed, good))
            began = time.monotonic()
            try:
                upload = check_upload(path)
                outcomes[f"taken as {upload.kind}"] += 1
                upload.path.unlink()
            except InvalidUpload as error:
                outcomes[error.code] += 1
                if not error.code or not error.message:
                    wrong.append(f"{number}: no reason")
            except Exception as error:  # what the fuzzer is for
                wrong.append(f"{number}: {type(error).__name__}: {error}")
            seconds = time.monotonic() - began
            slowest = max(slowest, seconds)
            if seconds > SLOW:
                wrong.append(f"{number}: took {seconds:.1f} s")
            if list(folder.glob("checked-*")):
                wrong.append(f"{number}: left a file behind")
    return outcomes, wrong, slowest


def main() -> None:
    """Run, and exit with 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    outcomes, wrong, slowest = fuzz(options.files, options.seed)
    for code, count in outcomes.most_common():
        print(f"{count:6d}  {code}")
    print(f"{options.files} files; slowest {slowest:.2f} s; wrong: {len(wrong)}")
    print("\n".join(wrong[:20]))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
