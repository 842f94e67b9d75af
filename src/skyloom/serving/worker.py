"""A process that takes jobs and has them made.

    lease -> engine (in a process of its own) -> files in their places -> the store says completed

It is heard from while it works; who falls silent loses the job to another, who goes on from the last finished step.
A worker that is asked to stop finishes what it has if that takes no longer than `grace`, and hands it back otherwise.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from skyloom.errors import InvalidArgument, MediaError, StorageError
from skyloom.serving.engine_process import EngineProcess, Word
from skyloom.serving.files import Files, is_full
from skyloom.serving.jobs import Job
from skyloom.serving.moderation import Refusal
from skyloom.serving.policy import OFF, Policy
from skyloom.serving.store import Store
from skyloom.serving.tidying import sweep, tidy
from skyloom.serving.workspace import Workspace

log = logging.getLogger("skyloom.worker")


@dataclass(frozen=True)
class Habits:
    """How a worker behaves, in seconds and bytes.

    lease: silence after which a job is another's. beat: between heartbeats. idle: between looks for a job. grace: to
    finish in when asked to stop. stall: without any progress, after which the engine is taken for dead. patience: for
    an engine to stop by itself when the job was cancelled. sweep: between sweeps. min_free: with less room on the disk
    no job is taken.
    """

    lease: float = 30.0
    beat: float = 1.0
    idle: float = 0.5
    grace: float = 20.0
    stall: float = 3600.0
    patience: float = 20.0
    sweep: float = 600.0
    min_free: int = 500 * 10**6

    def __post_init__(self) -> None:
        if not 0 < self.beat * 3 <= self.lease:
            raise InvalidArgument("lease", self.lease, "be at least three beats", self.beat * 3)


class Worker:
    """One worker of a store; `run` works until `stop`."""

    def __init__(
        self, store: Store, files: Files, engine: EngineProcess, habits: Habits | None = None, policy: Policy = OFF
    ) -> None:
        self.store, self.files, self.engine, self.habits = store, files, engine, habits or Habits()
        self.policy = policy
        self.name = f"{socket.gethostname()[:64]}-{os.getpid()}-{secrets.token_hex(4)}"
        self.stop_at: float | None = None
        self.sweep_at = 0.0
        self.full = False

    def stop(self) -> None:
        """Take no more jobs; finish this one within the grace, at once when asked twice. Safe in a signal handler."""
        again = self.stop_at is not None
        self.stop_at = time.monotonic() + (0.0 if again else self.habits.grace)

    def run(self, until_idle: bool = False) -> None:
        """Work until `stop`, or until nothing waits. A store that is away is waited for."""
        try:
            while self.stop_at is None:
                try:
                    worked = self.once()
                except StorageError as error:
                    log.warning("%s; trying again", error)
                    worked = False
                if not worked:
                    if until_idle:
                        return
                    time.sleep(self.habits.idle)
        finally:
            self.engine.end()

    def once(self) -> bool:
        """Take one job and see it to its end; False when there was none, or no room for it."""
        if time.monotonic() >= self.sweep_at:
            self.sweep_at = time.monotonic() + self.habits.sweep
            sweep(self.store, self.files)
        job = None if self._disk_is_full() else self.store.lease(self.name, self.habits.lease)
        if job is None:
            return False
        log.info("%s: taken up, attempt %d, at %d %%", job.id, job.attempts, job.progress)
        Turn(self, job).run()
        return True

    def _disk_is_full(self) -> bool:
        free, before = self.files.free_bytes(), self.full
        self.full = free is not None and free < self.habits.min_free
        if self.full and not before:
            log.warning("only %d MB are free: no job is taken until there is room", (free or 0) // 10**6)
        return self.full


class Turn:
    """One lease of one job, from its taking to its end."""

    def __init__(self, worker: Worker, job: Job) -> None:
        self.worker, self.job = worker, job
        self.store, self.engine, self.habits = worker.store, worker.engine, worker.habits
        self.progress, self.ours = job.progress, True
        self.lease_ends = time.monotonic() + self.habits.lease
        self.beat_at = self.heard_at = time.monotonic()
        self.stopped_at: float | None = None

    def run(self) -> None:
        """Have the job made and write down how it ended.

        Raises StorageError while files cannot be reached: the job is left, and taken up again when the lease ends.
        """
        try:
            space = Workspace(self.worker.files, self.job)
            try:
                self._end(self._make(space), space)
            finally:
                space.close()
        except MediaError as error:
            self._ended(self.store.fail, "invalid_media", self._without_places(error))
        except StorageError as error:
            if not is_full(error):
                raise
            self._ended(self.store.died, "storage_full", self._without_places(error))
        tidy(self.store, self.worker.files, self.job.id)

    def _without_places(self, error: Exception) -> str:
        """Return what an error says, without this machine's folders."""
        folder = self.worker.files.folder
        return str(error).replace(f"{folder}/", "") if folder is not None else str(error)

    def _make(self, space: Workspace) -> Word:
        """Run the engine until its last word; whatever else happens, it does not go on by itself."""
        inputs = space.inputs()
        try:
            self.engine.begin(self.job.order, inputs, space.path)
            return self._last_word(space)
        except BaseException:
            self.engine.end()
            raise

    def _last_word(self, space: Workspace) -> Word:
        """Listen to the engine; beat meanwhile."""
        while True:
            word = self.engine.hear(max(0.0, min(self.habits.beat, self.beat_at - time.monotonic())))
            if word is not None and word.kind != "progress":
                return word
            if word is not None:
                self._progressed(word, space)
            elif time.monotonic() - self.heard_at > self.habits.stall:
                self.engine.end()
                return Word("died", ("worker_stalled", f"there was no progress for {self.habits.stall:g} seconds"))
            if time.monotonic() >= self.beat_at:
                self._beat(space)
            if self._past_patience():
                self.engine.end()
                return Word("stopped")

    def _progressed(self, word: Word, space: Workspace) -> None:
        """Bring the finished step to where others find it, then let the engine go on, or stop."""
        self.heard_at = time.monotonic()
        self.progress = max(self.progress, word.value)
        space.save()
        self.engine.answer(self._may_go_on())

    def _may_go_on(self) -> bool:
        stop_at = self.worker.stop_at
        return self.ours and (stop_at is None or time.monotonic() < stop_at)

    def _past_patience(self) -> bool:
        """Tell whether the engine is to be killed: it should have stopped a while ago."""
        if self._may_go_on():
            self.stopped_at = None
            return False
        self.stopped_at = self.stopped_at or time.monotonic()
        return time.monotonic() - self.stopped_at >= (0.0 if self.ours else self.habits.patience)

    def _beat(self, space: Workspace) -> None:
        """Tell the store; a store that is away is waited for as long as the lease holds."""
        now = time.monotonic()
        self.beat_at = now + self.habits.beat
        try:
            shown = space.preview(self.worker.policy)
            files = None if shown is None else {**self.job.files, **shown}
            self.ours = self.store.heartbeat(self.job.id, self.worker.name, self.progress, self.habits.lease, files)
            self.lease_ends = now + self.habits.lease
        except StorageError as error:
            log.warning("%s: %s", self.job.id, error)
            self.ours = now < self.lease_ends

    def _end(self, word: Word, space: Workspace) -> None:
        """Write down how it ended."""
        log.info("%s: %s %s", self.job.id, word.kind, word.value if word.kind in ("failed", "died") else "")
        if word.kind == "made":
            made = dict(word.value)
            refused = self._refused(space, made["files"])
            if refused is not None:
                self._ended(self.store.fail, refused.code, refused.message)
                return
            files, size = space.publish(made.pop("files"))
            self._ended(self.store.finish, made, files, size)
        elif word.kind == "failed":
            self._ended(self.store.fail, *word.value)
        elif word.kind == "died":
            self._progress_kept()
            self._ended(self.store.died, *word.value)
        elif self.ours:
            self._progress_kept()
            self._ended(self.store.release)

    def _refused(self, space: Workspace, files: Mapping[str, str]) -> Refusal | None:
        """Return why what was made is not given out, or None; stills of a film are not looked at apart from it."""
        names = [name for variant, name in files.items() if variant == "video" or variant.startswith("image-")]
        made = (space.path / name for name in names if (space.path / name).is_file())
        found = (self.worker.policy.of_file(path, "output", self.job.owner, self.job.id) for path in made)
        return next((refusal for refusal in found if refusal is not None), None)

    def _progress_kept(self) -> None:
        """Write down the steps that were finished: they count for the next try."""
        self._ended(self.store.heartbeat, self.progress, self.habits.lease)

    def _ended(self, write: Callable[..., bool], *values: Any) -> None:
        """Write to the store, again and again while it is away and the lease may hold."""
        until = time.monotonic() + self.habits.lease
        while True:
            try:
                write(self.job.id, self.worker.name, *values)
                return
            except StorageError as error:
                log.warning("%s: %s", self.job.id, error)
                if time.monotonic() > until:
                    return
                time.sleep(self.habits.idle)
