"""The worker: jobs done, taken up where they were, bounded in what they may break."""

import threading
import time

import numpy as np
import pytest

from serving_parts import text_job
from skyloom.errors import InvalidArgument
from skyloom.serving import rehearsal, tidying
from skyloom.serving.engine_process import EngineProcess, find_engine
from skyloom.serving.files import Files
from skyloom.serving.jobs import Stopped, new_id, prefix
from skyloom.serving.store import Store
from skyloom.serving.worker import Habits, Worker

FAST = Habits(lease=5.0, beat=0.05, idle=0.02, grace=0.0, patience=0.3, min_free=0)


@pytest.fixture
def store(tmp_path):
    opened = Store.open(tmp_path / "jobs.db")
    yield opened
    opened.close()


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path / "files")


def worker(store, files, engine="skyloom.serving.rehearsal:make", habits=FAST, **options):
    if engine.endswith("rehearsal:make"):
        options.setdefault("step_seconds", 0.0)
    return Worker(store, files, EngineProcess(engine, options), habits)


def content(files, job):
    found = {}
    for variant, key in job.files.items():
        with files.open(key) as file:
            found[variant] = file.read()
    return found


def order(prompt="a fox", inputs=None, **settings):
    return {"order": {"task": "text", "prompt": prompt, "settings": settings, "inputs": inputs or {}}}


def job_of(prompt="a fox", inputs=None, **settings):
    from skyloom.serving.jobs import new_job

    return new_job(order(prompt, inputs, **settings)["order"], prompt=prompt)


def test_jobs_are_made_and_nothing_is_left_beside(store, files, tmp_path):
    jobs = [store.add(job_of(f"fox {i}", num_frames=5)) for i in range(3)]
    worker(store, files).run(until_idle=True)
    made = [store.get(job.id, "local") for job in jobs]
    assert [(job.status, job.progress, job.attempts) for job in made] == [("completed", 100, 1)] * 3
    for job in made:
        assert job.made["num_frames"] == 5 and set(job.files) == {"video", "thumbnail", "spritesheet"}
        assert content(files, job)["video"][4:8] == b"ftyp"
        assert sorted(files.keys(prefix(job.id))) == sorted(job.files.values())
    assert len({content(files, job)["video"] for job in made}) == 3
    assert store.usage("local").stored_bytes == sum(files.size(key) for job in made for key in job.files.values())
    assert not [path for path in (tmp_path / "files").rglob("*") if path.is_file() and path.name.startswith(".")]


def test_pictures_of_each_format(store, files):
    kinds = {"png": b"\x89PNG", "jpeg": b"\xff\xd8", "webp": b"RIFF"}
    jobs = [store.add(job_of(output_format=name, n=2)) for name in kinds]
    worker(store, files).run(until_idle=True)
    for job, magic in zip(jobs, kinds.values(), strict=True):
        found = content(files, store.get(job.id, "local"))
        assert set(found) == {"image-0", "image-1"} and all(data.startswith(magic) for data in found.values())


def test_a_remote_store_of_files_gives_the_same(store, files):
    remote, found = Files(f"memory://{new_id()}"), []
    for place in (files, remote):
        job = store.add(job_of("same", num_frames=5))
        worker(store, place).run(until_idle=True)
        done = store.get(job.id, "local")
        found.append(content(place, done))
        assert place.names(prefix(job.id)) == ["1"]
        assert sorted(place.keys(prefix(job.id))) == sorted(done.files.values())
    assert found[0] == found[1] and found[0]["video"]


@pytest.mark.parametrize("remote", [False, True])
def test_a_job_is_taken_up_from_its_last_step_with_the_same_bits(store, files, remote):
    """The first engine stops in the middle, the second has only the last three steps to make."""
    files = Files(f"memory://{new_id()}") if remote else files
    whole = store.add(job_of("the same", num_inference_steps=8))
    worker(store, files).run(until_idle=True)
    broken = store.add(job_of("the same", num_inference_steps=8))
    first = worker(store, files)
    said = []

    class Leaving(EngineProcess):
        def answer(self, go_on):
            said.append(go_on)
            if len(said) == 5:
                first.stop()
            super().answer(go_on)

    first.engine = Leaving("skyloom.serving.rehearsal:make", {"step_seconds": 0.02})
    first.run()
    handed_back = store.get(broken.id, "local")
    assert (handed_back.status, handed_back.attempts) == ("queued", 0) and 59 <= handed_back.progress <= 72
    assert files.keys(prefix(broken.id) + "work/")
    second = worker(store, files)
    counted = []

    class Counting(EngineProcess):
        def answer(self, go_on):
            counted.append(go_on)
            super().answer(go_on)

    second.engine = Counting("skyloom.serving.rehearsal:make", {"step_seconds": 0.0})
    second.run(until_idle=True)
    assert 2 <= len(counted) <= 3
    results = [content(files, store.get(job.id, "local")) for job in (whole, broken)]
    assert results[0] == results[1] and results[0]["video"]


