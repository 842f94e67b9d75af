"""Pictures of clips, frame beside frame, as PNG files."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import torch
from einops import rearrange
from torch import Tensor


def write_png(path: Path, image: Tensor) -> None:
    """Write image (h, w, 3) uint8 as a PNG, beside its place and then renamed."""
    height, width, _ = image.shape
    rows = torch.cat([torch.zeros(height, 1, dtype=torch.uint8), image.cpu().reshape(height, -1)], dim=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.numpy().tobytes(), 6)), (b"IEND", b""))
    chunks = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".partial")
    beside.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    beside.rename(path)


def write_strips(path: Path, clips: Sequence[Tensor], frames: int = 6, gap: int = 2) -> None:
    """Write one row for each clip (3, f, h, w) in [-1, 1]: at most `frames` frames, evenly chosen."""
    rows = []
    for clip in clips:
        chosen = torch.linspace(0, clip.shape[1] - 1, min(frames, clip.shape[1])).round().long()
        picked = torch.nn.functional.pad(clip.float().cpu()[:, chosen], (0, gap, 0, gap), value=-1.0)
        rows.append(rearrange(picked, "c f h w -> h (f w) c"))
    image = ((torch.cat(rows).clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    write_png(path, image)
