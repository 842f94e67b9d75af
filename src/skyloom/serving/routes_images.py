"""/v1/images: pictures, waited for."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Path, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from skyloom.serving import answers, media, orders
from skyloom.serving.bodies import EditImage, GenerateImage
from skyloom.serving.docs import body_of
from skyloom.serving.errors import ApiError, missing
from skyloom.serving.house import REFUSALS, Guest, House, Visit
from skyloom.serving.jobs import ENDED, Job
from skyloom.serving.queueing import accept

LATE = {504: {"model": answers.Error, "description": "The pictures are not finished; the same call again waits on."}}
router = APIRouter(prefix="/v1/images", tags=["images"], responses=REFUSALS | LATE)
LOOK_SECONDS = 0.1
URL_SECONDS = 3600


async def _made(request: Request, visit: Visit, body: type[GenerateImage] | type[EditImage]) -> JSONResponse:
    """Queue the pictures that a request asks for, and answer when they are there."""
    asked, job = await accept(request, visit, body, orders.picture, "image")
    return await finished(request, visit, job, asked)


@router.post("/generations", response_model=answers.Images, openapi_extra=body_of(GenerateImage))
async def generate_image(request: Request, visit: Guest) -> JSONResponse:
    """Make pictures from words."""
    return await _made(request, visit, GenerateImage)


@router.post("/edits", response_model=answers.Images, openapi_extra=body_of(EditImage))
async def edit_image(request: Request, visit: Guest) -> JSONResponse:
    """Change a picture: everywhere, or under a mask."""
    return await _made(request, visit, EditImage)


@router.get("/{image_id}/{number}", response_class=Response, responses={200: {"content": {"image/png": {}}}})
def download_image(
    request: Request,
    image_id: str,
    number: Annotated[int, Path(ge=0, le=9)],
    owner: Annotated[str, Query(max_length=40)],
    expires: int,
    signature: Annotated[str, Query(max_length=64)],
) -> Response:
    """Send a picture by the address that its call answered; it holds for an hour and needs no key."""
    house: House = request.app.state.house
    right = signed(house, f"{image_id}/{number}/{owner}/{expires}")
    if not hmac.compare_digest(right.encode(), signature.encode("utf-8", "replace")) or expires < time.time():
        raise missing("image", image_id[:100])
    job = house.job(image_id, owner, "image")
    return media.content(house.files, job, f"image-{number}", request.headers.get("range"))


async def finished(request: Request, visit: Visit, job: Job, asked: GenerateImage | EditImage) -> JSONResponse:
    """Wait for a job and return its pictures. Raises ApiError when it fails, takes too long, or is deleted."""
    until = time.monotonic() + visit.house.settings.image_wait_seconds
    current: Job | None = job
    while current is not None and current.status not in ENDED:
        if time.monotonic() > until:
            raise ApiError(504, f"{job.id} is {current.status}; the same call again waits on.")
        await anyio.sleep(LOOK_SECONDS)
        current = await run_in_threadpool(visit.house.store.get, job.id, visit.owner)
    if current is None:
        raise missing("image", job.id)
    if current.status != "completed":
        error = current.error or {"code": "failed", "message": "The job failed."}
        status = 400 if error["code"] in ("invalid_value", "invalid_media", "moderation_blocked", "cancelled") else 500
        raise ApiError(status, error["message"], code=error["code"], headers={"x-should-retry": "false"})
    return await run_in_threadpool(shown, request, visit, current, asked)


def shown(request: Request, visit: Visit, job: Job, asked: GenerateImage | EditImage) -> JSONResponse:
    """Return a finished job's pictures as bytes or addresses."""
    names = sorted((name for name in job.files if name.startswith("image-")), key=lambda name: int(name[6:]))
    as_url = asked.response_format == "url"
    data = [_address(request, visit, job, name) if as_url else _bytes(visit.house, job, name) for name in names]
    usage = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
    details = {"image_tokens": 0, "text_tokens": 0}
    return JSONResponse({
        "created": job.created_at, "data": data, "size": answers.size_of(job),
        "output_format": job.order["settings"]["output_format"], "usage": {**usage, "input_tokens_details": details},
        "id": job.id, "requested": job.order.get("requested"), "ignored": asked.ignored, "made": job.made or None,
    })  # fmt: skip


def _bytes(house: House, job: Job, name: str) -> dict[str, Any]:
    with house.files.open(job.files[name]) as file:
        return {"b64_json": base64.b64encode(file.read()).decode(), "url": None, "revised_prompt": None}


def _address(request: Request, visit: Visit, job: Job, name: str) -> dict[str, Any]:
    expires, number = int(time.time()) + URL_SECONDS, name.partition("-")[2]
    signature = signed(visit.house, f"{job.id}/{number}/{visit.owner}/{expires}")
    url = request.url_for("download_image", image_id=job.id, number=number)
    told = url.include_query_params(owner=visit.owner, expires=expires, signature=signature)
    return {"b64_json": None, "url": str(told), "revised_prompt": None}


def signed(house: House, text: str) -> str:
    """Return a signature that only this house can make."""
    return hmac.new(house.settings.url_secret.encode(), text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
