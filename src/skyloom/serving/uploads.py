"""What strangers send, made harmless.

A file is judged by its content, never by its name or declared type; limits are checked before decoding; decoding runs
in a process of its own (`skyloom.serving.decoding`) with limits of memory and time; what comes out is a new file of
decoded pixels, at most 1024 a side: PNG for a picture (alpha kept), mp4 for a video.
"""

from __future__ import annotations

import atexit
import json
import os
import secrets
import stat
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from skyloom.errors import SkyloomError

AT_A_TIME = 2


@dataclass(frozen=True)
class Limits:
    """What is taken. Sides and pixels are of a frame; seconds and frames of a video; work_seconds and memory (bytes)
    are what decoding may cost; kept_side is the longest side of the new file."""

    bytes: int = 200 << 20
    least_side: int = 8
    side: int = 8192
    pixels: int = 40_000_000
    seconds: float = 121.0
    frames: int = 7300
    work_seconds: float = 60.0
    memory: int = 3 << 30
    kept_side: int = 1024


@dataclass(frozen=True)
class Upload:
    """A harmless file. kind: image or video; seconds: None for an image."""

    kind: str
    path: Path
    width: int
    height: int
    seconds: float | None


class InvalidUpload(SkyloomError):
    """A file that is not taken: `code` for programs, `message` for people.

    Codes: empty_file, file_too_large, unsupported_format, invalid_dimensions, video_too_long, file_too_complex,
    invalid_file.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def check_upload(path: Path, limits: Limits = Limits(), folder: Path | None = None) -> Upload:
    """Return a re-encoded copy of a file, in `folder` (left out: beside it). Raises InvalidUpload."""
    _check_file(path, limits)
    out = (folder or path.parent) / f"checked-{secrets.token_hex(8)}"
    request = {"path": str(path.absolute()), "out": str(out.absolute()), "limits": asdict(limits)}
    answer = _POOL.ask(request)
    if "code" in answer:
        for ending in (".png", ".mp4"):
            out.with_suffix(ending).unlink(missing_ok=True)
        raise InvalidUpload(answer["code"], answer["message"])
    return Upload(answer["kind"], Path(answer["path"]), answer["width"], answer["height"], answer["seconds"])


def _check_file(path: Path, limits: Limits) -> None:
    """Refuse what is no plain file of a sensible size; links are not followed."""
    try:
        found = os.lstat(path)
    except (OSError, ValueError):
        raise InvalidUpload("invalid_file", "There is no such file.") from None
    if not stat.S_ISREG(found.st_mode):
        raise InvalidUpload("invalid_file", "It is not a plain file.")
    if found.st_size == 0:
        raise InvalidUpload("empty_file", "The file is empty.")
    if found.st_size > limits.bytes:
        raise InvalidUpload("file_too_large", f"The file has {found.st_size} bytes, {limits.bytes} are allowed.")


class _Pool:
    """Decoding processes that wait for work: started when needed, at most two, ended with the program."""

    def __init__(self) -> None:
        self._idle: SimpleQueue[subprocess.Popen[str]] = SimpleQueue()
        self._room = threading.BoundedSemaphore(AT_A_TIME)
        atexit.register(self.close)

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Have a process answer a request; one that dies of it is replaced."""
        with self._room:
            process = self._waiting()
            try:
                assert process.stdin and process.stdout
                process.stdin.write(json.dumps(request) + "\n")
                process.stdin.flush()
                answer = json.loads(process.stdout.readline())
            except (OSError, ValueError):
                _end(process)
                return {"code": "invalid_file", "message": "The file made its decoder fail."}
            self._idle.put(process)
            return answer

    def _waiting(self) -> subprocess.Popen[str]:
        while True:
            try:
                process = self._idle.get_nowait()
            except Empty:
                return _started()
            if process.poll() is None:
                return process
            _end(process)

    def close(self) -> None:
        """End all processes."""
        while not self._idle.empty():
            _end(self._idle.get_nowait())


def _started() -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "skyloom.serving.decoding"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, **pipes)


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


_POOL = _Pool()
