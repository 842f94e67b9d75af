"""A film written into a job's folder, marked and signed, with its stills."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from skyloom.data.stamping import sign_file, stamped
from skyloom.data.video_io import write_chunks
from skyloom.pipelines.film import Film
from skyloom.provenance.manifest import Provenance
from skyloom.serving.results import Sign, write_pictures, write_stills
from skyloom.video import Video


def provenance_of(inputs: Mapping[str, Path]) -> Provenance:
    """Return what a job's files are to say of themselves: made by a model, from these inputs."""
    made_from = tuple(path for name, path in sorted(inputs.items()) if name != "mask")
    kind = "compositeWithTrainedAlgorithmicMedia" if made_from else "trainedAlgorithmicMedia"
    return Provenance(source=kind, ingredients=made_from)


def _signing(provenance: Provenance, made_by: dict[str, Any]) -> Sign:
    def sign(path: Path, target: Path) -> None:
        sign_file(path, target, provenance, made_by)

    return sign


def write_film(folder: Path, film: Film, inputs: Mapping[str, Path]) -> tuple[dict[str, str], int]:
    """Write a film while it is made, then its stills; return variant to file name, and the number of frames."""
    provenance, kept = provenance_of(inputs), list[np.ndarray]()

    def passing() -> Iterator[np.ndarray]:
        for chunk in film.chunks:
            kept.append(chunk)
            yield chunk

    write_chunks(passing(), film.fps, folder / "video.mp4", metadata=film.metadata, provenance=provenance)
    frames = np.concatenate(kept)
    stills = write_stills(folder, frames, _signing(provenance, film.metadata))
    return {"video": "video.mp4", **stills}, len(frames)


def write_shots(folder: Path, pictures: Sequence[Video], kind: str, inputs: Mapping[str, Path]) -> dict[str, str]:
    """Write pictures as png, jpeg or webp; return variant to file name."""
    provenance, names = provenance_of(inputs), dict[str, str]()
    for number, picture in enumerate(pictures):
        frames = np.concatenate(list(stamped([picture.frames[:1]], picture.fps, provenance, picture.metadata)))
        sign = _signing(provenance, picture.metadata)
        names |= write_pictures(folder, [frames[0]], kind, sign, first=number)
    return names
