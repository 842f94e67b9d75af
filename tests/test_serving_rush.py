"""Many callers at once: who brings files keeps nobody else waiting, and progress is told through an outage."""

import json
import threading
import time

import httpx2
import pytest

from api_server import picture, serving
from skyloom.errors import StorageError
from skyloom.serving import uploads
from skyloom.serving.forms import Body


@pytest.fixture
def server(tmp_path):
    with serving(tmp_path / "server") as running:
        yield running


def test_uploads_that_take_long_keep_nobody_else_waiting(server, monkeypatch):
    check, gate, sent = uploads.check_upload, threading.Event(), []

    def slowly(path):
        gate.wait(30)
        return check(path)

    monkeypatch.setattr(uploads, "check_upload", slowly)

    def bring(number):
        found = {"prompt": f"fox {number}"}
        answer = httpx2.post(f"{server.url}/v1/videos", data=found, files={"input_reference": picture()}, timeout=60)
        sent.append(answer.status_code)

    threads = [threading.Thread(target=bring, args=(number,)) for number in range(48)]
    for thread in threads:
        thread.start()
    try:
        with httpx2.Client(base_url=server.url, timeout=10) as http:
            time.sleep(1.0)
            began = time.monotonic()
            video = http.post("/v1/videos", json={"prompt": "a cat"}).json()
            assert http.get(f"/v1/videos/{video['id']}").status_code == 200
            assert http.get("/healthz").status_code == 200 and time.monotonic() - began < 5
            assert sent == []
    finally:
        gate.set()
        for thread in threads:
            thread.join()
    assert sent == [200] * 48


@pytest.mark.parametrize("tree, brings", [
    ({"prompt": "a fox", "video": {"id": "video_1"}}, False), ({"keyframes": [{"time": 0, "image": "data:x"}]}, True),
    ({"input_reference": {"image_url": "https://a.example/x.png"}}, True), ({}, False),
])  # fmt: skip
def test_which_calls_bring_files(tree, brings):
    assert Body(tree, False).brings_files == brings


def test_events_go_on_when_the_store_was_away(server, monkeypatch):
    server.maker.held.set()
    get, failures = server.store.get, [1, 1]
    with httpx2.Client(base_url=server.url, timeout=20) as http:
        video = http.post("/v1/videos", json={"prompt": "a fox"}).json()
        with http.stream("GET", f"/v1/videos/{video['id']}/events") as answer:
            lines = answer.iter_lines()
            assert next(line for line in lines if line.startswith("event: ")) == "event: progress"

            def sometimes(*args):
                if failures:
                    failures.pop()
                    raise StorageError("away")
                return get(*args)

            monkeypatch.setattr(server.store, "get", sometimes)
            server.maker.held.clear()
            told = [line for line in lines if line.startswith(("event: ", "data: "))]
    assert failures == [] and told[-2] == "event: completed"
    assert json.loads(told[-1].removeprefix("data: "))["status"] == "completed"
