"""/v1/videos/edits, extensions, blends, characters: what is made from videos.

These paths come before /v1/videos/{id}.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from skyloom.serving import answers, orders
from skyloom.serving.answers import video_answer
from skyloom.serving.bodies import BlendVideos, CreateCharacter, EditVideo, ExtendVideo, Settings
from skyloom.serving.docs import body_of
from skyloom.serving.errors import missing
from skyloom.serving.forms import Body, read_body
from skyloom.serving.house import REFUSALS, Guest, Visit
from skyloom.serving.intake import Intake
from skyloom.serving.jobs import ID, new_id, prefix
from skyloom.serving.offers import Offer
from skyloom.serving.orders import Plan, Take
from skyloom.serving.queueing import accept, moderated

router = APIRouter(prefix="/v1/videos", tags=["videos"], responses=REFUSALS)
B = TypeVar("B", bound=Settings)


async def _queued(
    request: Request, visit: Visit, body: type[B], order: Callable[[B, Offer, Take], Plan]
) -> JSONResponse:
    """Queue what a request asks for, and answer with the job."""
    _, job = await accept(request, visit, body, order)
    return video_answer(job, visit.house.settings.poll_after_ms)


@router.post("/edits", response_model=answers.Video, openapi_extra=body_of(EditVideo))
async def edit_video(request: Request, visit: Guest) -> JSONResponse:
    """Change a video: everywhere, or under a mask."""
    return await _queued(request, visit, EditVideo, orders.edit)


@router.post("/extensions", response_model=answers.Video, openapi_extra=body_of(ExtendVideo))
async def extend_video(request: Request, visit: Guest) -> JSONResponse:
    """Go on after a video, or lead up to it."""
    return await _queued(request, visit, ExtendVideo, orders.extend)


@router.post("/blends", response_model=answers.Video, openapi_extra=body_of(BlendVideos))
async def blend_videos(request: Request, visit: Guest) -> JSONResponse:
    """Lead from one video to another."""
    return await _queued(request, visit, BlendVideos, orders.blend)


@router.post("/characters", response_model=answers.Character, openapi_extra=body_of(CreateCharacter))
async def create_character(request: Request, visit: Guest) -> JSONResponse:
    """Keep a character from a clip, to name it in prompts."""
    async with read_body(request) as given:
        return JSONResponse(await visit.house.run(partial(keep_character, visit, given), brings_files=True))


@router.get("/characters/{character_id}", response_model=answers.Character)
def get_character(visit: Guest, character_id: str) -> JSONResponse:
    """Tell of a character."""
    found = visit.house.store.get_character(character_id, visit.owner) if ID.fullmatch(character_id) else None
    if found is None:
        raise missing("character", character_id[:100])
    return JSONResponse({name: found[name] for name in ("id", "created_at", "name")})


def keep_character(visit: Visit, given: Body) -> dict[str, Any]:
    """Store a character's clip, then the character."""
    asked = given.read(CreateCharacter)
    moderated(visit, asked)
    house, character_id = visit.house, new_id("character")
    place = prefix(character_id)
    house.check_room(visit.caller)
    intake = Intake(house.store, house.files, visit.owner, place, house.settings)
    try:
        source = intake.take("video", asked.video, orders.VIDEO)
        row = house.store.add_character(visit.owner, asked.name, source.key, character_id)
    except BaseException:
        house.files.delete(place)
        raise
    return {name: row[name] for name in ("id", "created_at", "name")}
