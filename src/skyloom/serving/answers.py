"""Answers of the API: jobs as the client reads them, and their schemas."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from starlette.responses import JSONResponse

from skyloom.serving.jobs import Job
from skyloom.serving.offers import spoken

WAITING = ("queued", "in_progress")
HIDDEN = ("files",)


class JobError(BaseModel):
    """Why a job failed."""

    code: str
    message: str


class Wish(BaseModel):
    """What was asked for, where the nearest was made instead."""

    size: str | None
    seconds: str | None


class Video(BaseModel):
    """A video, waiting, being made, or made; `size` and `seconds` are what is made."""

    model_config = ConfigDict(extra="allow")

    id: str
    object: Literal["video"]
    model: str
    status: Literal["queued", "in_progress", "completed", "failed"]
    progress: int
    created_at: int
    completed_at: int | None
    expires_at: int | None
    prompt: str | None
    size: str
    seconds: str
    remixed_from_video_id: str | None
    error: JobError | None
    requested: Wish | None
    made: dict[str, Any] | None


class VideoList(BaseModel):
    """One page of videos."""

    object: Literal["list"]
    data: list[Video]
    first_id: str | None
    last_id: str | None
    has_more: bool


class Deleted(BaseModel):
    """What is gone."""

    id: str
    object: Literal["video.deleted"]
    deleted: Literal[True]


class File(BaseModel):
    """A picture or film that is kept here."""

    id: str
    object: Literal["file"]
    bytes: int
    created_at: int
    expires_at: int | None
    filename: str
    purpose: str
    status: Literal["processed"]
    status_details: str | None


class FileList(BaseModel):
    """One page of files."""

    object: Literal["list"]
    data: list[File]
    first_id: str | None
    last_id: str | None
    has_more: bool


class FileDeleted(BaseModel):
    """A file that is gone."""

    id: str
    object: Literal["file"]
    deleted: Literal[True]


class Character(BaseModel):
    """Somebody to appear in videos."""

    id: str
    created_at: int
    name: str


class Image(BaseModel):
    """One picture: its bytes, or where they are."""

    b64_json: str | None
    url: str | None
    revised_prompt: str | None


class Images(BaseModel):
    """Pictures."""

    model_config = ConfigDict(extra="allow")

    created: int
    data: list[Image]
    size: str
    output_format: Literal["png", "webp", "jpeg"]
    usage: dict[str, Any]


class Model(BaseModel):
    """A name that `model` may have."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelList(BaseModel):
    """All models."""

    object: Literal["list"]
    data: list[Model]


class Provenance(BaseModel):
    """What a file tells of where it came from."""

    created_at: int
    object: Literal["content_provenance_check"]
    results: list[dict[str, Any]]


class Health(BaseModel):
    """Whether jobs can be kept."""

    status: Literal["ok"]
    version: str
    checkpoint: str
    jobs: dict[str, int]


class ErrorBody(BaseModel):
    """A refusal."""

    message: str
    type: str
    param: str | None
    code: str | None


class Error(BaseModel):
    """Any answer that is no success."""

    error: ErrorBody


def size_of(job: Job) -> str:
    """Return the size that was made, or will be."""
    made = job.made
    return str(made.get("size") or (f"{made['width']}x{made['height']}" if "width" in made else job.size))


def seconds_of(job: Job) -> str:
    """Return the seconds from first to last frame that were made, or will be."""
    made = job.made
    lasts, frames = float(made.get("seconds") or 0), made.get("num_frames") or 0
    fps = made.get("fps") or (frames / lasts if lasts else 0)
    return spoken((frames - 1) / fps) if frames and fps else str(made.get("seconds") or job.seconds)


def video(job: Job) -> dict[str, Any]:
    """Return a job as the client reads it: all keys, nulls written out. A cancelled one has failed."""
    made = {name: value for name, value in job.made.items() if name not in HIDDEN}
    return {
        "id": job.id, "object": "video", "model": job.model,
        "status": "failed" if job.status == "cancelled" else job.status, "progress": job.progress,
        "created_at": job.created_at, "completed_at": job.completed_at, "expires_at": job.expires_at,
        "prompt": job.prompt, "size": size_of(job),
        "seconds": seconds_of(job), "remixed_from_video_id": job.remixed_from_video_id,
        "error": job.error, "requested": job.order.get("requested"), "made": made or None,
    }  # fmt: skip


def poll_header(job: Job, poll_after_ms: int) -> dict[str, str]:
    """Return the header that says when to look again, while there is something to wait for."""
    return {"openai-poll-after-ms": str(poll_after_ms)} if job.status in WAITING else {}


def video_answer(job: Job, poll_after_ms: int) -> JSONResponse:
    """Return one video; while it waits, with the header that says when to look again."""
    return JSONResponse(video(job), headers=poll_header(job, poll_after_ms))