def test_rehearsal_resumes_at_every_step(tmp_path):
    given = order("fox", num_inference_steps=4)["order"]
    (tmp_path / "whole").mkdir()
    made = rehearsal.make(given, {}, tmp_path / "whole", lambda percent: True, step_seconds=0.0)
    for at in range(1, 5):
        folder = tmp_path / str(at)
        folder.mkdir()
        answers = iter([True] * (at - 1) + [False])
        with pytest.raises(Stopped):
            rehearsal.make(given, {}, folder, lambda percent, left=answers: next(left), step_seconds=0.0)
        assert rehearsal.make(given, {}, folder, lambda percent: True, step_seconds=0.0) == made
        for name in made["files"].values():
            assert (folder / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    (folder / "step.json").write_text("{half")
    assert rehearsal.make(given, {}, folder, lambda percent: True, step_seconds=0.0) == made
    other = order("cat", num_inference_steps=4)["order"]
    assert rehearsal.make(other, {}, folder, lambda percent: True, step_seconds=0.0)["state"] != made["state"]


def test_a_job_that_kills_its_worker_twice_is_failed_and_the_others_are_made(store, files):
    jobs = [store.add(job_of(prompt)) for prompt in ("fox", "deadly", "cat")]
    late = store.add(job_of("deadly", alive=3))
    worker(store, files, "serving_engines:killed").run(until_idle=True)
    found = [store.get(job.id, "local") for job in jobs]
    assert [job.status for job in found] == ["completed", "failed", "completed"]
    assert found[1].error["code"] == "worker_died" and "SIGKILL" in found[1].error["message"]
    assert found[1].attempts == 2 and not files.names(prefix(found[1].id))
    again = store.get(late.id, "local")
    assert (again.status, again.attempts, again.progress) == ("failed", 2, 30)


def test_an_engine_that_dies_but_gets_on_is_let_finish(store, files):
    job = store.add(job_of())
    worker(store, files, "serving_engines:further_each_time").run(until_idle=True)
    done = store.get(job.id, "local")
    assert (done.status, done.attempts) == ("completed", 4)


@pytest.mark.parametrize(
    "prompt, code, told, attempts",
    [
        ("blank", "generation_failed", "the video is blank", 1),
        ("bug", "internal_error", "it could not be made (KeyError)", 1),
        ("media", "invalid_media", "cannot read video: it is empty", 1),
        ("lies", "invalid_media", "the engine made no video", 1),
        ("disk", "storage_full", "there was no room on the disk (2 times)", 2),
    ],
)
def test_failures_are_told_without_secrets(store, files, tmp_path, prompt, code, told, attempts):
    (tmp_path / "x").write_bytes(b"")
    key = f"{prefix(new_id())}inputs/x.mp4"
    files.put(key, tmp_path / "x")
    job = store.add(job_of(prompt, {"video": key}))
    worker(store, files, "serving_engines:failing").run(until_idle=True)
    done = store.get(job.id, "local")
    assert (done.status, done.error, done.attempts) == ("failed", {"code": code, "message": told}, attempts)


def test_an_input_that_is_gone_fails_the_job(store, files):
    job = store.add(job_of("x", {"video": f"{prefix(new_id())}video.mp4"}))
    worker(store, files).run(until_idle=True)
    assert store.get(job.id, "local").error["code"] == "invalid_media"


def test_a_hanging_engine_is_taken_for_dead(store, files):
    job = store.add(job_of())
    habits = Habits(lease=5.0, beat=0.05, idle=0.02, grace=0.0, min_free=0, stall=0.3)
    worker(store, files, "serving_engines:hanging", habits).run(until_idle=True)
    assert store.get(job.id, "local").error["code"] == "worker_stalled"


def running(store, files, engine="serving_engines:slow", prompt="fox"):
    """A worker in a thread, once it works at a job."""
    job = store.add(job_of(prompt))
    one = worker(store, files, engine)
    thread = threading.Thread(target=one.run)
    thread.start()
    until = time.monotonic() + 60
    while not (files.folder / prefix(job.id) / "work" / "begun").exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    return job, one, thread


@pytest.mark.parametrize("prompt", ["fox", "deaf"])
@pytest.mark.parametrize("end", ["cancel", "delete"])
def test_cancel_and_delete_stop_the_engine_and_leave_nothing(store, files, prompt, end):
    job, one, thread = running(store, files, prompt=prompt)
    assert getattr(store, end)(job.id, "local")
    until = time.monotonic() + 60
    while files.names("jobs/" + job.id + "/"):
        assert time.monotonic() < until
        time.sleep(0.01)
    assert (one.engine.process is None) == (prompt == "deaf")
    one.stop()
    thread.join(30)
    assert not thread.is_alive()
    assert store.counts()["cancelled"] == (end == "cancel")


def test_a_worker_that_lost_its_lease_stops_and_touches_nothing(store, files):
    job, one, thread = running(store, files)
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE jobs SET leased_until = 1")
        connection.exec_driver_sql("UPDATE jobs SET worker = 'other', leased_until = 1e12")
    time.sleep(0.5)
    one.stop()
    thread.join(30)
    assert store.get(job.id, "local").status == "in_progress"
    assert "begun" in files.names(prefix(job.id) + "work/")


def test_no_job_is_taken_while_the_disk_is_full(store, files, monkeypatch):
    job = store.add(job_of())
    one = worker(store, files, habits=Habits(min_free=1000))
    monkeypatch.setattr(files, "free_bytes", lambda: 999)
    assert not one.once() and store.get(job.id, "local").status == "queued"
    monkeypatch.setattr(files, "free_bytes", lambda: 1000)
    assert one.once() and store.get(job.id, "local").status == "completed"
    one.engine.end()


def test_a_store_that_is_away_is_waited_for(store, files, monkeypatch):
    from skyloom.errors import StorageError

    job = store.add(job_of())
    finish, failures = store.finish, [1, 1, 1]

    def sometimes(*args):
        if failures:
            failures.pop()
            raise StorageError("away")
        return finish(*args)

    monkeypatch.setattr(store, "finish", sometimes)
    worker(store, files).run(until_idle=True)
    assert store.get(job.id, "local").status == "completed" and not failures


def test_previews_are_shown_while_it_runs(store, files):
    job = store.add(job_of(num_inference_steps=40))
    one = worker(store, files, step_seconds=0.03)
    thread = threading.Thread(target=one.run, args=(True,))
    thread.start()
    seen = set()
    while thread.is_alive():
        found = store.get(job.id, "local")
        seen |= {(found.status, *found.files)} if found.status == "in_progress" else set()
        time.sleep(0.01)
    assert ("in_progress", "preview") in seen
    assert "preview" not in store.get(job.id, "local").files
    assert not files.exists(prefix(job.id) + "preview.webp")


def test_the_sweep_removes_only_what_nobody_needs(store, files, tmp_path, monkeypatch):
    (tmp_path / "x").write_bytes(b"x")
    done, waiting, stranger = store.add(text_job()), store.add(text_job()), new_id()
    store.lease("w", 60)
    store.finish(done.id, "w", {}, {"video": prefix(done.id) + "1/video.mp4"}, 1)
    for job_id in (done.id, waiting.id, stranger):
        for name in ("1/video.mp4", "work/step", "inputs/a.png"):
            files.put(prefix(job_id) + name, tmp_path / "x")
    (files.folder / prefix(done.id) / ".cut.part").write_bytes(b"")
    assert tidying.sweep(store, files) == 1
    assert files.names(prefix(done.id)) == ["1"] and len(files.keys(prefix(waiting.id))) == 3
    assert len(files.keys(prefix(stranger))) == 3
    monkeypatch.setattr(files, "age", lambda prefix: 4000.0)
    assert tidying.sweep(store, files) == 1 and files.names("jobs/") == sorted([done.id, waiting.id])


def test_habits_and_engines_are_checked():
    with pytest.raises(InvalidArgument, match="three beats"):
        Habits(lease=2.0, beat=1.0)
    for name in ("nowhere:make", "skyloom.serving.rehearsal:nothing", "skyloom.serving.rehearsal", ":x"):
        with pytest.raises(InvalidArgument, match="module:function"):
            find_engine(name)


def test_bars_move_and_depend_on_the_state():
    frames = rehearsal.bars("a", 9, 16, 32)
    assert frames.shape == (9, 16, 32, 3) and np.array_equal(np.roll(frames[0], -4, axis=1), frames[8])
    assert not np.array_equal(frames, rehearsal.bars("b", 9, 16, 32))
