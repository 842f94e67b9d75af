"""Who calls, and whether they may.

With keys, every call under /v1 needs one. Without any, all calls are the local user's; then only this machine is
served, and a request that a web page of another site sends through the user's browser is refused.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from skyloom.serving.errors import ApiError, too_many
from skyloom.serving.jobs import LOCAL, Limits
from skyloom.serving.limits import RateLimiter
from skyloom.serving.settings import Settings
from skyloom.serving.store import Store

LOOK_AGAIN = 1.0
"""Seconds after which a server without keys looks whether there are any now."""
CHALLENGE = {"www-authenticate": "Bearer"}


@dataclass(frozen=True)
class Caller:
    """Whose jobs a call sees, and what it may do."""

    owner: str
    limits: Limits


class Doors:
    """Lets callers in. Once a key was made, a server never opens again without one."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store, self.settings, self.limiter = store, settings, RateLimiter()
        self.locked, self.looked = False, -LOOK_AGAIN

    async def __call__(self, request: Request) -> Caller:
        """Return who calls. Raises ApiError: 401 without a good key, 403 from elsewhere, 429 when too often."""
        if not self.locked and time.monotonic() - self.looked > LOOK_AGAIN:
            self.locked, self.looked = await run_in_threadpool(self.store.has_keys), time.monotonic()
        caller = await self._keyed(request) if self.locked else self._local(request)
        wait = self.limiter.wait(caller.owner, caller.limits.requests_per_minute)
        if wait:
            raise too_many(f"Too many requests; come again in {wait:.2f} s.", wait)
        return caller

    def _local(self, request: Request) -> Caller:
        """Let the user of this machine in."""
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
        origin = request.headers.get("origin")
        if host not in self.settings.hosts:
            raise ApiError(403, f"Without API keys this server is not called by the name {host[:80]!r}.")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
            raise ApiError(403, "Without API keys this server does not answer web pages of other sites.")
        return Caller(LOCAL, self.settings.limits)

    async def _keyed(self, request: Request) -> Caller:
        """Let the holder of a key in."""
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise ApiError(401, "An API key is needed: Authorization: Bearer KEY.", headers=CHALLENGE)
        key = await run_in_threadpool(self.store.check_key, secret.strip())
        if key is None:
            raise ApiError(401, "The API key is not known, or was revoked.", headers=CHALLENGE)
        return Caller(key.owner, key.limits)
