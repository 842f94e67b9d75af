"""The server under many clients while a job runs: how long they wait, and what the job loses.

python benchmarks/serving_load.py                                   200 clients for 20 s, test cards
python benchmarks/serving_load.py --engine skyloom.serving.engine:make --steps 1500
python benchmarks/serving_load.py --pause-ms 500                     twice as often as the server asks

Each client has a connection of its own; it polls the video that is being made and lists twenty, in turn, as often as
the server asks (`openai-poll-after-ms`). The server and its worker are the installed command; the clients are one
process, which reads just as much of HTTP as it needs, so that the server is what is measured. The same job is timed
alone first. The server's own processor time is told too: it is the same on a busy machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import httpx2
import typer
import uvloop

PROMPT = "a red ball bounces on the beach"
START_SECONDS = 120


def main(
    clients: Annotated[int, typer.Option(help="pollers at a time")] = 200,
    seconds: Annotated[float, typer.Option(help="shortest time of load")] = 20.0,
    engine: Annotated[str, typer.Option(help="what makes the job")] = "skyloom.serving.rehearsal:make",
    steps: Annotated[int, typer.Option(help="steps of the job: choose some that last about `seconds`")] = 400,
    repeats: Annotated[int, typer.Option(help="jobs of each kind")] = 1,
    pause_ms: Annotated[int | None, typer.Option(help="between two calls of a client; left out: as asked")] = None,
    port: int = 8765,
    out: Annotated[Path | None, typer.Option(help="JSON to write")] = None,
) -> None:
    """Measure, print one JSON object, and leave nothing behind."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "skyloom", "serve", "--port", str(port), "--no-policy", "--engine", engine]
        places = ["--store", f"{folder}/jobs.db", "--files", f"{folder}/files"]
        with subprocess.Popen([*command, *places], stderr=subprocess.DEVNULL) as server:
            try:
                load = Load(clients, seconds, steps, repeats, None if pause_ms is None else pause_ms / 1000)
                found = uvloop.run(measured(port, server.pid, load))
            finally:
                server.terminate()
    told = json.dumps({"clients": clients, "engine": engine, "steps": steps, **found}, indent=1)
    print(told)
    if out is not None:
        out.write_text(told + "\n")


@dataclass
class Load:
    """What is asked of the server. pause: seconds between two calls of a client; None: as the server asks."""

    clients: int
    seconds: float
    steps: int
    repeats: int
    pause: float | None
    newest: str = ""
    waits: dict[str, list[float]] = field(default_factory=lambda: {"retrieve": [], "list": []})


async def measured(port: int, pid: int, load: Load) -> dict[str, Any]:
    """Time the job alone and under load."""
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        await ready(client)
        for _ in range(20):
            load.newest = await job(client, 1)
        await wait(client, load.newest)
        alone = [await timed(client, load) for _ in range(load.repeats)]
        stop = asyncio.Event()
        pollers = [asyncio.create_task(poll(port, load, stop, number)) for number in range(load.clients)]
        await asyncio.sleep(2)
        for kind in load.waits.values():
            kind.clear()
        began, used = time.perf_counter(), cpu_seconds(pid)
        loaded = [await timed(client, load) for _ in range(load.repeats)]
        await asyncio.sleep(max(0.0, load.seconds - (time.perf_counter() - began)))
        lasted, used = time.perf_counter() - began, cpu_seconds(pid) - used
        figures = {kind: quantiles(values) for kind, values in load.waits.items()}
        stop.set()
        await asyncio.gather(*pollers)
    count = sum(found["count"] for found in figures.values())
    cpu = {"ms_per_request": round(1000 * used / count, 3), "share_of_a_core": round(used / lasted, 3)}
    seconds = {"alone": statistics.median(alone), "loaded": statistics.median(loaded)}
    return {
        "requests_per_second": round(count / lasted, 1),
        "server_cpu": cpu,
        "milliseconds": figures,
        "job_seconds": seconds,
        "job_slower_by": seconds["loaded"] / seconds["alone"] - 1,
    }


