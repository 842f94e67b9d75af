"""From a request to a queued job, once.

A client repeats a call whose answer it did not get, and says so in `x-stainless-retry-count` alone. Every job is kept
with a digest of what was asked; a repeated call finds the job of its first try by it. An `idempotency-key` does the
same for any client.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from fastapi import Request

from skyloom.serving.bodies import Request as Body
from skyloom.serving.doors import Caller
from skyloom.serving.errors import ApiError
from skyloom.serving.forms import read_body
from skyloom.serving.house import House, Visit
from skyloom.serving.intake import Intake
from skyloom.serving.jobs import Job, new_id, new_job, prefix
from skyloom.serving.models import check_model
from skyloom.serving.offers import Offer
from skyloom.serving.orders import Plan, Take

B = TypeVar("B", bound=Body)
PROMPTS = ("prompt", "negative_prompt", "name")
Planner = Callable[[Take], Plan]


@dataclass(frozen=True)
class Try:
    """Which call this is. key: the caller's own name for it."""

    path: str
    again: bool
    key: str | None

    @staticmethod
    def of(request: Request) -> Try:
        """Read a request's headers."""
        count, key = request.headers.get("x-stainless-retry-count", "0"), request.headers.get("idempotency-key")
        return Try(request.url.path, key is not None or (count.isdecimal() and int(count[:6]) > 0), key)

    def token(self, owner: str, tree: dict[str, Any], digests: list[str]) -> str:
        """Return what a repeated call has in common with its first try."""
        said = [self.key] if self.key is not None else [tree, digests]
        text = json.dumps([owner, self.path, *said], sort_keys=True, default=lambda upload: "upload")
        return hashlib.sha256(text.encode()).hexdigest()


async def accept(
    request: Request, visit: Visit, body: type[B], plan: Callable[[B, Offer, Take], Plan], kind: str = "video"
) -> tuple[B, Job]:
    """Read a request's body, check it and queue what it asks for. Raises ApiError, ValidationError."""
    async with read_body(request) as given:

        def accepted() -> tuple[B, Job]:
            asked = given.read(body)
            check_model(getattr(asked, "model", None), visit.house.settings.offer.name)
            moderated(visit, asked)
            planned = partial(plan, asked, visit.house.settings.offer)
            return asked, queue(visit.house, visit.caller, Try.of(request), given.tree, planned, kind)

        return await visit.house.run(accepted, brings_files=given.brings_files)


def queue(house: House, caller: Caller, call: Try, tree: dict[str, Any], planner: Planner, kind: str = "video") -> Job:
    """Plan, bring inputs in, and queue; what was brought in for nothing is removed again. Raises ApiError."""
    job_id = new_id(kind)
    intake = Intake(house.store, house.files, caller.owner, prefix(job_id), house.settings)
    kept = False
    try:
        plan = planner(intake.take)
        job = new_job(
            plan.order, owner=caller.owner, kind=kind, model=plan.model, prompt=plan.prompt, size=plan.size,
            seconds=plan.seconds, remixed_from_video_id=plan.source_id, job_id=job_id,
        )  # fmt: skip
        token = call.token(caller.owner, tree, intake.digests)
        added = house.store.add(job, token, caller.limits, retried=call.again)
        kept = added.id == job_id
        house.glances.forget()
    finally:
        if intake.digests and not kept:
            house.files.delete(prefix(job_id))
    return added


def moderated(visit: Visit, asked: Body) -> None:
    """Refuse what the prompt policy refuses. Raises ApiError."""
    for name, text in prompts_of(asked, ""):
        refusal = visit.house.settings.policy.of_prompt(text, visit.owner, name)
        if refusal is not None:
            raise ApiError(400, refusal.message, code=refusal.code, param=name)


def prompts_of(asked: Body, place: str) -> Iterator[tuple[str, str]]:
    """Yield every text a request tells the model, with its name."""
    for name in type(asked).model_fields:
        value = getattr(asked, name)
        if isinstance(value, str) and value and name in PROMPTS:
            yield f"{place}{name}", value
        for number, item in enumerate(value if isinstance(value, list) else []):
            if isinstance(item, Body):
                yield from prompts_of(item, f"{place}{name}.{number}.")
