"""Everything a server is told when it starts."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from skyloom.serving.jobs import Limits
from skyloom.serving.offers import Offer
from skyloom.serving.policy import Policy

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Settings:
    """How an app behaves.

    offer: what its checkpoint makes. hosts: names it may be called by while it has no keys (a web page elsewhere must
    not reach a server without keys through its reader's browser). limits: of callers without a key. poll_after_ms: how
    long clients are asked to wait between two looks. max_upload_bytes: of one file, max_body_bytes: of one request.
    image_wait_seconds: how long a call for pictures waits for them. url_secret: signs the addresses of pictures, and is
    shared by several servers of one store. policy: which prompts and pictures are refused, and where that is noted.
    fetch_urls: whether inputs may be URLs; private addresses never.
    """

    offer: Offer
    hosts: tuple[str, ...] = LOOPBACK
    limits: Limits = field(default_factory=lambda: Limits(None, None, None))
    poll_after_ms: int = 1000
    max_upload_bytes: int = 100 * 10**6
    max_body_bytes: int = 250 * 10**6
    image_wait_seconds: float = 540.0
    url_secret: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    policy: Policy = field(default_factory=Policy)
    fetch_urls: bool = False
