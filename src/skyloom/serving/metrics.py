"""Figures for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import Scope

BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 60.0, 600.0)


class Metrics:
    """One app's figures: requests, how long they took, jobs by status, room left."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self.requests = Counter("skyloom_requests", "Answered requests.", labels, registry=registry)
        self.seconds = Histogram(
            "skyloom_request_seconds", "Time to answer.", ("route",), registry=registry, buckets=BUCKETS
        )
        self.running = Gauge("skyloom_requests_running", "Requests being answered.", registry=registry)
        self.jobs = Gauge("skyloom_jobs", "Jobs in the store.", ("status",), registry=registry)
        self.free = Gauge("skyloom_free_bytes", "Room left for files.", registry=registry)

    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        """Count one request, under its route's pattern: ids make no series of their own."""
        route = getattr(scope.get("route"), "path", None) or "none"
        method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "DELETE", "OPTIONS") else "other"
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    def page(self, counts: dict[str, int], free_bytes: int | None) -> bytes:
        """Return all figures as text."""
        for status, count in counts.items():
            self.jobs.labels(status).set(count)
        if free_bytes is not None:
            self.free.set(free_bytes)
        return generate_latest(self.registry)