def cpu_seconds(pid: int) -> float:
    """Return the processor time a process has used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def ready(client: httpx2.AsyncClient) -> None:
    """Wait until the server answers."""
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            (await client.get("/healthz")).raise_for_status()
            return
        except httpx2.TransportError:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.2)


async def job(client: httpx2.AsyncClient, steps: int) -> str:
    """Queue a job."""
    body = {"prompt": PROMPT, "seconds": "2", "seed": 1, "num_inference_steps": steps}
    return (await client.post("/v1/videos", json=body)).raise_for_status().json()["id"]


async def wait(client: httpx2.AsyncClient, video_id: str) -> dict[str, Any]:
    """Return a video when it has ended."""
    while True:
        video = (await client.get(f"/v1/videos/{video_id}")).raise_for_status().json()
        if video["status"] in ("completed", "failed"):
            return video
        await asyncio.sleep(0.25)


async def timed(client: httpx2.AsyncClient, load: Load) -> float:
    """Return the seconds a job takes, from the call to the end."""
    began = time.perf_counter()
    load.newest = await job(client, load.steps)
    video = await wait(client, load.newest)
    assert video["status"] == "completed", video["error"]
    return time.perf_counter() - began


class Line(asyncio.Protocol):
    """One connection: `get` sends a call and waits for the whole answer."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[bytes] | None = None
        self.transport: Any = None
        self.heard, self.length = bytearray(), 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Gather an answer: its head, then as many bytes as the head says."""
        self.heard += data
        if not self.length and (end := self.heard.find(b"\r\n\r\n")) >= 0:
            self.length = end + 4 + int(header(self.heard[:end], b"content-length") or 0)
        if self.length and len(self.heard) >= self.length and self.answer is not None:
            self.answer.set_result(bytes(self.heard))

    def connection_lost(self, error: Exception | None) -> None:
        """Let nobody wait for ever."""
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(error or ConnectionError("closed"))

    async def get(self, path: str) -> bytes:
        """Return an answer, head and body."""
        self.answer, self.length = asyncio.get_running_loop().create_future(), 0
        self.heard.clear()
        self.transport.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        found = await self.answer
        assert found.startswith(b"HTTP/1.1 200 "), found
        return found


def header(head: bytes | bytearray, name: bytes) -> bytes | None:
    """Return one header's value."""
    _, found, rest = head.partition(b"\r\n" + name + b": ")
    return bytes(rest.partition(b"\r\n")[0]) if found else None


async def poll(port: int, load: Load, stop: asyncio.Event, number: int) -> None:
    """Retrieve and list in turn, as often as the server asks; note each wait in milliseconds."""
    _, line = await asyncio.get_running_loop().create_connection(Line, "127.0.0.1", port)
    pause, turn = load.pause or 1.0, number
    await asyncio.sleep(pause * number / load.clients)
    while not stop.is_set():
        kind, path = (("retrieve", f"/v1/videos/{load.newest}"), ("list", "/v1/videos"))[turn % 2]
        began = time.perf_counter()
        head = (await line.get(path)).partition(b"\r\n\r\n")[0]
        load.waits[kind].append(1000 * (time.perf_counter() - began))
        asked = header(head, b"openai-poll-after-ms")
        pause = load.pause or (pause if asked is None else int(asked) / 1000)
        turn += 1
        await asyncio.sleep(pause)
    line.transport.close()


def quantiles(values: list[float]) -> dict[str, float]:
    """Return the median, the 99th percentile, the longest, and how many."""
    ordered = sorted(values)
    at = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    found = {name: round(ordered[min(int(share * len(ordered)), len(ordered) - 1)], 2) for name, share in at.items()}
    return {**found, "count": len(ordered)}


if __name__ == "__main__":
    typer.run(main)
