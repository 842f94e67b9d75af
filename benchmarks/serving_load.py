"""The server under many clients while a job runs: how long they wait, and what the job loses.

python benchmarks/serving_load.py                                   200 clients for 30 s, test cards
python benchmarks/serving_load.py --engine skyloom.serving.engine:make --clients 200

Each client polls one video and lists twenty, as often as the server asks (`openai-poll-after-ms`). The server and its
worker are the installed command; the clients are one process. The same job is timed alone first.
The server's own processor time is told too: it is the same on a busy machine.
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
from pathlib import Path
from typing import Annotated, Any

import httpx2
import typer

PROMPT = "a red ball bounces on the beach"
START_SECONDS = 120


def main(
    clients: Annotated[int, typer.Option(help="pollers at a time")] = 200,
    seconds: Annotated[float, typer.Option(help="shortest time of load")] = 20.0,
    engine: Annotated[str, typer.Option(help="what makes the job")] = "skyloom.serving.rehearsal:make",
    steps: Annotated[int, typer.Option(help="steps of the job: choose some that last about `seconds`")] = 400,
    repeats: Annotated[int, typer.Option(help="jobs of each kind")] = 1,
    port: int = 8765,
    out: Annotated[Path | None, typer.Option(help="JSON to write")] = None,
) -> None:
    """Measure, print one JSON object, and leave nothing behind."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "skyloom", "serve", "--port", str(port), "--no-policy", "--engine", engine]
        places = ["--store", f"{folder}/jobs.db", "--files", f"{folder}/files"]
        with subprocess.Popen([*command, *places], stderr=subprocess.DEVNULL) as server:
            try:
                found = asyncio.run(measured(f"http://127.0.0.1:{port}", server.pid, clients, seconds, steps, repeats))
            finally:
                server.terminate()
    told = json.dumps({"clients": clients, "engine": engine, "steps": steps, **found}, indent=1)
    print(told)
    if out is not None:
        out.write_text(told + "\n")


async def measured(url: str, pid: int, clients: int, seconds: float, steps: int, repeats: int) -> dict[str, Any]:
    """Time the job alone and under load."""
    limits = httpx2.Limits(max_connections=clients + 8, max_keepalive_connections=clients + 8)
    async with httpx2.AsyncClient(base_url=url, limits=limits, timeout=60) as client:
        await ready(client)
        for _ in range(20):
            await job(client, 1)
        await wait(client, await job(client, 2))
        alone = [await timed(client, steps) for _ in range(repeats)]
        waits: dict[str, list[float]] = {"retrieve": [], "list": []}
        stop = asyncio.Event()
        pollers = [asyncio.create_task(poll(client, waits, stop, number / clients)) for number in range(clients)]
        await asyncio.sleep(2)
        for kind in waits.values():
            kind.clear()
        began, used = time.perf_counter(), cpu_seconds(pid)
        loaded = [await timed(client, steps) for _ in range(repeats)]
        await asyncio.sleep(max(0.0, seconds - (time.perf_counter() - began)))
        lasted, used = time.perf_counter() - began, cpu_seconds(pid) - used
        stop.set()
        await asyncio.gather(*pollers)
    slower = statistics.median(loaded) / statistics.median(alone) - 1
    figures = {kind: quantiles(values) for kind, values in waits.items()}
    count = sum(map(len, waits.values()))
    cpu = {"ms_per_request": round(1000 * used / count, 3), "share_of_a_core": round(used / lasted, 3)}
    job_seconds = {"alone": statistics.median(alone), "loaded": statistics.median(loaded)}
    return {
        "requests_per_second": round(count / lasted, 1),
        "server_cpu": cpu,
        "milliseconds": figures,
        "job_seconds": job_seconds,
        "job_slower_by": slower,
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


async def timed(client: httpx2.AsyncClient, steps: int) -> float:
    """Return the seconds a job takes, from the call to the end."""
    began = time.perf_counter()
    video = await wait(client, await job(client, steps))
    assert video["status"] == "completed", video["error"]
    return time.perf_counter() - began


async def poll(client: httpx2.AsyncClient, waits: dict[str, list[float]], stop: asyncio.Event, phase: float) -> None:
    """Retrieve and list in turn, as often as the server asks; note each wait in milliseconds."""
    newest = (await client.get("/v1/videos?limit=1")).json()["data"][0]["id"]
    pause, turn = 0.5, 0
    await asyncio.sleep(pause * phase)
    while not stop.is_set():
        kind = ("retrieve", "list")[turn % 2]
        path = f"/v1/videos/{newest}" if kind == "retrieve" else "/v1/videos"
        began = time.perf_counter()
        answer = (await client.get(path)).raise_for_status()
        waits[kind].append(1000 * (time.perf_counter() - began))
        pause = int(answer.headers.get("openai-poll-after-ms", 1000 * pause)) / 1000
        turn += 1
        await asyncio.sleep(pause)


def quantiles(values: list[float]) -> dict[str, float]:
    """Return the median, the 99th percentile, the longest, and how many."""
    ordered = sorted(values)
    at = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    found = {name: round(ordered[min(int(share * len(ordered)), len(ordered) - 1)], 2) for name, share in at.items()}
    return {**found, "count": len(ordered)}


if __name__ == "__main__":
    typer.run(main)
