"""What surrounds every request: an id, a limit, a measure, an answer even to a bug.

Plain ASGI, so that streams stay streams.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from skyloom.serving.errors import ApiError, answer
from skyloom.serving.metrics import Metrics

log = logging.getLogger("skyloom.serving")
REQUEST_ID = re.compile(rb"[A-Za-z0-9_-]{1,64}")
SAFE = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]


class Frame:
    """Wraps an app. A request that says its id keeps it; the answer's header x-request-id tells it."""

    def __init__(self, app: ASGIApp, metrics: Metrics, max_body_bytes: int) -> None:
        self.app, self.metrics, self.max_body_bytes = app, metrics, max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send, self.max_body_bytes)
        began = time.perf_counter()
        with self.metrics.running.track_inprogress():
            try:
                await self.app(scope, exchange.receive, exchange.send)
            except Exception:
                log.exception("request %s: %s failed", exchange.identity, scope["method"])
                if not exchange.status:
                    message = f"Something went wrong here. Request id: {exchange.identity}."
                    await answer(ApiError(500, message))(scope, receive, exchange.send)
            finally:
                self.metrics.answered(scope, exchange.status, time.perf_counter() - began)


class Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        given = dict(scope["headers"]).get(b"x-request-id", b"")
        self.identity = given.decode() if REQUEST_ID.fullmatch(given) else f"req_{secrets.token_hex(16)}"
        self.from_client, self.to_client, self.limit = receive, send, limit
        self.status = self.read = 0

    async def receive(self) -> Message:
        """Pass the body on, up to the limit; the rest of one that is too long is read and dropped once more as long."""
        message = await self.from_client()
        self.read += len(message.get("body", b""))
        if self.read > self.limit:
            while message.get("more_body") and self.read < 2 * self.limit:
                message = await self.from_client()
                self.read += len(message.get("body", b""))
            raise ApiError(413, f"The request has more than the {self.limit} bytes allowed.")
        return message

    async def send(self, message: Any) -> None:
        """Pass the answer on with its id."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", []), (b"x-request-id", self.identity.encode()), *SAFE]
            message = {**message, "headers": headers}
        await self.to_client(message)
