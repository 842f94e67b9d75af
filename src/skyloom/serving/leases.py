"""The workers' side of the store: jobs leased.

A lease is a promise to be heard from: while heartbeats come the job is the worker's; when they stop it may be taken up
by another, which goes on from the last finished step. Every write names the worker, so that one who lost the lease can
change nothing any more.

    an engine died of the job DEATHS times in a row without new progress: failed
    workers fell silent over it LAPSES times in a row without new progress: failed
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from skyloom.serving.database import Database
from skyloom.serving.jobs import Job
from skyloom.serving.schema import jobs

DEATHS, LAPSES = 2, 8
COLUMNS = [jobs.c[name] for name in Job.__dataclass_fields__]
QUEUED = {"status": "queued", "worker": None, "leased_until": 0.0}


def job_of(row: Mapping[Any, Any]) -> Job:
    """Return the record of a row."""
    return Job(**{name: row[name] for name in Job.__dataclass_fields__})


class Leases(Database):
    """Take jobs, show that they are worked on, end them."""

    def lease(self, worker: str, seconds: float) -> Job | None:
        """Take the job that waited longest, or one whose worker fell silent; None when there is none.

        worker: a name that no other process has. seconds: until the first heartbeat is due.
        """
        with self.writing() as connection:
            while (row := self._waiting(connection)) is not None:
                lapses = row["lapses"] + (row["status"] == "in_progress")
                if lapses < LAPSES:
                    return self._take(connection, row["seq"], worker, seconds, lapses)
                message = f"{LAPSES} workers in a row fell silent while making this, without any progress"
                self._end(connection, jobs.c.seq == row["seq"], "failed", error=_error("workers_lost", message))
        return None

    def _waiting(self, connection: Connection) -> Mapping[Any, Any] | None:
        silent = (jobs.c.status == "in_progress") & (jobs.c.leased_until < self.now())
        found = sa.select(jobs.c.seq, jobs.c.status, jobs.c.lapses).where((jobs.c.status == "queued") | silent)
        found = found.order_by(jobs.c.seq).limit(1).with_for_update(skip_locked=True)
        return connection.execute(found).mappings().first()

    def _take(self, connection: Connection, seq: int, worker: str, seconds: float, lapses: int) -> Job:
        change = jobs.update().where(jobs.c.seq == seq)
        until = self.now() + seconds
        connection.execute(
            change.values(
                status="in_progress", worker=worker, leased_until=until, lapses=lapses, attempts=jobs.c.attempts + 1
            )
        )
        return job_of(connection.execute(sa.select(*COLUMNS).where(jobs.c.seq == seq)).mappings().one())

    def heartbeat(
        self, job_id: str, worker: str, progress: int, seconds: float, files: Mapping[str, str] | None = None
    ) -> bool:
        """Say that a job is worked on; False: it is not this worker's any more (lost, cancelled, deleted): stop.

        progress: percent; it never goes back, and new progress clears what deaths and silences were counted. files:
        what can be shown already, such as a preview.
        """
        further = jobs.c.progress < progress
        values: dict[str, Any] = {
            "leased_until": self.now() + seconds,
            "progress": sa.case((further, progress), else_=jobs.c.progress),
            "deaths": sa.case((further, 0), else_=jobs.c.deaths),
            "lapses": sa.case((further, 0), else_=jobs.c.lapses),
        }
        if files is not None:
            values["files"] = dict(files)
        with self.writing() as connection:
            return connection.execute(jobs.update().where(_mine(job_id, worker)).values(values)).rowcount == 1

    def finish(
        self,
        job_id: str,
        worker: str,
        made: Mapping[str, Any],
        files: Mapping[str, str],
        stored_bytes: int,
    ) -> bool:
        """Complete a job whose files are in their places; False when it is not this worker's any more."""
        values = {"made": dict(made), "files": dict(files), "stored_bytes": stored_bytes, "progress": 100}
        if self.lifetime is not None:
            values["expires_at"] = sa.cast(self.now() + self.lifetime, sa.BigInteger)
        with self.writing() as connection:
            return self._end(connection, _mine(job_id, worker), "completed", **values)

    def fail(self, job_id: str, worker: str, code: str, message: str) -> bool:
        """End a job that cannot be made; False when it is not this worker's any more."""
        with self.writing() as connection:
            return self._end(connection, _mine(job_id, worker), "failed", files={}, error=_error(code, message))

    def died(self, job_id: str, worker: str, code: str, message: str) -> bool:
        """Count that an engine died of a job: it waits for another try, or is failed with this reason.

        Returns True if it will be tried again.
        """
        with self.writing() as connection:
            found = sa.select(jobs.c.deaths).where(_mine(job_id, worker)).with_for_update()
            deaths = connection.execute(found).scalar()
            if deaths is None:
                return False
            if deaths + 1 >= DEATHS:
                told = _error(code, f"{message} ({DEATHS} times)")
                self._end(connection, _mine(job_id, worker), "failed", deaths=deaths + 1, files={}, error=told)
                return False
            connection.execute(jobs.update().where(_mine(job_id, worker)).values(deaths=deaths + 1, **QUEUED))
            return True

    def release(self, job_id: str, worker: str) -> bool:
        """Hand a job back, at shutdown: it waits in its old place, and nothing is counted against it."""
        change = jobs.update().where(_mine(job_id, worker)).values(attempts=jobs.c.attempts - 1, **QUEUED)
        with self.writing() as connection:
            return connection.execute(change).rowcount == 1

    def _end(self, connection: Connection, which: sa.ColumnElement[bool], status: str, **values: Any) -> bool:
        """Write how a job ended."""
        at = sa.cast(self.now(), sa.BigInteger)
        change = jobs.update().where(which).values(status=status, completed_at=at, worker=None, **values)
        return connection.execute(change).rowcount == 1


def _mine(job_id: str, worker: str) -> sa.ColumnElement[bool]:
    return (jobs.c.id == job_id) & (jobs.c.worker == worker) & (jobs.c.status == "in_progress")


def _error(code: str, message: str) -> dict[str, str]:
    return {"code": code, "message": message}
