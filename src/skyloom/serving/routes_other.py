"""Models, provenance, health and figures."""

from __future__ import annotations

import time
from functools import partial
from importlib.metadata import version

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from skyloom.serving import answers, docs, models
from skyloom.serving.bodies import CheckProvenance
from skyloom.serving.errors import missing
from skyloom.serving.forms import read_body
from skyloom.serving.house import REFUSALS, Guest, House
from skyloom.serving.provenance import results

router = APIRouter(responses=REFUSALS)


@router.get("/v1/models", response_model=answers.ModelList, tags=["models"])
def list_models(visit: Guest) -> JSONResponse:
    """List the names that `model` may have."""
    return JSONResponse({"object": "list", "data": models.listed(visit.house.settings.offer)})


@router.get("/v1/models/{model}", response_model=answers.Model, tags=["models"])
def retrieve_model(visit: Guest, model: str) -> JSONResponse:
    """Tell of one model."""
    for known in models.listed(visit.house.settings.offer):
        if known["id"] == model:
            return JSONResponse(known)
    raise missing("model", model[:100])


@router.post(
    "/v1/content_provenance_checks",
    response_model=answers.Provenance,
    tags=["provenance"],
    openapi_extra=docs.body_of(CheckProvenance, as_json=False),
)
async def check_provenance(request: Request, visit: Guest) -> JSONResponse:
    """Tell whether a file came from here: its signed manifest, its invisible mark."""
    async with read_body(request) as given:
        asked = given.read(CheckProvenance)
        look = partial(results, asked.file, visit.house.settings.max_upload_bytes)
        found = await visit.house.run(look, brings_files=True)
    own = {"created_at": int(time.time()), "object": "content_provenance_check"}
    return JSONResponse({**own, "results": found})


@router.get("/healthz", response_model=answers.Health, tags=["server"])
def health(request: Request) -> JSONResponse:
    """Tell whether jobs can be kept, and how many there are."""
    house: House = request.app.state.house
    told = {"status": "ok", "version": version("skyloom"), "checkpoint": house.settings.offer.name}
    return JSONResponse({**told, "jobs": house.store.counts()})


@router.get("/metrics", response_class=PlainTextResponse, tags=["server"])
def metrics(request: Request) -> Response:
    """Tell figures, for Prometheus."""
    house: House = request.app.state.house
    text = house.metrics.page(house.store.counts(), house.files.free_bytes())
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/docs", response_class=HTMLResponse, include_in_schema=False)
def documentation(request: Request) -> HTMLResponse:
    """Show all calls as a page."""
    return HTMLResponse(docs.page(request.app.openapi()))
