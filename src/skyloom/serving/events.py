"""A job's progress as server-sent events."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from skyloom.errors import StorageError
from skyloom.serving.answers import WAITING, video
from skyloom.serving.house import House
from skyloom.serving.jobs import Job

LOOK_SECONDS = 0.3
SILENCE_SECONDS = 15.0
"""After which a comment keeps the connection open."""


def event(name: str, data: object, number: int) -> str:
    """Return one event as it is written."""
    return f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n\n"


async def progress(house: House, job: Job) -> AsyncIterator[str]:
    """Yield `progress` for each change, then `completed`, `failed` or `deleted`: each with the whole video."""
    number, told, spoke = 0, "", time.monotonic()
    current: Job | None = job
    while current is not None and current.status in WAITING:
        shown = event("progress", video(current), 0)
        if shown != told:
            number, told, spoke = number + 1, shown, time.monotonic()
            yield event("progress", video(current), number)
        elif time.monotonic() - spoke > SILENCE_SECONDS:
            spoke = time.monotonic()
            yield ": still here\n\n"
        await anyio.sleep(LOOK_SECONDS)
        with suppress(StorageError):  # it is away for a moment
            current = await run_in_threadpool(house.store.get, job.id, job.owner)
    if current is None:
        yield event("deleted", {"id": job.id, "object": "video.deleted", "deleted": True}, number + 1)
    else:
        yield event("completed" if current.status == "completed" else "failed", video(current), number + 1)


def stream(house: House, job: Job) -> StreamingResponse:
    """Return the answer that tells a job's progress until it ends."""
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(progress(house, job), media_type="text/event-stream", headers=headers)
