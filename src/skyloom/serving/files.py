"""Files by key, in a folder or behind an fsspec URL.

A key is a path of plain names, "jobs/video_01ab/video.mp4". A file appears whole or not at all: it is written beside
its place under a hidden name, brought to the disk, and renamed. Hidden names are never keys.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import tempfile
import time
import weakref
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from skyloom.errors import InvalidArgument, MediaError, MissingDependency, StorageError

NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
FULL_DISK = (errno.ENOSPC, errno.EDQUOT)


class Files:
    """A store of files: `root` is a folder, or a URL that fsspec knows (s3://bucket/path, memory://x, ...)."""

    def __init__(self, root: str | Path) -> None:
        self.folder: Path | None = None
        self.cache: Path | None = None
        text = str(root).removeprefix("file://")
        if "://" in text:
            self.fs, self.root = _filesystem(text)
        else:
            self.folder = Path(text).absolute()
            with _errors("the file store"):
                self.folder.mkdir(parents=True, exist_ok=True)

    # -- writing

    def put(self, key: str, path: Path, *, move: bool = False) -> int:
        """Store a file under a key and return its bytes; `move` may take the file itself. Raises StorageError."""
        check_key(key)
        with _errors(key):
            size = path.stat().st_size
            if self.folder is None:
                self._upload(key, path)
            else:
                _place(path, self.folder / key, move)
        return size

    def copy(self, source: str, target: str) -> int:
        """Store the file of one key under another too. Raises MediaError where there is none, StorageError."""
        path = self.local(source)
        try:
            return self.put(target, path)
        finally:
            self.forget(path)

    def _upload(self, key: str, path: Path) -> None:
        place = self._place(key)
        beside = f"{place.rpartition('/')[0]}/.{secrets.token_hex(8)}.part"
        self.fs.makedirs(place.rpartition("/")[0], exist_ok=True)
        try:
            self.fs.put_file(str(path), beside)
            self.fs.mv(beside, place)
        except BaseException:
            if self.fs.exists(beside):
                self.fs.rm(beside)
            raise

    def delete(self, prefix: str) -> None:
        """Remove a key, or everything under a prefix that ends with "/"; what is not there is no error."""
        check_key(prefix.removesuffix("/"))
        with _errors(prefix):
            self._remove(prefix.removesuffix("/"))

    def remove(self, prefix: str, name: str) -> None:
        """Remove one of the `names` right under a prefix, a file or a folder, hidden or not."""
        check_key(prefix.removesuffix("/"))
        if "/" in name or name in ("", ".", ".."):
            raise InvalidArgument("name", name, "be the name of one file or folder")
        with _errors(prefix):
            self._remove(prefix + name)

    def _remove(self, place: str) -> None:
        if self.folder is None:
            if self.fs.exists(self._place(place)):
                self.fs.rm(self._place(place), recursive=True)
        elif (self.folder / place).is_dir():
            shutil.rmtree(self.folder / place, ignore_errors=True)
        else:
            (self.folder / place).unlink(missing_ok=True)

    # -- reading

    def exists(self, key: str) -> bool:
        """Tell whether there is a file of this key."""
        check_key(key)
        with _errors(key):
            return self.fs.isfile(self._place(key)) if self.folder is None else (self.folder / key).is_file()

    def size(self, key: str) -> int:
        """Return a file's bytes. Raises MediaError where there is none."""
        check_key(key)
        with _errors(key):
            return self.fs.size(self._place(key)) if self.folder is None else (self.folder / key).stat().st_size

    def open(self, key: str) -> BinaryIO:
        """Open a file for reading; it can seek. Raises MediaError where there is none."""
        check_key(key)
        with _errors(key):
            found = self.fs.open(self._place(key), "rb") if self.folder is None else (self.folder / key).open("rb")
            return cast(BinaryIO, found)

    def local(self, key: str) -> Path:
        """Return a path on this machine to read a file from: its own, or that of a copy for whoever asks alone.

        `forget` it after use. Raises MediaError where there is no such file.
        """
        check_key(key)
        if self.folder is not None:
            self.size(key)
            return self.folder / key
        if self.cache is None:
            self.cache = Path(tempfile.mkdtemp(prefix="skyloom-files-"))
            weakref.finalize(self, shutil.rmtree, self.cache, ignore_errors=True)
        copy = self.cache / secrets.token_hex(8) / key.rpartition("/")[2]
        try:
            with _errors(key):
                copy.parent.mkdir()
                self.fs.get_file(self._place(key), str(copy))
        except BaseException:
            self.forget(copy)
            raise
        return copy

    def forget(self, path: Path) -> None:
        """Remove what `local` returned if it is a copy."""
        if self.folder is None:
            shutil.rmtree(path.parent, ignore_errors=True)

    def keys(self, prefix: str) -> Sequence[str]:
        """Return the keys under a prefix that ends with "/", sorted."""
        check_key(prefix.removesuffix("/"))
        with _errors(prefix):
            if self.folder is not None:
                found = [
                    str(path.relative_to(self.folder)) for path in (self.folder / prefix).rglob("*") if path.is_file()
                ]
            else:
                place = self._place(prefix.removesuffix("/"))
                start = len(self.root) + 1
                found = [name[start:] for name in self.fs.find(place)] if self.fs.exists(place) else []
        return sorted(key for key in found if is_key(key))

    def names(self, prefix: str) -> Sequence[str]:
        """Return the names right under a prefix that ends with "/", sorted: files and folders, hidden ones too."""
        check_key(prefix.removesuffix("/"))
        with _errors(prefix):
            if self.folder is not None:
                with suppress(FileNotFoundError):
                    return sorted(path.name for path in (self.folder / prefix).iterdir())
                return []
            place = self._place(prefix.removesuffix("/"))
            found = self.fs.ls(place, detail=False) if self.fs.exists(place) else []
            return sorted(name.rstrip("/").rpartition("/")[2] for name in found)

    def age(self, prefix: str) -> float | None:
        """Return the seconds since anything was put right under a prefix; None where that cannot be told."""
        with _errors(prefix):
            return None if self.folder is None else time.time() - (self.folder / prefix).stat().st_mtime

    def free_bytes(self) -> int | None:
        """Return the room left on the disk; None where that is not ours to know."""
        return None if self.folder is None else shutil.disk_usage(self.folder).free

    def _place(self, key: str) -> str:
        return f"{self.root}/{key}"


def is_key(key: str) -> bool:
    """Tell whether a text is a key: plain names, none hidden, none that climbs."""
    return len(key) <= 512 and all(NAME.fullmatch(name) for name in key.split("/"))


def check_key(key: str) -> str:
    """Return a key. Raises InvalidArgument for what is none."""
    if not is_key(key):
        raise InvalidArgument("key", key[:100], "be names of letters, digits, '.', '_', '-' with '/' between")
    return key


def is_full(error: BaseException) -> bool:
    """Tell whether a disk without room is what an error came of."""
    cause: BaseException | None = error
    while cause is not None and getattr(cause, "errno", None) not in FULL_DISK and "disk is full" not in str(cause):
        cause = cause.__cause__
    return cause is not None


def _place(path: Path, target: Path, move: bool) -> None:
    """Bring a file to its place by one rename, after its bytes are on the disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        if move and path.stat().st_dev == target.parent.stat().st_dev:
            path.rename(beside)
        else:
            shutil.copyfile(path, beside)
        _sync(beside)
        beside.replace(target)
        _sync(target.parent)
    finally:
        beside.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _filesystem(url: str) -> tuple[Any, str]:
    """Return the file system of a URL and the path in it."""
    try:
        import fsspec

        fs, root = fsspec.url_to_fs(url)
    except ImportError as error:
        package = getattr(error, "name", None) or "fsspec"
        raise MissingDependency(package, f"a file store at {url.partition('://')[0]}://") from error
    except ValueError as error:
        raise InvalidArgument("files", url, "be a folder or a URL that fsspec knows") from error
    return fs, root.rstrip("/")


@contextmanager
def _errors(key: str) -> Generator[None]:
    """Turn what the disk says into our errors."""
    try:
        yield
    except FileNotFoundError as error:
        raise MediaError(f"there is no file {key}") from error
    except OSError as error:
        raise StorageError(f"{key} cannot be kept or read: {error.strerror or error}") from error
