"""Skyloom: a sentence becomes a moving picture.

>>> import skyloom                                                        # doctest: +SKIP
>>> video = skyloom.load().generate("a fox runs on the beach", seed=7)    # doctest: +SKIP
>>> skyloom.write_video(video, "fox.mp4")                                 # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skyloom.data.video_io import read_image, read_metadata, read_video, write_video
    from skyloom.errors import SkyloomError
    from skyloom.pipelines.loading import load
    from skyloom.pipelines.pipeline import Pipeline
    from skyloom.video import Video
    from skyloom.world.stream import World

__all__ = [
    "Pipeline", "SkyloomError", "Video", "World", "load", "read_image", "read_metadata", "read_video", "write_video",
]  # fmt: skip

_HOMES = {
    "Pipeline": "skyloom.pipelines.pipeline",
    "SkyloomError": "skyloom.errors",
    "Video": "skyloom.video",
    "World": "skyloom.world.stream",
    "load": "skyloom.pipelines.loading",
    "read_image": "skyloom.data.video_io",
    "read_metadata": "skyloom.data.video_io",
    "read_video": "skyloom.data.video_io",
    "write_video": "skyloom.data.video_io",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: `import skyloom` itself costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'skyloom' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
