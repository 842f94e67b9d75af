"""The store: nothing lost, nothing twice, nothing of another's; the same on SQLite and Postgres."""

import threading
import time

import pytest
import sqlalchemy as sa

from serving_parts import emptied, some_postgres, text_job
from skyloom.errors import InvalidArgument, QuotaExceeded, StorageError
from skyloom.serving import database
from skyloom.serving.jobs import Limits, new_id
from skyloom.serving.leases import DEATHS, LAPSES
from skyloom.serving.schema import HEAD, metadata
from skyloom.serving.store import Store


@pytest.fixture(scope="module")
def postgres():
    with some_postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def store(request, tmp_path):
    """An empty store of either kind."""
    url = tmp_path / "jobs.db" if request.param == "sqlite" else request.getfixturevalue("postgres")
    opened = emptied(Store.open(url))
    yield opened
    opened.close()


def test_a_job_comes_back_as_it_went_in(store):
    job = store.add(text_job("狐狸 🦊", owner="key_1", size="768x432", seconds="4", remixed_from_video_id=new_id()))
    assert store.get(job.id, "key_1") == job
    assert store.get(job.id, "key_2") is None and store.get(new_id(), "key_1") is None


def test_the_same_id_is_refused(store):
    job = store.add(text_job())
    for token in (None, "t"):
        with pytest.raises(InvalidArgument, match="be new"):
            store.add(job, retry_token=token)
    assert store.counts()["queued"] == 1


def test_a_repeated_request_is_one_job(store, monkeypatch):
    first = store.add(text_job(), retry_token="t")
    assert store.add(text_job(), retry_token="t").id == first.id
    assert store.add(text_job(owner="other"), retry_token="t").id != first.id
    assert store.add(text_job(), retry_token="u").id != first.id
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 601)
    assert store.add(text_job(), retry_token="t").id != first.id
    assert store.counts()["queued"] == 4


def test_a_deleted_job_is_not_repeated(store):
    first = store.add(text_job(), retry_token="t")
    assert store.delete(first.id, "local")
    assert store.add(text_job(), retry_token="t").id != first.id


def test_pages_join_to_the_whole(store):
    ids = [store.add(text_job(owner="a")).id for _ in range(7)]
    store.add(text_job(owner="b"))
    store.add(text_job(owner="a", kind="image"))
    for newest_first in (True, False):
        seen, more, after = [], True, None
        while more:
            page, more = store.list("a", after=after, limit=3, newest_first=newest_first)
            seen += [job.id for job in page]
            after = seen[-1]
        assert seen == (ids[::-1] if newest_first else ids)
    assert store.list("a", limit=7)[1] is False and store.list("a", limit=0) == ([], True)
    with pytest.raises(InvalidArgument, match="after"):
        store.list("b", after=ids[0])


def test_the_oldest_is_leased_first_and_once(store):
    ids = [store.add(text_job()).id for _ in range(3)]
    assert [store.lease(f"w{i}", 60).id for i in range(3)] == ids
    assert store.lease("w3", 60) is None
    job = store.get(ids[0], "local")
    assert (job.status, job.attempts) == ("in_progress", 1)


