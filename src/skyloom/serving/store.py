"""Everything that outlives a crash, in one store.

    store = Store.open("jobs.db")              SQLite; or Store.open("postgresql://...")
    store.add(new_job({"task": "text", "prompt": "a fox"}))

Owners see their own jobs only: another's id is as unknown as one that never was. Methods are synchronous and safe in
threads and in several processes; what they raise is StorageError, QuotaExceeded or InvalidArgument.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from skyloom.errors import InvalidArgument, QuotaExceeded
from skyloom.serving.jobs import ENDED, NO_LIMITS, STATUSES, Job, Limits, Usage, new_id
from skyloom.serving.keys import Keys
from skyloom.serving.leases import COLUMNS, Leases, job_of
from skyloom.serving.schema import characters, jobs, retries

RETRY_SECONDS = 600
"""How long a repeated request is known as a repetition."""
CANCELLED = {"code": "cancelled", "message": "The job was cancelled."}


class Store(Leases, Keys):
    """Jobs, keys and characters."""

    # -- the API's side

    def add(self, job: Job, retry_token: str | None = None, limits: Limits = NO_LIMITS, *, retried: bool = True) -> Job:
        """Queue a job and return it; the same owner's same token within ten minutes returns the first job.

        retried: False for a request that is known to be no repetition: it is queued, and its token is now its own.
        Raises QuotaExceeded, with nothing queued.
        """
        while True:
            try:
                with self.writing() as connection:
                    old = retries.c.created_at < int(time.time()) - RETRY_SECONDS
                    gone = old if retried else old | _token(job.owner, retry_token)
                    connection.execute(retries.delete().where(gone))
                    first = self._first_of(connection, job.owner, retry_token) if retried else None
                    if first is None:
                        self._check(connection, job.owner, limits)
                        self._insert(connection, job, retry_token)
                    return first or job
            except IntegrityError:
                if retry_token is None:
                    raise InvalidArgument("id", job.id, "be new") from None
                retry_token = self._lost_race(job, retry_token)

    def _lost_race(self, job: Job, retry_token: str) -> str:
        """Another server queued the same request between our look and our insert: look again, unless the id clashed."""
        with self.reading() as connection:
            if connection.execute(sa.select(jobs.c.id).where(jobs.c.id == job.id)).first():
                raise InvalidArgument("id", job.id, "be new")
        return retry_token

    def _first_of(self, connection: Connection, owner: str, retry_token: str | None) -> Job | None:
        """Return the job that a repeated request asked for first."""
        if retry_token is None:
            return None
        mine = _token(owner, retry_token)
        found = connection.execute(sa.select(retries.c.job_id).where(mine)).scalar()
        row = connection.execute(sa.select(*COLUMNS).where(jobs.c.id == found)).mappings().first() if found else None
        if row is None and found is not None:  # of a job that is no more; never of one queued since we looked
            connection.execute(retries.delete().where(mine, retries.c.job_id == found))
        return job_of(row) if row else None

    def _check(self, connection: Connection, owner: str, limits: Limits) -> None:
        """Raise QuotaExceeded for an owner who has no room for one more."""
        if limits.active_jobs is None and limits.stored_bytes is None:
            return
        if not self.sqlite:  # two requests of one owner count one after the other
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(owner))))
        usage = _usage(connection, owner)
        active = usage.queued + usage.in_progress
        if limits.active_jobs is not None and active >= limits.active_jobs:
            raise QuotaExceeded("active jobs", active, limits.active_jobs)
        if limits.stored_bytes is not None and usage.stored_bytes >= limits.stored_bytes:
            raise QuotaExceeded("stored bytes", usage.stored_bytes, limits.stored_bytes)

    def _insert(self, connection: Connection, job: Job, retry_token: str | None) -> None:
        own = {"leased_until": 0.0, "deaths": 0, "lapses": 0, "stored_bytes": 0}
        connection.execute(jobs.insert().values({**asdict(job), **own}))
        if retry_token is not None:
            row = {"owner": job.owner, "token": retry_token, "job_id": job.id, "created_at": int(time.time())}
            connection.execute(retries.insert().values(row))

    def get(self, job_id: str, owner: str) -> Job | None:
        """Return one's own job; None for another's and for none."""
        with self.reading() as connection:
            row = connection.execute(sa.select(*COLUMNS).where(_own(job_id, owner))).mappings().first()
        return job_of(row) if row else None

    def list(
        self, owner: str, kind: str = "video", after: str | None = None, limit: int = 20, newest_first: bool = True
    ) -> tuple[Sequence[Job], bool]:
        """Return up to `limit` of one's jobs beyond the one with id `after`, and whether there are more.

        Raises InvalidArgument for an `after` that is not one's own.
        """
        found = sa.select(*COLUMNS).where(jobs.c.owner == owner, jobs.c.kind == kind)
        found = found.order_by(jobs.c.seq.desc() if newest_first else jobs.c.seq).limit(limit + 1)
        with self.reading() as connection:
            if after is not None:
                seq = connection.execute(sa.select(jobs.c.seq).where(_own(after, owner))).scalar()
                if seq is None:
                    raise InvalidArgument("after", after, "be the id of a job")
                found = found.where(jobs.c.seq < seq if newest_first else jobs.c.seq > seq)
            rows = connection.execute(found).mappings().all()
        return [job_of(row) for row in rows[:limit]], len(rows) > limit

    def delete(self, job_id: str, owner: str) -> bool:
        """Forget one's own job (a worker stops at its next heartbeat); False for another's and for none."""
        with self.writing() as connection:
            connection.execute(retries.delete().where(retries.c.owner == owner, retries.c.job_id == job_id))
            return connection.execute(jobs.delete().where(_own(job_id, owner))).rowcount == 1

    def cancel(self, job_id: str, owner: str) -> bool:
        """Stop one's own job; False when it has ended already, for another's and for none."""
        with self.writing() as connection:
            running = _own(job_id, owner) & jobs.c.status.not_in(ENDED)
            return self._end(connection, running, "cancelled", files={}, error=CANCELLED)

    def counts(self) -> dict[str, int]:
        """Return the number of jobs of each status."""
        found = sa.select(jobs.c.status, sa.func.count()).group_by(jobs.c.status)
        with self.reading() as connection:
            rows = connection.execute(found).all()
        return dict.fromkeys(STATUSES, 0) | {row[0]: row[1] for row in rows}

    def usage(self, owner: str) -> Usage:
        """Return what an owner has."""
        with self.reading() as connection:
            return _usage(connection, owner)

    # -- what time does

    def expire(self) -> Sequence[str]:
        """Take the files of jobs past their time out of the store; return the jobs' ids. The jobs themselves stay."""
        late = (jobs.c.status == "completed") & (jobs.c.expires_at < self.now()) & (jobs.c.stored_bytes > 0)
        with self.writing() as connection:
            ids = list(connection.execute(sa.select(jobs.c.id).where(late)).scalars())
            for job_id in ids:
                connection.execute(jobs.update().where(jobs.c.id == job_id).values(files={}, stored_bytes=0))
        return ids

    def kept_files(self, ids: Sequence[str]) -> dict[str, set[str] | None]:
        """Return the file keys of ended jobs and of characters, by id; None for a job that waits or runs.

        Unknown ids are left out.
        """
        found = sa.select(jobs.c.id, jobs.c.status, jobs.c.files).where(jobs.c.id.in_(ids))
        named = sa.select(characters.c.id, characters.c.file_key).where(characters.c.id.in_(ids))
        with self.reading() as connection:
            rows = connection.execute(found).all()
            clips = connection.execute(named).all()
        kept = {row.id: set(row.files.values()) if row.status in ENDED else None for row in rows}
        return kept | {row.id: {row.file_key} for row in clips}

    # -- characters

    def add_character(self, owner: str, name: str, file_key: str, character_id: str | None = None) -> dict[str, Any]:
        """Keep a character; return its id, name, file_key and created_at."""
        row = {
            "id": character_id or new_id("character"),
            "owner": owner,
            "name": name,
            "file_key": file_key,
            "created_at": int(time.time()),
        }
        with self.writing() as connection:
            connection.execute(characters.insert().values(row))
        return row

    def get_character(self, character_id: str, owner: str) -> dict[str, Any] | None:
        """Return one's own character; None for another's and for none."""
        found = sa.select(characters).where(characters.c.id == character_id, characters.c.owner == owner)
        with self.reading() as connection:
            row = connection.execute(found).mappings().first()
        return dict(row) if row else None

    def character_files(self, owner: str) -> Sequence[str]:
        """Return the file keys of one's characters."""
        with self.reading() as connection:
            found = sa.select(characters.c.file_key).where(characters.c.owner == owner)
            return connection.execute(found).scalars().all()


def _own(job_id: str, owner: str) -> sa.ColumnElement[bool]:
    return (jobs.c.id == job_id) & (jobs.c.owner == owner)


def _token(owner: str, retry_token: str | None) -> sa.ColumnElement[bool]:
    return (retries.c.owner == owner) & (retries.c.token == retry_token)


def _usage(connection: Connection, owner: str) -> Usage:
    stored = sa.func.sum(jobs.c.stored_bytes)
    found = sa.select(jobs.c.status, sa.func.count(), stored).where(jobs.c.owner == owner).group_by(jobs.c.status)
    rows = connection.execute(found).all()
    counts = {status: count for status, count, _ in rows}
    return Usage(counts.get("queued", 0), counts.get("in_progress", 0), sum(int(size) for *_, size in rows))
