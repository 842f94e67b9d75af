"""/v1/videos and /v1/videos/{id}: make, look, list, fetch, stop, delete."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from skyloom.serving import answers, events, media, orders
from skyloom.serving.bodies import CreateVideo, RemixVideo
from skyloom.serving.docs import body_of
from skyloom.serving.errors import ApiError
from skyloom.serving.house import REFUSALS, Guest, VideoId, Visit
from skyloom.serving.jobs import ENDED, Job, prefix
from skyloom.serving.offers import Offer
from skyloom.serving.queueing import accept

router = APIRouter(prefix="/v1/videos", tags=["videos"], responses=REFUSALS)
BYTES: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": dict.fromkeys(("video/mp4", "image/webp", "image/jpeg"), BYTES), "description": "The file."},
    206: {"description": "A range of it."}, 416: REFUSALS[404] | {"description": "A range outside of it."},
}  # fmt: skip


@router.post("", response_model=answers.Video, openapi_extra=body_of(CreateVideo))
async def create_video(request: Request, visit: Guest) -> JSONResponse:
    """Ask for a video: from words, a picture, keyframes, a storyboard, or as a loop."""
    _, job = await accept(request, visit, CreateVideo, orders.create)
    return shown(visit, job)


@router.get("", response_model=answers.VideoList)
async def list_videos(
    request: Request,
    visit: Guest,
    after: Annotated[str | None, Query(max_length=100, description="the id of the last one seen")] = None,
    limit: Annotated[int, Query(ge=0, le=100)] = 20,
    order: Literal["asc", "desc"] = "desc",
) -> Response:
    """List one's videos, the newest first."""

    def look() -> tuple[Any, dict[str, str]]:
        if after is not None:
            visit.house.job(after, visit.owner, param="after")
        found, more = visit.house.store.list(visit.owner, "video", after, limit, order == "desc")
        data = [answers.video(job) for job in found]
        ends = {"first_id": data[0]["id"] if data else None, "last_id": data[-1]["id"] if data else None}
        return {"object": "list", "data": data, **ends, "has_more": more}, {}

    return await visit.glance(request, look)


@router.get("/{video_id}", response_model=answers.Video)
async def retrieve_video(request: Request, visit: Guest, video_id: VideoId) -> Response:
    """Tell how a video is coming along."""

    def look() -> tuple[Any, dict[str, str]]:
        job = visit.house.job(video_id, visit.owner)
        return answers.video(job), answers.poll_header(job, visit.house.settings.poll_after_ms)

    return await visit.glance(request, look)


@router.delete("/{video_id}", response_model=answers.Deleted)
def delete_video(visit: Guest, video_id: VideoId) -> JSONResponse:
    """Delete a video with all its files; one that is being made is stopped."""
    visit.house.job(video_id, visit.owner)
    if visit.house.store.delete(video_id, visit.owner):
        visit.house.files.delete(prefix(video_id))
    visit.house.glances.forget()
    return JSONResponse({"id": video_id, "object": "video.deleted", "deleted": True})


@router.api_route("/{video_id}/content", methods=["GET"], response_class=Response, responses=FILES)
def download_content(request: Request, visit: Guest, video_id: VideoId, variant: media.Variant = "video") -> Response:
    """Send the video, its thumbnail, its spritesheet, or a preview of one that is being made."""
    job = visit.house.job(video_id, visit.owner)
    return media.content(visit.house.files, job, variant, request.headers.get("range"))


@router.post("/{video_id}/remix", response_model=answers.Video, openapi_extra=body_of(RemixVideo))
async def remix_video(request: Request, visit: Guest, video_id: VideoId) -> JSONResponse:
    """Make a video again with other words."""
    model = (await run_in_threadpool(visit.house.job, video_id, visit.owner)).model

    def planned(asked: RemixVideo, offer: Offer, take: orders.Take) -> orders.Plan:
        return orders.remix(asked, offer, take("video", video_id, orders.VIDEO, "video_id"), model)

    _, job = await accept(request, visit, RemixVideo, planned)
    return shown(visit, job)


@router.post("/{video_id}/cancel", response_model=answers.Video)
def cancel_video(visit: Guest, video_id: VideoId) -> JSONResponse:
    """Stop making a video; it has failed then, with the code `cancelled`."""
    if not visit.house.store.cancel(video_id, visit.owner):
        job = visit.house.job(video_id, visit.owner)
        if job.status in ENDED and job.status != "cancelled":
            raise ApiError(400, f"{video_id} has ended already: it is {job.status}.", code="already_ended")
    visit.house.glances.forget()
    return shown(visit, visit.house.job(video_id, visit.owner))


@router.get("/{video_id}/events", response_class=Response, responses={200: {"content": {"text/event-stream": {}}}})
def video_events(visit: Guest, video_id: VideoId) -> Response:
    """Stream progress: events `progress`, then one of `completed`, `failed`, `deleted`."""
    return events.stream(visit.house, visit.house.job(video_id, visit.owner))


def shown(visit: Visit, job: Job) -> JSONResponse:
    """Return a video as an answer."""
    return answers.video_answer(job, visit.house.settings.poll_after_ms)