def test_many_workers_at_once_never_share_a_job(store):
    ids = {store.add(text_job()).id for _ in range(40)}
    taken: list[str] = []

    def work(name):
        while (job := store.lease(name, 60)) is not None:
            taken.append(job.id)
            assert store.finish(job.id, name, {}, {}, 1)

    threads = [threading.Thread(target=work, args=(f"w{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(ids) and store.counts()["completed"] == 40


def test_same_request_at_once_is_one_job(store):
    found = []

    def ask():
        found.append(store.add(text_job(), retry_token="t").id)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6 and len(set(found)) == 1 and store.counts()["queued"] == 1


def test_a_lost_lease_can_change_nothing(store):
    job = store.add(text_job())
    store.lease("old", -1)
    assert store.lease("new", 60).id == job.id
    assert not store.heartbeat(job.id, "old", 90, 60)
    assert not store.finish(job.id, "old", {}, {"video": "x"}, 1)
    assert not store.fail(job.id, "old", "x", "y") and not store.release(job.id, "old")
    assert not store.died(job.id, "old", "x", "y")
    assert store.get(job.id, "local").progress == 0
    assert store.heartbeat(job.id, "new", 40, 60, {"preview": "p"})
    assert store.finish(job.id, "new", {"size": "64x64"}, {"video": "k"}, 5)
    done = store.get(job.id, "local")
    assert (done.status, done.progress, done.made, done.files) == ("completed", 100, {"size": "64x64"}, {"video": "k"})
    assert done.completed_at >= job.created_at and done.expires_at is None


def test_progress_never_goes_back(store):
    job = store.add(text_job())
    store.lease("w", 60)
    for told, shown in ((30, 30), (10, 30), (31, 31)):
        assert store.heartbeat(job.id, "w", told, 60)
        assert store.get(job.id, "local").progress == shown


def test_a_job_that_kills_its_engine_twice_is_failed_with_the_reason(store):
    job = store.add(text_job())
    assert DEATHS == 2
    store.lease("a", 60)
    assert store.died(job.id, "a", "worker_died", "killed by signal 9")
    assert store.lease("b", 60).attempts == 2
    assert not store.died(job.id, "b", "worker_died", "killed by signal 9")
    failed = store.get(job.id, "local")
    assert failed.status == "failed" and failed.error["code"] == "worker_died"
    assert failed.error["message"] == "killed by signal 9 (2 times)"
    assert store.lease("c", 60) is None


def test_deaths_count_only_without_new_progress(store):
    job = store.add(text_job())
    for progress in (10, 20, 30):
        store.lease("a", 60)
        assert store.heartbeat(job.id, "a", progress, 60)
        assert store.died(job.id, "a", "x", "y")
    store.lease("a", 60)
    store.heartbeat(job.id, "a", 30, 60)
    assert not store.died(job.id, "a", "x", "y")


def test_silent_workers_are_bounded_too(store):
    job = store.add(text_job())
    for attempt in range(LAPSES):
        assert store.lease(f"w{attempt}", -1).id == job.id
    assert store.lease("last", 60) is None
    assert store.get(job.id, "local").error["code"] == "workers_lost"


def test_a_job_handed_back_keeps_its_place(store):
    first, second = store.add(text_job()), store.add(text_job())
    store.lease("a", 60)
    assert store.release(first.id, "a")
    assert store.get(first.id, "local").attempts == 0
    assert [store.lease("b", 60).id, store.lease("b", 60).id] == [first.id, second.id]


def test_cancel_and_delete_reach_the_worker(store):
    one, two = store.add(text_job(owner="a")), store.add(text_job(owner="a"))
    store.lease("w", 60), store.lease("v", 60)
    assert not store.cancel(one.id, "b") and not store.delete(two.id, "b")
    assert store.cancel(one.id, "a") and store.delete(two.id, "a")
    assert not store.heartbeat(one.id, "w", 1, 60) and not store.heartbeat(two.id, "v", 1, 60)
    job = store.get(one.id, "a")
    assert (job.status, job.error["code"]) == ("cancelled", "cancelled") and store.get(two.id, "a") is None
    assert not store.cancel(one.id, "a") and not store.delete(two.id, "a")


def test_quotas_hold_under_a_rush(store):
    refused = []

    def ask():
        try:
            store.add(text_job(owner="a"), limits=Limits(active_jobs=3))
        except QuotaExceeded as error:
            refused.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 5 and store.usage("a").queued == 3
    assert str(refused[0]) == "active jobs: 3 in use, 3 allowed"
    job = store.lease("w", 60)
    store.finish(job.id, "w", {}, {"video": "k"}, 700)
    with pytest.raises(QuotaExceeded, match="stored bytes: 700 in use, 700 allowed"):
        store.add(text_job(owner="a"), limits=Limits(stored_bytes=700))
    store.add(text_job(owner="b"), limits=Limits(stored_bytes=700))


def test_files_expire_and_the_job_stays(store):
    store.lifetime = 100.0
    job = store.add(text_job())
    store.lease("w", 60)
    store.finish(job.id, "w", {"seed": 1}, {"video": "k"}, 7)
    assert abs(store.get(job.id, "local").expires_at - time.time() - 100) < 5
    assert store.expire() == [] and store.kept_files([job.id]) == {job.id: {"k"}}
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE jobs SET expires_at = 5")
    assert store.expire() == [job.id] and store.expire() == []
    after = store.get(job.id, "local")
    assert (after.status, after.files, after.made) == ("completed", {}, {"seed": 1})
    assert store.usage("local").stored_bytes == 0 and store.kept_files([job.id, "x"]) == {job.id: set()}


def test_characters_belong_to_their_owner(store):
    row = store.add_character("a", "Mossy", "jobs/x/y.mp4")
    assert store.get_character(row["id"], "a")["name"] == "Mossy"
    assert store.get_character(row["id"], "b") is None


def test_migrations_lead_to_the_schema(store):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    assert ScriptDirectory(str(database.MIGRATIONS)).get_current_head() == HEAD
    with store.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert set(sa.inspect(connection).get_table_names()) == {*metadata.tables, "alembic_version"}


def test_many_processes_may_open_a_new_store_at_once(tmp_path):
    opened = []

    def open_it():
        opened.append(Store.open(tmp_path / "new.db"))

    threads = [threading.Thread(target=open_it) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 5
    for one in opened:
        one.close()


def test_a_newer_or_foreign_store_is_left_alone(tmp_path):
    opened = Store.open(tmp_path / "jobs.db")
    with opened.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    opened.close()
    with pytest.raises(StorageError, match="version 9999"):
        Store.open(tmp_path / "jobs.db")
    (tmp_path / "text.db").write_text("this is no database, " * 100)
    with pytest.raises(StorageError, match="not a database"):
        Store.open(tmp_path / "text.db")
    with pytest.raises(InvalidArgument, match="postgresql://"):
        Store.open("mysql://x")
    with pytest.raises(InvalidArgument, match="name a file"):
        Store.open("sqlite://")


def test_a_full_disk_is_a_storage_error(tmp_path):
    opened = Store.open(tmp_path / "jobs.db")
    with opened.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()

    @sa.event.listens_for(opened.engine, "begin")
    def shrink(connection):
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 1}")

    with pytest.raises(StorageError, match="full"):
        for _ in range(1000):
            opened.add(text_job("x" * 2000))
    assert opened.counts()["queued"] >= 1
    opened.close()


def test_a_store_whose_connections_all_wait_is_a_storage_error(tmp_path):
    opened = Store.open(tmp_path / "jobs.db")
    pool = opened.engine.pool
    pool._timeout = 0.05
    held = [opened.engine.connect() for _ in range(pool.size() + pool._max_overflow)]
    with pytest.raises(StorageError, match="connections to it are waiting"):
        opened.counts()
    for connection in held:
        connection.close()
    assert opened.counts()["queued"] == 0
    opened.close()
