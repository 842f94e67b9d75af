"""Kill the server and its workers again and again; count what was lost, doubled, torn or changed.

    python benchmarks/kill_serving.py                                    100 kills, 50 jobs, SQLite, 2 workers
    python benchmarks/kill_serving.py --postgres --workers 3             the same on a Postgres server of its own
    python benchmarks/kill_serving.py --kills 5 --jobs 4 --pace 0.5

Server and workers are the installed commands in processes of their own; jobs are asked for over HTTP by a client that
repeats a call it got no answer to. Every kill is SIGKILL at a random moment, at the server or a worker; half of the
workers' kills leave the engine's process to notice by itself. In the end every job must be there once, completed, and
each of its files the same, byte for byte, as in a run that nobody disturbed. Exits with 1 where one is not.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

from postgres import postgres_server
from skyloom.serving.files import Files
from skyloom.serving.jobs import Job
from skyloom.serving.store import Store
from skyloom.serving.tidying import sweep

ENGINE = "skyloom.serving.rehearsal:make"
STEPS = 20
ANSWER, PATIENCE = 300.0, 1800.0
"""Seconds until a call must have been answered, and until all jobs must have ended after the last kill."""


@dataclass
class Machine:
    """A command kept alive: killed, then started again."""

    name: str
    command: Sequence[str]
    log: Path
    process: subprocess.Popen | None = None

    def start(self) -> None:
        """Start it in a process group of its own."""
        with self.log.open("ab") as words:
            options: dict[str, Any] = {"stdout": words, "stderr": words, "start_new_session": True}
            self.process = subprocess.Popen(self.command, **options)

    def kill(self, whole: bool) -> None:
        """Kill it (and with it the processes it started, or not), and start it again."""
        assert self.process is not None
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended by itself:\n{self.log.read_text()[-3000:]}")
        if whole:
            os.killpg(self.process.pid, signal.SIGKILL)
        else:
            self.process.kill()
        self.process.wait()
        self.start()

    def end(self) -> None:
        """Kill it for good."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@dataclass
class Load:
    """A client that asks for jobs, one after the other, each until it is answered."""

    port: int
    prompts: Sequence[str]
    pause: float
    answered: dict[str, str] = field(default_factory=dict)
    repeats: int = 0

    def run(self) -> None:
        """Ask for all of them."""
        for prompt in self.prompts:
            self.answered[prompt] = self._ask(prompt)
            time.sleep(self.pause)

    def _ask(self, prompt: str) -> str:
        """Ask for one job until there is an answer; return its id."""
        body = json.dumps({"prompt": prompt, "num_inference_steps": STEPS, "seed": 7}).encode()
        until, attempt = time.monotonic() + ANSWER, -1
        while time.monotonic() < until:
            attempt += 1
            headers = {"content-type": "application/json", "x-stainless-retry-count": str(attempt)}
            asked = urllib.request.Request(f"http://127.0.0.1:{self.port}/v1/videos", body, headers)
            try:
                with urllib.request.urlopen(asked, timeout=60) as answer:
                    return json.loads(answer.read())["id"]
            except (urllib.error.URLError, OSError, ValueError) as error:
                if isinstance(error, urllib.error.HTTPError) and error.code < 500:
                    raise RuntimeError(f"the server refused: {error.read().decode()}") from error
                self.repeats += 1
                time.sleep(0.05)
        raise RuntimeError("the server never answered")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def running(machines: Sequence[Machine]) -> Generator[None]:
    """Machines that run, until the end of this."""
    try:
        for machine in machines:
            machine.start()
        yield
    finally:
        for machine in machines:
            machine.end()


def machines_of(store: str, files: Path, port: int, given: argparse.Namespace, step_seconds: float) -> list[Machine]:
    """Return the server and the workers of one store."""
    skyloom = [sys.executable, "-m", "skyloom"]
    places = ["--store", store, "--files", str(files)]
    lease = max(3.0, 2 * given.pace)
    work = [*skyloom, "work", *places, "--lease", str(lease), "--min-free-mb", "0", "--no-picture-policy"]
    work += ["--engine", ENGINE, "--engine-options", json.dumps({"step_seconds": step_seconds})]
    serve = [*skyloom, "serve", *places, "--port", str(port), "--workers", "0", "--no-policy"]
    log = files.parent
    workers = [Machine(f"worker {n}", work, log / f"worker-{n}.log") for n in range(given.workers)]
    return [Machine("server", serve, log / "server.log"), *workers]


def moments(store: Store, machines: Sequence[Machine], load: threading.Thread, given: argparse.Namespace) -> Counter:
    """Kill at random moments; return how often what was killed, and how many kills fell while jobs were made."""
    rng, told = random.Random(given.seed), Counter()
    for number in range(given.kills):
        time.sleep(rng.expovariate(1 / given.pace))
        machine = rng.choice(machines)
        told[machine.name.split()[0]] += 1
        counts = store.counts()
        told["while jobs were made"] += counts["in_progress"] > 0
        told["after all was made"] += not load.is_alive() and counts["queued"] + counts["in_progress"] == 0
        machine.kill(whole=rng.random() < 0.5)
        print(f"\rkill {number + 1} of {given.kills}  {counts}", end="", file=sys.stderr, flush=True)
    return told


def all_jobs(store: Store) -> list[Job]:
    """Return every job of the store."""
    found: list[Job] = []
    more = True
    while more:
        page, more = store.list("local", after=found[-1].id if found else None, limit=100, newest_first=False)
        found += page
    return found


