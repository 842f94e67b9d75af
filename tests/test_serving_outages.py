"""A worker whose files are away, or whose disk is full: no job is lost by it, none gets another's result."""

import errno
from pathlib import PurePosixPath

import pytest

from serving_parts import text_job
from skyloom.errors import MediaError, StorageError
from skyloom.serving import workspace
from skyloom.serving.engine_process import EngineProcess
from skyloom.serving.files import Files, is_full
from skyloom.serving.jobs import new_id
from skyloom.serving.policy import Policy
from skyloom.serving.store import Store
from skyloom.serving.worker import Habits, Worker

FAST = Habits(lease=5.0, beat=0.05, idle=0.02, grace=0.0, patience=0.3, min_free=0)


@pytest.fixture
def store(tmp_path):
    opened = Store.open(tmp_path / "jobs.db")
    yield opened
    opened.close()


def worker(store, files, engine="skyloom.serving.rehearsal:make", policy=Policy(None, None), **options):
    return Worker(store, files, EngineProcess(engine, options), FAST, policy)


def lapse(store):
    """Let every lease end."""
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE jobs SET leased_until = 1")


def away(*_):
    raise StorageError("the bucket does not answer") from TimeoutError("no answer")


def full(*_):
    raise StorageError("jobs/x cannot be kept") from OSError(errno.ENOSPC, "No space left on device")


def video_of(files, job):
    with files.open(job.files["video"]) as file:
        return file.read()


def test_an_engine_that_was_left_in_the_middle_does_not_make_the_next_job(store, monkeypatch):
    files = Files(f"memory://{new_id()}")
    jobs = [store.add(text_job(prompt)) for prompt in ("fox", "cat")]
    one = worker(store, files, step_seconds=0.0)
    put = files.put
    monkeypatch.setattr(files, "put", away)
    with pytest.raises(StorageError, match="does not answer"):
        one.once()
    monkeypatch.setattr(files, "put", put)
    assert one.once() and store.get(jobs[1].id, "local").status == "completed"
    lapse(store)
    assert one.once()
    one.engine.end()
    made = [store.get(job.id, "local") for job in jobs]
    assert [(job.status, job.attempts) for job in made] == [("completed", 2), ("completed", 1)]
    whole = worker(store, Files(f"memory://{new_id()}"), step_seconds=0.0)
    again = [store.add(text_job(prompt)) for prompt in ("fox", "cat")]
    whole.run(until_idle=True)
    for job, same in zip(made, again, strict=True):
        assert video_of(files, job) == video_of(whole.files, store.get(same.id, "local"))


def test_files_that_are_away_cost_a_job_only_time(store, tmp_path, monkeypatch):
    files, job = Files(tmp_path / "files"), store.add(text_job())
    one, publish = worker(store, files, step_seconds=0.0), workspace.Workspace.publish
    monkeypatch.setattr(workspace.Workspace, "publish", away)
    for attempt in range(1, 4):
        one.run(until_idle=True)
        found = store.get(job.id, "local")
        assert (found.status, found.attempts) == ("in_progress", attempt)
        lapse(store)
    monkeypatch.setattr(workspace.Workspace, "publish", publish)
    one.run(until_idle=True)
    assert store.get(job.id, "local").status == "completed"


def test_a_full_disk_fails_a_job_after_two_tries_with_the_reason(store, tmp_path, monkeypatch):
    files, job = Files(tmp_path / "files"), store.add(text_job())
    monkeypatch.setattr(workspace.Workspace, "publish", full)
    worker(store, files, step_seconds=0.0).run(until_idle=True)
    found = store.get(job.id, "local")
    assert (found.status, found.attempts, found.error["code"]) == ("failed", 2, "storage_full")


def test_a_preview_that_cannot_be_read_harms_no_job(store, tmp_path):
    files, job = Files(tmp_path / "files"), store.add(text_job())
    judged = Policy(None, "serving_judges:no_picture")
    worker(store, files, "serving_engines:unreadable_preview", judged).run(until_idle=True)
    assert store.get(job.id, "local").status == "completed"


def test_errors_name_no_folder_of_this_machine(store, tmp_path, monkeypatch):
    files, job = Files(tmp_path / "files"), store.add(text_job())

    def broken(self, names):
        raise MediaError(f"cannot read {self.path}/video.mp4: it is cut")

    monkeypatch.setattr(workspace.Workspace, "publish", broken)
    worker(store, files, step_seconds=0.0).run(until_idle=True)
    told, named = store.get(job.id, "local").error, PurePosixPath("jobs", job.id, "work", "video.mp4")
    assert told == {"code": "invalid_media", "message": f"cannot read {named}: it is cut"}


def test_what_a_full_disk_says():
    for error in (full, away):
        with pytest.raises(StorageError) as caught:
            error()
        assert is_full(caught.value) == (error is full)
    assert is_full(OSError(errno.EDQUOT, "quota")) and is_full(StorageError("database or disk is full"))


def test_a_folder_that_goes_while_it_is_listed_is_an_empty_one(tmp_path, monkeypatch):
    files = Files(tmp_path / "files")
    monkeypatch.setattr("pathlib.Path.is_dir", lambda path: True)
    assert files.names("jobs/gone/") == []
