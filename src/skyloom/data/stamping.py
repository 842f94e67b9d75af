"""Provenance put on frames and files while they are written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from skyloom.provenance import mark, watermark
from skyloom.provenance.manifest import Provenance, sidecar, signed


def stamped(
    chunks: Iterable[np.ndarray], fps: float, provenance: Provenance | None, made_by: dict[str, Any]
) -> Iterable[np.ndarray]:
    """Return chunks of frames (k, h, w, 3) with the marks that `provenance` asks for; None asks for nothing."""
    if provenance is not None and provenance.visible:
        chunks = mark.shown(chunks, fps)
    if provenance is not None and provenance.mark:
        chunks = watermark.marked(chunks, payload(made_by))
    return chunks


def payload(made_by: dict[str, Any]) -> int:
    """Return what the invisible mark of a file made by these settings carries."""
    return watermark.payload_of(made_by.get("checkpoint_sha256"), made_by.get("seed"))


def sign_file(path: Path, target: Path, provenance: Provenance | None, made_by: dict[str, Any]) -> None:
    """Sign a finished file in place, before it is moved to `target`; a manifest that goes beside goes to the target's.

    Raises MediaError.
    """
    if provenance is None or not provenance.sign:
        return
    carried = f"{payload(made_by):08x}" if provenance.mark else None
    data, beside = signed(path, target.name, provenance, made_by, carried)
    if beside is None:
        path.write_bytes(data)
        return
    temporary = sidecar(path)
    try:
        temporary.write_bytes(beside)
        temporary.replace(sidecar(target))
    finally:
        temporary.unlink(missing_ok=True)