def wait_for_all(store: Store, count: int) -> None:
    """Wait until every job has ended."""
    until = time.monotonic() + PATIENCE
    while True:
        counts = store.counts()
        if counts["queued"] + counts["in_progress"] == 0 and sum(counts.values()) >= count:
            return
        if time.monotonic() > until:
            raise RuntimeError(f"the jobs did not end: {counts}")
        time.sleep(0.2)


def digests(files: Files, job: Job) -> dict[str, str]:
    """Return a hash of each of a job's files."""
    found = {}
    for variant, key in job.files.items():
        with files.open(key) as file:
            found[variant] = hashlib.sha256(file.read()).hexdigest()
    return found


@dataclass(frozen=True)
class Outcome:
    """What became of the jobs, by prompt."""

    lost: list[str]
    doubled: list[str]
    failed: list[str]
    differ: list[str]
    torn: list[str]  # files that no job knows, after a sweep
    attempts: int


def outcome(store: Store, files: Files, expected: dict[str, dict[str, str]], answered: dict[str, str]) -> Outcome:
    """Compare a disturbed run with an undisturbed one."""
    jobs = all_jobs(store)
    by_prompt: dict[str, list[Job]] = {}
    for job in jobs:
        by_prompt.setdefault(job.prompt, []).append(job)
    sweep(store, files)
    known = {key for job in jobs for key in job.files.values()}
    every = [path for path in (files.folder or Path()).rglob("*") if path.is_file()]
    torn = [path.name for path in every if path.relative_to(files.folder or Path()).as_posix() not in known]
    lost = [p for p in expected if answered.get(p) not in {job.id for job in by_prompt.get(p, [])}]
    done = [job for job in jobs if job.status == "completed"]
    return Outcome(
        lost,
        [prompt for prompt, found in by_prompt.items() if len(found) > 1],
        [f"{job.prompt}: {job.error}" for job in jobs if job.status != "completed"],
        [job.prompt for job in done if digests(files, job) != expected[job.prompt]],
        torn,
        sum(job.attempts for job in jobs),
    )


def undisturbed(folder: Path, prompts: Sequence[str], given: argparse.Namespace) -> dict[str, dict[str, str]]:
    """Make all jobs with nobody killing; return hashes of their files by prompt."""
    store, files, port = folder / "whole.db", Files(folder / "whole"), free_port()
    opened = Store.open(store)
    with running(machines_of(str(store), folder / "whole", port, given, 0.0)[:2]):
        Load(port, prompts, 0.0).run()
        wait_for_all(opened, len(prompts))
    found = {job.prompt: digests(files, job) for job in all_jobs(opened)}
    opened.close()
    if any(set(files) != {"video", "thumbnail", "spritesheet"} for files in found.values()):
        raise RuntimeError("the undisturbed run did not end well")
    return found


def disturbed(
    url: str, folder: Path, prompts: Sequence[str], given: argparse.Namespace, expected: dict[str, dict[str, str]]
) -> tuple[Outcome, Counter, float, int]:
    """Make all jobs while server and workers are killed; return what became of them, the kills, seconds, repeats."""
    begun, port = time.monotonic(), free_port()
    step_seconds = 0.8 * given.pace * given.kills * given.workers / (len(prompts) * STEPS)
    machines = machines_of(url, folder / "killed", port, given, step_seconds)
    opened = Store.open(url)
    load = Load(port, prompts, 0.5 * given.pace * given.kills / len(prompts))
    client = threading.Thread(target=load.run, daemon=True)
    with running(machines):
        client.start()
        told = moments(opened, machines, client, given)
        client.join()
        wait_for_all(opened, len(prompts))
        time.sleep(0.5)
    found = outcome(opened, Files(folder / "killed"), expected, load.answered)
    opened.close()
    return found, told, time.monotonic() - begun, load.repeats


def table_of(found: Outcome, told: Counter, seconds: float, repeats: int, given: argparse.Namespace) -> Table:
    """Return the figures."""
    kind = "Postgres" if given.postgres or given.store else "SQLite"
    title = f"{given.kills} kills, {given.jobs} jobs, {given.workers} workers, {kind}, seed {given.seed}"
    table = Table("what", "figure", title=title)
    kills = ", ".join(f"{name} {count}" for name, count in sorted(told.items()))
    for name, value in (
        ("kills", kills), ("lost", len(found.lost)), ("duplicated", len(found.doubled)), ("failed", len(found.failed)),
        ("files that differ", len(found.differ)), ("files that no job knows", len(found.torn)),
        ("times jobs were taken up", found.attempts), ("calls repeated", repeats), ("seconds", f"{seconds:.0f}"),
    ):  # fmt: skip
        table.add_row(name, str(value))
    return table


def parser() -> argparse.ArgumentParser:
    """Return the command's arguments."""
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--kills", type=int, default=100)
    found.add_argument("--jobs", type=int, default=50)
    found.add_argument("--workers", type=int, default=2)
    found.add_argument("--pace", type=float, default=1.0, help="mean seconds between kills; default 1")
    found.add_argument("--seed", type=int, default=0, help="of the moments; default 0")
    found.add_argument("--postgres", action="store_true", help="on a Postgres server started for this")
    found.add_argument("--store", help="on the empty Postgres database at this URL")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    given = parser().parse_args(arguments)
    prompts = [f"a fox in scene {number}" for number in range(given.jobs)]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="skyloom-kill-")))
        expected = undisturbed(folder, prompts, given)
        url = stack.enter_context(postgres_server()) if given.postgres else given.store or str(folder / "killed.db")
        found, told, seconds, repeats = disturbed(url, folder, prompts, given, expected)
    Console().print(table_of(found, told, seconds, repeats, given))
    wrong = [*found.lost, *found.doubled, *found.failed, *found.differ, *found.torn]
    for line in wrong[:20]:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
