"""What a file says of its origin, gathered: manifest, invisible mark, visible mark."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skyloom.provenance import watermark
from skyloom.provenance.manifest import Manifest, read_manifest
from skyloom.provenance.phases import DEFAULT_KEY


@dataclass(frozen=True)
class Report:
    """What is known of a file. visible: whether the manifest says that it carries the visible mark; None: unsaid."""

    manifest: Manifest
    mark: watermark.Found
    visible: bool | None

    @property
    def ours(self) -> bool:
        """Whether the file came from Skyloom: an intact manifest that says so, or the invisible mark."""
        intact = self.manifest.state in ("trusted", "valid")
        return self.mark.found or (intact and (self.manifest.program or "").lower().startswith("skyloom"))

    @property
    def agree(self) -> bool | None:
        """Whether the mark carries what the manifest says it does; None where one of the two cannot be read."""
        claimed = self.manifest.generation.get("invisible_mark")
        if claimed is None or self.mark.payload is None:
            return None
        return claimed == f"{self.mark.payload:08x}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        payload = None if self.mark.payload is None else f"{self.mark.payload:08x}"
        return {
            "from_skyloom": self.ours,
            "manifest": asdict(self.manifest),
            "invisible_mark": {**asdict(self.mark), "payload": payload, "agrees_with_manifest": self.agree},
            "visible_mark": self.visible,
        }


def verify(path: Path, frames: np.ndarray, key: bytes = DEFAULT_KEY) -> Report:
    """Check a file's manifest, and its frames (f, h, w, 3) for the mark; frames may be shrunk (`phases`)."""
    manifest = read_manifest(path)
    said = manifest.generation.get("visible_mark")
    return Report(manifest, watermark.detect(frames, key), said if isinstance(said, bool) else None)
