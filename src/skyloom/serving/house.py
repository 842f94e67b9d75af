"""What all routes of one app share."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Path, Request
from starlette.responses import Response
from starlette.types import Scope

from skyloom.serving import file_objects
from skyloom.serving.answers import Error
from skyloom.serving.doors import Caller, Doors
from skyloom.serving.errors import missing
from skyloom.serving.files import Files
from skyloom.serving.glances import Glances, Look
from skyloom.serving.jobs import ID, Job
from skyloom.serving.metrics import Metrics
from skyloom.serving.settings import Settings
from skyloom.serving.store import Store

VideoId = Annotated[str, Path(description="the id of a video", examples=["video_" + "0" * 32])]
REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Error, "description": said}
    for status, said in {
        400: "Something about the request cannot be.", 401: "A key is missing, unknown or revoked.",
        403: "A server without keys was called from elsewhere.", 404: "It is not there, or not yours.",
        413: "Too large.", 415: "Neither JSON nor a form.", 429: "Too often, or too much; see retry-after-ms.",
        500: "A bug.", 503: "Jobs cannot be kept at the moment.", 507: "The disk is full.",
    }.items()
}  # fmt: skip
"""For the OpenAPI document."""
BRINGING = 4
"""How many calls that bring files are served at a time; the others wait without holding a thread."""
T = TypeVar("T")
CALLER = "skyloom.caller"
"""Where a request's scope holds who was let in before the routes."""


@dataclass(frozen=True)
class House:
    """One app's store, files and settings."""

    store: Store
    files: Files
    settings: Settings
    doors: Doors
    metrics: Metrics
    glances: Glances
    bringing: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(BRINGING))

    async def run(self, work: Callable[[], T], *, brings_files: bool) -> T:
        """Run work in a thread. Decoding what strangers send may take a minute: nobody else waits for that."""
        return await to_thread.run_sync(work, limiter=self.bringing if brings_files else None)

    def job(self, job_id: str, owner: str, kind: str = "video", param: str | None = None) -> Job:
        """Return one's own job. Raises ApiError 404, about the parameter `param`, for another's and for none."""
        known = ID.fullmatch(job_id) and job_id.startswith(f"{kind}_")
        job = self.store.get(job_id, owner) if known else None
        if job is None:
            raise missing(kind, job_id[:100], param)
        return job

    def check_room(self, caller: Caller) -> None:
        """Raise QuotaExceeded for a caller whose videos, characters and files are as many as allowed."""
        clips = sum(self.files.size(key) for key in self.store.character_files(caller.owner) if self.files.exists(key))
        made = self.store.usage(caller.owner).stored_bytes
        file_objects.check_room(self.files, caller.owner, caller.limits, made + clips)


@dataclass(frozen=True)
class Visit:
    """One call: by whom, to which house."""

    house: House
    caller: Caller

    @property
    def owner(self) -> str:
        """Whose jobs it sees."""
        return self.caller.owner

    async def glance(self, request: Request, look: Look) -> Response:
        """Answer one of those who look again and again."""
        return await self.house.glances.answer(key_of(request.scope, self.caller), look, request.scope.get("route"))


def key_of(scope: Scope, caller: Caller) -> Hashable:
    """Return by what an answer to a caller is known again."""
    return caller.owner, scope["path"], scope["query_string"]


async def visited(request: Request) -> Visit:
    """Let a caller in, who may have been let in already."""
    house: House = request.app.state.house
    return Visit(house, request.scope.get(CALLER) or await house.doors(request))


Guest = Annotated[Visit, Depends(visited)]
