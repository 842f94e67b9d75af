"""Answers to those who look again and again, kept for a moment.

Two hundred clients that poll one video ask the store five times a second, not two hundred. What this server changes is
forgotten at once, so that whoever changes something sees it; what a worker changes is seen a moment later.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

SECONDS = 0.2
MOST = 10_000
Look = Callable[[], tuple[Any, dict[str, str]]]


@dataclass(frozen=True)
class Glance:
    """An answer's body and headers, good until `until`. route: what gave it, for the figures."""

    body: bytes
    headers: dict[str, str]
    until: float
    route: Any = None

    def response(self) -> Response:
        """Return it as an answer."""
        return Response(self.body, headers=self.headers, media_type="application/json")


class Glances:
    """Answers by key. `look` runs in a thread, and once for all who ask meanwhile."""

    def __init__(self, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds, self.clock = seconds, clock
        self.known: dict[Hashable, Glance] = {}
        self.looking: dict[Hashable, asyncio.Future[Glance]] = {}

    def fresh(self, key: Hashable) -> Glance | None:
        """Return what is known of a key, unless it is too old."""
        known = self.known.get(key)
        return known if known is not None and self.clock() < known.until else None

    async def answer(self, key: Hashable, look: Look, route: Any = None) -> Response:
        """Return the answer of a key; `look` gives its JSON value and headers. Raises what `look` raises."""
        known = self.fresh(key)
        if known is not None:
            return known.response()
        if key not in self.looking:
            self.looking[key] = asyncio.ensure_future(self._look(key, look, route))
        return (await asyncio.shield(self.looking[key])).response()

    async def _look(self, key: Hashable, look: Look, route: Any) -> Glance:
        mine = asyncio.current_task()
        began = self.clock()
        try:
            value, headers = await run_in_threadpool(look)
            body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
            glance = Glance(body, headers, began + self.seconds, route)
            if self.looking.get(key) is mine:
                if len(self.known) >= MOST:
                    self.known.clear()
                self.known[key] = glance
            return glance
        finally:
            if self.looking.get(key) is mine:
                del self.looking[key]

    def forget(self) -> None:
        """Forget all, what is being looked up too. Safe from threads."""
        self.known, self.looking = {}, {}
