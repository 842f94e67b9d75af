"""Files sent, whole or in ranges."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

from starlette.datastructures import Headers
from starlette.responses import FileResponse
from starlette.types import Receive, Scope, Send

from skyloom.errors import MediaError
from skyloom.serving.errors import ApiError
from skyloom.serving.files import Files
from skyloom.serving.jobs import Job

TYPES = {
    ".mp4": "video/mp4", ".webm": "video/webm", ".webp": "image/webp", ".jpeg": "image/jpeg", ".jpg": "image/jpeg",
    ".png": "image/png",
}  # fmt: skip
PRIVATE = {"cache-control": "private, max-age=0, must-revalidate"}
Variant = Literal["video", "thumbnail", "spritesheet", "preview"]
ONE_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))")


class Ranged(FileResponse):
    """A file; one range of bytes is honoured, several or malformed ones get the whole, as RFC 9110 allows.

    after: called when it was sent, or could not be.
    """

    def __init__(self, path: Path, after: Callable[[], None], name: str) -> None:
        kind = TYPES.get(path.suffix, "application/octet-stream")
        filename = f"{name}{path.suffix}"
        super().__init__(path, headers=PRIVATE, media_type=kind, filename=filename, content_disposition_type="inline")
        self.after = after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        asked = Headers(scope=scope).get("range")
        if asked is not None and not ONE_RANGE.fullmatch(asked.replace(" ", "")):
            scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"range"]}
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.after()


def sent(files: Files, key: str, name: str, asked_range: str | None) -> Ranged:
    """Return a file as an answer. Raises ApiError 416 for a range outside of it, MediaError where there is none."""
    path = files.local(key)
    try:
        check_range(path.stat().st_size, asked_range)
        return Ranged(path, partial(files.forget, path), name)
    except FileNotFoundError as error:  # removed meanwhile
        raise MediaError(f"there is no file {key}") from error
    except ApiError:
        files.forget(path)
        raise


def check_range(size: int, asked: str | None) -> None:
    """Raise ApiError 416 for a range that lies outside of a file's bytes."""
    match = ONE_RANGE.fullmatch((asked or "").replace(" ", ""))
    if match:
        first, last, tail = match.groups()
        outside = int(first) >= size if first else int(tail) == 0
        backward = bool(first and last) and int(last) < int(first)
        if outside or backward:
            headers = {"content-range": f"bytes */{size}"}
            raise ApiError(416, f"The file has {size} bytes; {asked} is outside.", headers=headers)


def content(files: Files, job: Job, variant: str, asked_range: str | None = None) -> Ranged:
    """Return one file of a job. Raises ApiError 404 where it is not there: not yet, not any more, or never."""
    if variant not in job.files:
        raise absent(job, variant)
    try:
        return sent(files, job.files[variant], f"{job.id}-{variant}", asked_range)
    except MediaError:
        raise absent(job, variant) from None


def absent(job: Job, variant: str) -> ApiError:
    """Return why a file is not there."""
    if job.status in ("queued", "in_progress"):
        return ApiError(404, f"{job.id} is {job.status}; its {variant} is not ready yet.", code="not_ready")
    if job.status in ("failed", "cancelled"):
        return ApiError(404, f"{job.id} has failed; it has no {variant}.", code="failed")
    if not job.files:
        return ApiError(404, f"{job.id} has expired.", code="expired")
    return ApiError(404, f"{job.id} has no {variant}.", code="no_such_variant", param="variant")
