"""/v1/files: pictures and films kept here, to be named by id."""

from __future__ import annotations

import time
from functools import partial
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse, Response

from skyloom.errors import MediaError
from skyloom.serving import answers, file_objects, media
from skyloom.serving.bodies import CreateFile
from skyloom.serving.docs import body_of
from skyloom.serving.errors import missing
from skyloom.serving.forms import Body, read_body
from skyloom.serving.house import REFUSALS, Guest, Visit
from skyloom.serving.intake import Intake
from skyloom.serving.jobs import new_id

router = APIRouter(prefix="/v1/files", tags=["files"], responses=REFUSALS)
FileId = Annotated[str, Path(description="the id of a file", examples=["file_" + "0" * 32])]
LONGEST_NAME = 255
BYTES: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {}, "video/mp4": {}}}}


@router.post("", response_model=answers.File, openapi_extra=body_of(CreateFile, as_json=False))
async def create_file(request: Request, visit: Guest) -> JSONResponse:
    """Keep a picture or film, made anew from its pixels."""
    async with read_body(request) as given:
        return JSONResponse(await visit.house.run(partial(kept, visit, given), brings_files=True))


@router.get("", response_model=answers.FileList)
def list_files(
    visit: Guest,
    after: Annotated[str | None, Query(max_length=100, description="the id of the last one seen")] = None,
    limit: Annotated[int, Query(ge=1, le=10000)] = 10000,
    order: Literal["asc", "desc"] = "desc",
    purpose: Annotated[str | None, Query(max_length=64)] = None,
) -> JSONResponse:
    """List one's files, the newest first."""
    found = file_objects.listed(visit.house.files, visit.owner)
    ids = [about["id"] for about in found]
    if after is not None and after not in ids:
        raise missing("file", after[:100], "after")
    if order == "desc":
        found.reverse()
    begin = 0 if after is None else 1 + [about["id"] for about in found].index(after)
    rest = [shown(about) for about in found[begin:] if purpose in (None, about["purpose"])]
    page = rest[:limit]
    ends = {"first_id": page[0]["id"] if page else None, "last_id": page[-1]["id"] if page else None}
    return JSONResponse({"object": "list", "data": page, **ends, "has_more": len(rest) > limit})


@router.get("/{file_id}", response_model=answers.File)
def retrieve_file(visit: Guest, file_id: FileId) -> JSONResponse:
    """Tell of a file."""
    return JSONResponse(shown(own(visit, file_id)))


@router.get("/{file_id}/content", response_class=Response, responses=BYTES)
def file_content(request: Request, visit: Guest, file_id: FileId) -> Response:
    """Send a file as it is kept."""
    key = own(visit, file_id)["key"]
    try:
        return media.sent(visit.house.files, key, file_id, request.headers.get("range"))
    except MediaError:  # deleted meanwhile
        raise missing("file", file_id) from None


@router.delete("/{file_id}", response_model=answers.FileDeleted)
def delete_file(visit: Guest, file_id: FileId) -> JSONResponse:
    """Remove a file; what was made from it stays."""
    own(visit, file_id)
    visit.house.files.delete(file_objects.place(visit.owner, file_id))
    return JSONResponse({"id": file_id, "object": "file", "deleted": True})


def own(visit: Visit, file_id: str) -> dict[str, Any]:
    """Return what is known of one's own file. Raises ApiError 404 for another's and for none."""
    about = file_objects.find(visit.house.files, visit.owner, file_id)
    if about is None:
        raise missing("file", file_id[:100])
    return about


def kept(visit: Visit, given: Body) -> dict[str, Any]:
    """Store a file, then what is known of it."""
    asked = given.read(CreateFile)
    house, file_id = visit.house, new_id("file")
    place = file_objects.place(visit.owner, file_id)
    house.check_room(visit.caller)
    try:
        source = Intake(house.store, house.files, visit.owner, place, house.settings).take("file", asked.file)
        now = int(time.time())
        lasting = asked.expires_after
        about = {
            "id": file_id, "bytes": house.files.size(source.key), "created_at": now, "filename": name_of(asked.file),
            "purpose": asked.purpose, "expires_at": None if lasting is None else now + lasting.seconds,
            "key": source.key, "kind": source.kind, "width": source.width, "height": source.height,
            "seconds": source.seconds, "order": time.time_ns(),
        }  # fmt: skip
        return shown(file_objects.keep(house.files, visit.owner, file_id, about))
    except BaseException:
        house.files.delete(place)
        raise


def name_of(upload: Any) -> str:
    """Return what a file was called, to be shown again and for nothing else."""
    said = upload.filename if isinstance(upload, UploadFile) else None
    last = PurePosixPath((said or "upload").replace("\\", "/")).name
    return "".join(letter for letter in last if letter.isprintable())[:LONGEST_NAME] or "upload"


def shown(about: dict[str, Any]) -> dict[str, Any]:
    """Return a file as the client reads it."""
    told = {name: about[name] for name in ("id", "bytes", "created_at", "filename", "purpose", "expires_at")}
    return {**told, "object": "file", "status": "processed", "status_details": None}
