"""The exception tree.

SkyloomError
  +-- InvalidArgument     a value given by the caller cannot be used (also a ValueError)
  +-- MediaError          a picture or video cannot be read or written
  +-- CheckpointError     a checkpoint folder is missing, incomplete or of another kind
  +-- MissingDependency   an optional package is needed for what was asked
  +-- TrainingError       training cannot go on (a loss that is not finite, a run of another config)
  +-- GenerationError     the network's answer is not a video (not finite, blank)
  +-- QuotaExceeded       an owner has as many jobs or bytes as is allowed
  +-- StorageError        a job or a file cannot be kept (a full disk, a database that is away)
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SkyloomError(Exception):
    """Root of every error that Skyloom raises on purpose."""


class InvalidArgument(SkyloomError, ValueError):
    """Name the argument, the value got, the value wanted and the nearest valid one.

    >>> str(InvalidArgument("num_frames", 18, "be 1 + a multiple of 4", nearest=17))
    'num_frames must be 1 + a multiple of 4, got 18; nearest: 17'
    """

    def __init__(self, argument: str, value: object, wanted: str, nearest: object = None) -> None:
        self.argument, self.value, self.wanted, self.nearest = argument, value, wanted, nearest
        tail = "" if nearest is None else f"; nearest: {nearest}"
        super().__init__(f"{argument} must {wanted}, got {value!r}{tail}")


class MediaError(SkyloomError):
    """A picture or video cannot be read or written."""


class CheckpointError(SkyloomError):
    """A checkpoint folder is missing, incomplete or of another kind."""


class MissingDependency(SkyloomError):
    """An optional package is needed: name it and how to get it."""

    def __init__(self, package: str, why: str) -> None:
        super().__init__(f"{why} needs the package {package!r}: pip install {package}")


class TrainingError(SkyloomError):
    """Training cannot go on."""


class GenerationError(SkyloomError):
    """The network's answer is not a video."""


class QuotaExceeded(SkyloomError):
    """An owner has as much of something as is allowed: name it, what there is and what is allowed."""

    def __init__(self, what: str, used: int, allowed: int) -> None:
        self.what, self.used, self.allowed = what, used, allowed
        super().__init__(f"{what}: {used} in use, {allowed} allowed")


class StorageError(SkyloomError):
    """A job or a file cannot be kept."""


def nearest_name(word: str, names: Iterable[str]) -> str | None:
    """Return the name that looks most like `word`, or None when nothing does."""
    found = difflib.get_close_matches(word.lower(), list(names), n=1, cutoff=0.4)
    return found[0] if found else None


def one_of(argument: str, value: str, names: Iterable[str]) -> str:
    """Return `value` if it is one of `names`; raise InvalidArgument with the nearest otherwise."""
    names = list(names)
    if value not in names:
        raise InvalidArgument(argument, value, f"be one of {', '.join(names)}", nearest_name(str(value), names))
    return value
