"""Workers as child processes, started again when they die.

A worker that dies at once waits longer and longer before the next try. When the parent dies in any way, its workers are
asked to stop (on Linux, by the kernel); elsewhere they go on, which does no harm: jobs are leased.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

log = logging.getLogger("skyloom.crew")
LOOK_SECONDS = 0.2
FIRST_WAIT, LONGEST_WAIT = 0.5, 60.0
HEALTHY_SECONDS = 30.0
"""A worker that lived so long did not die of its start."""
PR_SET_PDEATHSIG = 1
NICENESS = 5
"""How far workers stand back: who looks how a video is coming along gets the processor first."""


@dataclass
class Seat:
    """One worker's place. wait: before the next start; at: when that may be."""

    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    wait: float = 0.0
    at: float = field(default_factory=time.monotonic)


class Crew:
    """`count` processes of one command, kept alive until `stop`. told: added to their environment."""

    def __init__(
        self,
        command: Sequence[str],
        count: int,
        told: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.command, self.clock, self.environment = list(command), clock, {**os.environ, **(told or {})}
        self.seats = [Seat(at=clock()) for _ in range(count)]
        self.stopping, self.grace = threading.Event(), 0.0
        self.thread = threading.Thread(target=self._watch, name="crew", daemon=True)

    def start(self) -> None:
        """Start all."""
        self.thread.start()

    def stop(self, grace: float) -> None:
        """Ask all to stop, and wait; kill those that have not after `grace` seconds."""
        self.grace = grace
        self.stopping.set()
        self.thread.join()

    def _watch(self) -> None:
        """Look after all until `stop`, then end them.

        To the kernel a worker's parent is this thread: it must not end before them, or they are asked twice.
        """
        while not self.stopping.wait(LOOK_SECONDS):
            for seat in self.seats:
                self.look_after(seat)
        self._end()

    def _end(self) -> None:
        alive = [seat.process for seat in self.seats if seat.process is not None]
        for process in alive:
            process.terminate()
        until = self.clock() + self.grace
        for process in alive:
            try:
                process.wait(max(until - self.clock(), 0.1))
            except subprocess.TimeoutExpired:
                log.warning("worker %d did not stop and is killed", process.pid)
                process.kill()
                process.wait()

    def look_after(self, seat: Seat) -> None:
        """Note a death; start a worker where there is none and the wait is over."""
        if seat.process is not None and seat.process.poll() is not None:
            lived = self.clock() - seat.started
            seat.wait = FIRST_WAIT if lived > HEALTHY_SECONDS else min(max(2 * seat.wait, FIRST_WAIT), LONGEST_WAIT)
            pid, status = seat.process.pid, seat.process.returncode
            log.warning("worker %d ended with %d; another starts in %g s", pid, status, seat.wait)
            seat.process, seat.at = None, self.clock() + seat.wait
        if seat.process is None and self.clock() >= seat.at:
            seat.process, seat.started = self._spawned(), self.clock()

    def _spawned(self) -> subprocess.Popen[bytes]:
        """Start one, in a session of its own: a Ctrl-C is for the server, which then tells its workers."""
        return subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, env=self.environment, start_new_session=True, preexec_fn=_begin
        )


def _begin() -> None:
    """Stand back from the server, and end with it (where the kernel sees to that)."""
    os.nice(NICENESS)
    if sys.platform == "linux":
        with suppress(OSError):  # sessions are weighed as groups where the kernel is so configured
            Path("/proc/self/autogroup").write_text(str(NICENESS))
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
