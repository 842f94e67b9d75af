"""One job as a plain record.

The API makes jobs and shows them, a store keeps them, a worker leases them and hands each to an engine. All of them
speak of this record; it knows no database, no web framework and no torch.

    queued -> in_progress -> completed | failed          cancelled from queued or in_progress
                   |  ^
                   v  |   lease lapsed (worker died), or handed back
                 queued

Times are unix seconds. Every file of a job lies under `prefix(job.id)` in the file store, inputs too.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skyloom.errors import InvalidArgument, one_of

STATUSES = ("queued", "in_progress", "completed", "failed", "cancelled")
"""A cancelled job is shown to users of the API as failed, with the error code "cancelled"."""
ENDED = ("completed", "failed", "cancelled")
KINDS = ("video", "image")
TASKS = ("text", "image", "animate", "keyframes", "extend", "remix", "edit", "blend", "loop", "storyboard")
LOCAL = "local"
"""The owner of jobs on a server without keys."""
ID = re.compile(r"(video|image|character|file)_[0-9a-f]{32}")

OnProgress = Callable[[int], bool]
"""Told the percentage done, after whatever a resumption needs is on disk; False means: stop, the job is not ours."""
Engine = Callable[[dict[str, Any], dict[str, Path], Path, OnProgress], dict[str, Any]]
"""(order, inputs by name, a folder of the job's own, on_progress) -> made.

What the engine leaves in the folder is there again when the job is taken up after a death, so an engine keeps its last
finished step there (written beside, then renamed) and goes on from it. `made["files"]` maps each variant ("video",
"thumbnail", "spritesheet", "image-0", ...) to a file name in the folder; the rest says what was really made. A file
named preview.webp in the folder is shown while the job runs.
"""


class Stopped(Exception):
    """Raised by an engine when `on_progress` answered False."""


@dataclass(frozen=True)
class Job:
    """One video or set of pictures to make, being made, or made.

    order: all that a worker needs, as JSON: task (one of TASKS), prompt, settings, inputs {name: file key}.
    made: what was really made (size, seconds, seed, checkpoint, ...), {} until completed. files: variant to file key.
    error: {"code", "message"}. attempts: how often a worker has taken it up.
    """

    id: str
    owner: str
    kind: str
    status: str
    progress: int
    created_at: int
    completed_at: int | None
    expires_at: int | None
    model: str
    prompt: str
    size: str
    seconds: str
    order: dict[str, Any]
    made: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    remixed_from_video_id: str | None = None
    error: dict[str, str] | None = None
    attempts: int = 0


@dataclass(frozen=True)
class Limits:
    """What one owner may do; None is without limit.

    requests_per_minute: of all calls. active_jobs: queued or in progress at a time. stored_bytes: of finished files.
    """

    requests_per_minute: int | None = 600
    active_jobs: int | None = 20
    stored_bytes: int | None = 20 * 10**9

    def __post_init__(self) -> None:
        for name in ("requests_per_minute", "active_jobs", "stored_bytes"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InvalidArgument(name, value, "be at least 1, or left out", 1)


NO_LIMITS = Limits(None, None, None)


@dataclass(frozen=True)
class Usage:
    """What one owner has at the moment."""

    queued: int
    in_progress: int
    stored_bytes: int


def new_id(kind: str = "video") -> str:
    """Return an id that nobody can guess: the kind and 32 random hex digits."""
    return f"{kind}_{secrets.token_hex(16)}"


def prefix(job_id: str) -> str:
    """Return where a job's files lie in the file store. Raises InvalidArgument for what is no id."""
    if not ID.fullmatch(job_id):
        raise InvalidArgument("id", job_id, "be a kind and 32 hex digits, like video_0123...")
    return f"jobs/{job_id}/"


def new_job(
    order: dict[str, Any],
    *,
    owner: str = LOCAL,
    kind: str = "video",
    model: str = "sora-2",
    prompt: str = "",
    size: str = "",
    seconds: str = "",
    remixed_from_video_id: str | None = None,
    job_id: str | None = None,
) -> Job:
    """Return a queued job. Raises InvalidArgument for a task or kind that does not exist."""
    one_of("kind", kind, KINDS)
    one_of("task", order.get("task", ""), TASKS)
    return Job(
        job_id or new_id(kind), owner, kind, "queued", 0, int(time.time()), None, None, model, prompt, size, seconds,
        order, remixed_from_video_id=remixed_from_video_id,
    )  # fmt: skip
