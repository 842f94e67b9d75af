"""The folder in which one job is made.

It lies in the file store under "jobs/ID/work/", so whoever takes the job up again, on this machine or another, finds
the last finished step there. In a folder store it is that very folder; elsewhere it is a copy, brought back after
every step.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from skyloom.errors import MediaError, StorageError
from skyloom.serving.files import Files, is_key
from skyloom.serving.jobs import Job, prefix
from skyloom.serving.policy import OFF, Policy

PREVIEW = "preview.webp"


class Workspace:
    """One job's folder, `path`, for one lease of it."""

    def __init__(self, files: Files, job: Job) -> None:
        self.files, self.job = files, job
        self.prefix = f"{prefix(job.id)}work/"
        self.saved: dict[str, tuple[int, int]] = {}
        self.shown: tuple[int, int] | None = None
        self.brought: dict[str, Path] = {}
        try:
            if files.folder is not None:
                self.path = files.folder / self.prefix
                self.path.mkdir(parents=True, exist_ok=True)
            else:
                self.path = Path(tempfile.mkdtemp(prefix="skyloom-work-"))
                self._fetch()
        except OSError as error:
            raise StorageError(f"there is no room to work: {error.strerror or error}") from error

    def _fetch(self) -> None:
        """Bring what an earlier lease left behind."""
        for key in self.files.keys(self.prefix):
            place, copy = self.path / key.removeprefix(self.prefix), self.files.local(key)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(copy, place)
            self.files.forget(copy)
            self.saved[key.removeprefix(self.prefix)] = _stamp(place)

    def inputs(self) -> dict[str, Path]:
        """Return the job's inputs as files on this machine. Raises MediaError where one is gone."""
        for name, key in self.job.order.get("inputs", {}).items():
            self.brought[name] = self.files.local(key)
        return self.brought

    def save(self) -> None:
        """Bring what changed since the last time to the store, so that another machine can go on from it."""
        if self.files.folder is not None:
            return
        for path in sorted(self.path.rglob("*")):
            name = path.relative_to(self.path).as_posix()
            if path.is_file() and is_key(name) and self.saved.get(name) != _stamp(path):
                self.files.put(self.prefix + name, path)
                self.saved[name] = _stamp(path)

    def preview(self, policy: Policy = OFF) -> dict[str, str] | None:
        """Publish the preview if there is a new one that the policy lets pass; return the files to show, or None."""
        path = self.path / PREVIEW
        try:
            stamp = _stamp(path)
            if stamp == self.shown:
                return None
            self.shown = stamp
            if policy.of_file(path, "preview", self.job.owner, self.job.id) is not None:
                return None
        except (FileNotFoundError, MediaError):  # there is none, or none that can be read: it is no part of the result
            return None
        key = f"{prefix(self.job.id)}{PREVIEW}"
        self.files.put(key, path)
        return {"preview": key}

    def publish(self, names: Mapping[str, str]) -> tuple[dict[str, str], int]:
        """Bring finished files (variant to name in the folder) to places of this lease's own.

        Returns variant to key, and the bytes of all. Raises MediaError for a file that the engine did not leave.
        """
        keys: dict[str, str] = {}
        size = 0
        for variant, name in names.items():
            path = self.path / name
            if not path.is_file():
                raise MediaError(f"the engine made no {variant}")
            keys[variant] = f"{prefix(self.job.id)}{self.job.attempts}/{name}"
            size += self.files.put(keys[variant], path)
        return keys, size

    def close(self) -> None:
        """Remove the copies, if they are any."""
        if self.files.folder is None:
            shutil.rmtree(self.path, ignore_errors=True)
            for copy in self.brought.values():
                self.files.forget(copy)


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size
