"""How often an owner may call: a bucket of tokens.

A bucket holds a minute's calls and refills evenly, so bursts pass and the rate holds (a generic cell rate, kept as the
time at which the bucket is full again). It lives in one server's memory: n servers allow n times the rate.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

MINUTE = 60.0
FORGET_ABOVE = 10_000
"""Owners remembered before those whose bucket is full are forgotten."""


class RateLimiter:
    """Buckets by owner; `clock` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock, self.full_at, self.lock = clock, dict[str, float](), threading.Lock()

    def wait(self, owner: str, requests_per_minute: int | None) -> float:
        """Take one call; return 0.0 if it may go on, else the seconds until one may (none is taken then)."""
        if requests_per_minute is None:
            return 0.0
        with self.lock:
            now = self.clock()
            full_at = max(self.full_at.get(owner, now), now) + MINUTE / requests_per_minute
            if full_at - now > MINUTE + 1e-9:
                return full_at - now - MINUTE
            self.full_at[owner] = full_at
            if len(self.full_at) > FORGET_ABOVE:
                self.full_at = {name: at for name, at in self.full_at.items() if at > now}
            return 0.0
