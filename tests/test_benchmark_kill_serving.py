"""The killer of servers: it finds what is lost, doubled, torn or changed, and a small run of it finds nothing."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))

import kill_serving as bench
from serving_parts import text_job
from skyloom.serving.files import Files
from skyloom.serving.jobs import prefix
from skyloom.serving.store import Store


@pytest.fixture
def store(tmp_path):
    opened = Store.open(tmp_path / "jobs.db")
    yield opened
    opened.close()


def finished(store, files, source, prompt, content=b"right"):
    job = store.add(text_job(prompt))
    store.lease("w", 60)
    source.write_bytes(content)
    key = prefix(job.id) + "1/video.mp4"
    files.put(key, source)
    store.finish(job.id, "w", {}, {"video": key}, 5)
    return job


def test_every_kind_of_loss_is_found(store, tmp_path):
    files, source = Files(tmp_path / "files"), tmp_path / "source"
    first = finished(store, files, source, "good")
    expected = dict.fromkeys(
        ["good", "twice", "wrong", "failed", "lost"], bench.digests(files, store.get(first.id, "local"))
    )
    answered = {"good": first.id, "lost": "video_" + "0" * 32}
    _, answered["twice"] = (finished(store, files, source, "twice").id for _ in range(2))
    answered["wrong"] = finished(store, files, source, "wrong", b"other").id
    failed = store.add(text_job("failed"))
    store.lease("w", 60)
    store.fail(failed.id, "w", "worker_died", "killed")
    answered["failed"] = failed.id
    (tmp_path / "files" / "stray.mp4").write_bytes(b"half")
    found = bench.outcome(store, files, expected, answered)
    assert (found.lost, found.doubled, found.differ, found.torn) == (["lost"], ["twice"], ["wrong"], ["stray.mp4"])
    assert len(found.failed) == 1 and "worker_died" in found.failed[0] and found.attempts == 5


def test_a_machine_that_ended_by_itself_was_not_killed(tmp_path):
    machine = bench.Machine("worker 0", [sys.executable, "-c", "raise SystemExit('no such thing')"], tmp_path / "log")
    machine.start()
    machine.process.wait()
    with pytest.raises(RuntimeError, match="no such thing"):
        machine.kill(whole=True)


@pytest.mark.slow
def test_nothing_is_lost_in_a_small_run(capsys):
    assert bench.main(["--kills", "4", "--jobs", "3", "--workers", "2", "--pace", "0.7", "--seed", "3"]) == 0
