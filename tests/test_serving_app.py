"""The API over a real socket, without the client: bodies of errors, ranges, events, retries, keys, limits."""

import json
import socket
import threading
import time

import httpx2
import pytest

from api_server import OFFER, clip, picture, serving
from skyloom.errors import StorageError
from skyloom.serving.jobs import Limits
from skyloom.serving.policy import Policy
from skyloom.serving.tidying import sweep


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("app"), max_upload_bytes=200_000, max_body_bytes=500_000) as running:
        yield running


@pytest.fixture(scope="module")
def http(server):
    with httpx2.Client(base_url=server.url, timeout=20) as client:
        yield client


@pytest.fixture
def held(server):
    """Nothing is made while this lasts."""
    server.maker.held.set()
    yield
    server.maker.held.clear()


def made(http, **body):
    """A finished video."""
    video = http.post("/v1/videos", json={"prompt": "a fox", **body}).json()
    while http.get(f"/v1/videos/{video['id']}").json()["status"] not in ("completed", "failed"):
        time.sleep(0.02)
    return http.get(f"/v1/videos/{video['id']}").json()


def error_of(answer):
    """The error of an answer, whose shape is checked."""
    assert answer.headers["content-type"] == "application/json" and answer.headers["x-request-id"]
    (found,) = answer.json().values()
    assert set(found) == {"message", "type", "param", "code"} and found["message"] and found["type"] and found["code"]
    return found


NOBODY = "video_" + "0" * 32
LARGE = b"x" * 300_000
NO_BOUNDARY = {"content-type": "multipart/form-data"}
WRONG = [
    ("GET", "/nothing", {}, 404, "not_found"),
    ("PUT", "/v1/videos", {}, 405, "method_not_allowed"),
    ("GET", "/v1/videos/edits", {}, 404, "video_not_found"),
    ("GET", "/v1/videos/video_%00%ff", {}, 404, "video_not_found"),
    ("GET", "/v1/videos/" + "video_" + "0" * 32, {}, 404, "video_not_found"),
    ("DELETE", "/v1/videos/x", {}, 404, "video_not_found"),
    ("POST", "/v1/videos/x/cancel", {}, 404, "video_not_found"),
    ("GET", "/v1/videos/x/events", {}, 404, "video_not_found"),
    ("GET", "/v1/videos/x/content", {}, 404, "video_not_found"),
    ("GET", "/v1/videos?limit=101", {}, 400, "invalid_value"),
    ("GET", "/v1/videos?limit=-1", {}, 400, "invalid_value"),
    ("GET", "/v1/videos?order=up", {}, 400, "invalid_value"),
    ("GET", "/v1/videos?after=x", {}, 404, "video_not_found"),
    ("POST", "/v1/videos", {"content": b"{"}, 400, "invalid_json"),
    ("POST", "/v1/videos", {"content": b"[]"}, 400, "invalid_json"),
    ("POST", "/v1/videos", {"content": b"[" * 100_000}, 400, "invalid_json"),
    ("POST", "/v1/videos", {"content": b'{"prompt": NaN}'}, 400, "invalid_json"),
    ("POST", "/v1/videos", {"content": b'{"prompt": "\xff"}'}, 400, "invalid_json"),
    ("POST", "/v1/videos", {"content": b'{"prompt": "\\ud800"}'}, 400, "invalid_value"),
    ("POST", "/v1/videos", {"content": b'{"prompt": "a\\u0000"}'}, 400, "invalid_value"),
    ("POST", "/v1/videos", {"content": b""}, 400, "missing_required_parameter"),
    ("POST", "/v1/videos", {"content": b"x", "headers": {"content-type": "text/html"}}, 415, "unsupported_media_type"),
    ("POST", "/v1/videos", {"content": b"x", "headers": NO_BOUNDARY}, 400, "invalid_request"),
    ("POST", "/v1/videos", {"json": {"prompt": "x", "seed": 2**70}}, 400, "invalid_value"),
    ("POST", "/v1/videos", {"json": {"prompt": "x", "seed": True}}, 400, "invalid_value"),
    ("POST", "/v1/videos", {"json": {"prompt": "x", "seed": "7"}}, 400, "invalid_value"),
    ("POST", "/v1/videos", {"json": {"prompt": {"a": "b"}}}, 400, "invalid_value"),
    ("POST", "/v1/videos", {"json": {"prompt": "x", "video": "y"}}, 400, "unknown_parameter"),
    ("POST", "/v1/videos", {"data": {"prompt": "x", "prompt[a]": "y"}}, 400, "invalid_form"),
    ("POST", "/v1/videos", {"json": {"prompt": "x" * 600_000}}, 413, "too_large"),
    ("POST", "/v1/videos", {"data": {"prompt": "x"}, "files": {"input_reference": LARGE}}, 413, "file_too_large"),
    ("POST", "/v1/videos/edits", {"data": {"prompt": "x"}, "files": {"video": b"what"}}, 400, "unsupported_format"),
    ("POST", "/v1/videos/edits", {"json": {"prompt": "x", "video": {"id": NOBODY}}}, 404, "video_not_found"),
    ("POST", "/v1/videos/extensions", {"json": {"prompt": "x", "video": "a", "seconds": 21}}, 400, "invalid_value"),
    ("POST", "/v1/videos/blends", {"json": {"videos": ["a"]}}, 400, "invalid_value"),
    ("POST", "/v1/videos/characters", {"json": {"name": "x" * 81, "video": "a"}}, 400, "invalid_value"),
    ("GET", "/v1/images/image_0/0?owner=local&expires=9999999999&signature=é", {}, 404, "image_not_found"),
    ("GET", "/v1/models/none", {}, 404, "model_not_found"),
]  # fmt: skip


def test_the_parameter_that_names_nothing_is_told(http):
    assert error_of(http.get("/v1/videos?after=x"))["param"] == "after"


@pytest.mark.parametrize(("method", "path", "body", "status", "code"), WRONG)
def test_whatever_is_wrong_has_an_error_body(http, method, path, body, status, code):
    answer = http.request(method, path, **body)
    assert answer.status_code == status, answer.text
    assert error_of(answer)["code"] == code


def test_a_wrong_method_is_told_the_right_ones(http):
    assert http.put("/v1/videos/x").headers["allow"] == "GET, DELETE"
    assert http.put("/v1/videos/edits").headers["allow"] == "POST"
    assert http.request("OPTIONS", "/v1/videos").headers["allow"] == "GET, POST"


def test_a_bug_is_a_500_with_its_request_id_and_no_secrets(http, server, monkeypatch, caplog):
    def broken(*_):
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr(server.store, "get", broken)
    answer = http.get("/v1/videos/video_" + "0" * 32, headers={"x-request-id": "mine-1"})
    assert answer.status_code == 500 and answer.headers["x-request-id"] == "mine-1"
    assert "mine-1" in error_of(answer)["message"] and "hunter2" not in answer.text


def test_a_store_that_is_away_is_a_503_and_a_full_disk_a_507(http, server, monkeypatch):
    def away(*_, **__):
        raise StorageError("the store does not answer: password=hunter2")

    def full(*_, **__):
        raise StorageError("jobs cannot be kept") from OSError(28, "No space left on device")

    for broken, status in ((away, 503), (full, 507)):
        monkeypatch.setattr(server.store, "add", broken)
        answer = http.post("/v1/videos", json={"prompt": "a fox"})
        assert answer.status_code == status and "hunter2" not in answer.text
        assert error_of(answer)["type"] == "server_error"


def test_ranges(http, server):
    video = made(http)
    whole = http.get(f"/v1/videos/{video['id']}/content")
    data = whole.content
    assert whole.headers["content-type"] == "video/mp4" and whole.headers["accept-ranges"] == "bytes"
    size = len(data)
    asked = {
        "bytes=0-9": data[:10], "bytes=5-": data[5:], "bytes=-7": data[-7:], f"bytes=3-{size + 99}": data[3:],
        f"bytes=-{size + 9}": data,
    }  # fmt: skip
    for text, part in asked.items():
        answer = http.get(f"/v1/videos/{video['id']}/content", headers={"range": text})
        assert (answer.status_code, answer.content) == (206, part), text
        assert answer.headers["content-range"].endswith(f"/{size}")
    for text in ("bytes=a-b", "bytes=0-1,4-5", "lines=1-2", "bytes="):
        assert http.get(f"/v1/videos/{video['id']}/content", headers={"range": text}).content == data
    for text in (f"bytes={size}-", "bytes=-0", "bytes=5-2"):
        answer = http.get(f"/v1/videos/{video['id']}/content", headers={"range": text})
        assert answer.status_code == 416 and answer.headers["content-range"] == f"bytes */{size}"
        assert error_of(answer)["code"] == "range_not_satisfiable"
    fresh = {"range": "bytes=0-1", "if-range": whole.headers["etag"]}
    assert http.get(f"/v1/videos/{video['id']}/content", headers=fresh).status_code == 206
    stale = {"range": "bytes=0-1", "if-range": '"other"'}
    assert http.get(f"/v1/videos/{video['id']}/content", headers=stale).content == data


def test_expired_files_are_404(http, server):
    video = made(http)
    server.store.lifetime = -10
    late = made(http)
    server.store.lifetime = None
    server.store.expire()
    answer = http.get(f"/v1/videos/{late['id']}/content")
    assert answer.status_code == 404 and error_of(answer)["code"] == "expired"
    assert http.get(f"/v1/videos/{video['id']}/content").status_code == 200


def test_cancel(http, held):
    video = http.post("/v1/videos", json={"prompt": "a fox"}).json()
    answer = http.post(f"/v1/videos/{video['id']}/cancel").json()
    assert (answer["status"], answer["error"]["code"]) == ("failed", "cancelled")
    assert http.post(f"/v1/videos/{video['id']}/cancel").json() == answer
    assert [one["status"] for one in http.get("/v1/videos?limit=1").json()["data"]] == ["failed"]


def test_a_finished_video_is_not_cancelled(http):
    answer = http.post(f"/v1/videos/{made(http)['id']}/cancel")
    assert answer.status_code == 400 and error_of(answer)["code"] == "already_ended"


def test_preview_while_it_is_made(http, server, held, tmp_path):
    video = http.post("/v1/videos", json={"prompt": "a fox"}).json()
    job = server.store.lease("me", 60)
    assert job.id == video["id"]
    path = tmp_path / "preview.webp"
    path.write_bytes(picture(kind="WEBP"))
    key = f"jobs/{job.id}/preview.webp"
    server.files.put(key, path)
    server.store.heartbeat(job.id, "me", 40, 60, {"preview": key})
    assert http.get(f"/v1/videos/{job.id}").json()["progress"] == 40
    answer = http.get(f"/v1/videos/{job.id}/content?variant=preview")
    assert answer.headers["content-type"] == "image/webp" and answer.content == picture(kind="WEBP")
    assert error_of(http.get(f"/v1/videos/{job.id}/content"))["code"] == "not_ready"
    http.delete(f"/v1/videos/{job.id}")


def events_of(http, video_id):
    """Names and data of all events."""
    found = []
    with http.stream("GET", f"/v1/videos/{video_id}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith("event: "):
                found.append([line[7:]])
            elif line.startswith("data: "):
                found[-1].append(json.loads(line[6:]))
    return found


def test_events_tell_progress_until_the_end(http, server, held):
    video = http.post("/v1/videos", json={"prompt": "a fox"}).json()
    job = server.store.lease("me", 60)

    def work():
        for percent in (20, 60):
            time.sleep(0.5)
            server.store.heartbeat(job.id, "me", percent, 60)
        time.sleep(0.5)
        server.store.fail(job.id, "me", "generation_failed", "no luck")

    thread = threading.Thread(target=work)
    thread.start()
    found = events_of(http, video["id"])
    thread.join()
    seen = [data["progress"] for name, data in found if name == "progress"]
    assert seen == sorted(set(seen)) and {20, 60} <= set(seen)
    assert found[-1][0] == "failed" and found[-1][1]["error"] == {"code": "generation_failed", "message": "no luck"}
    assert [name for name, _ in events_of(http, video["id"])] == ["failed"]


def test_events_end_when_the_video_is_deleted(http, held):
    video = http.post("/v1/videos", json={"prompt": "a fox"}).json()
    timer = threading.Timer(0.5, lambda: http.delete(f"/v1/videos/{video['id']}"))
    timer.start()
    assert [name for name, _ in events_of(http, video["id"])][-1] == "deleted"
    timer.join()


def count(server):
    return sum(server.store.counts().values())


def test_a_repeated_call_is_queued_once(http, server, held):
    files = {"input_reference": ("upload", picture())}
    again = {"x-stainless-retry-count": "1"}
    before = count(server)
    first = http.post("/v1/videos", data={"prompt": "once"}, files=files).json()
    for retry in ("1", "2"):
        repeated = http.post(
            "/v1/videos", data={"prompt": "once"}, files=files, headers={"x-stainless-retry-count": retry}
        )
        assert repeated.json()["id"] == first["id"]
    assert count(server) == before + 1
    other = http.post(
        "/v1/videos", data={"prompt": "once"}, files={"input_reference": picture(8, 8)}, headers=again
    ).json()
    second = http.post("/v1/videos", data={"prompt": "once"}, files=files).json()
    assert len({first["id"], other["id"], second["id"]}) == 3
    third = http.post("/v1/videos", data={"prompt": "once"}, files=files, headers=again).json()
    assert third["id"] == second["id"]
    for path in ("/v1/videos/edits", "/v1/videos/blends"):
        assert http.post(path, json={"prompt": "once"}, headers=again).status_code == 400


def test_an_idempotency_key_is_honoured(http, server, held):
    key = {"idempotency-key": "mine"}
    ids = {http.post("/v1/videos", json={"prompt": f"a {n}"}, headers=key).json()["id"] for n in range(3)}
    assert len(ids) == 1


def inputs_of(server):
    return {key for key in server.files.keys("jobs/") if "/inputs/" in key}


def test_a_call_that_is_refused_leaves_no_file(http, server, tmp_path):
    whole = clip(tmp_path / "in.mp4").read_bytes()
    before = inputs_of(server)
    times = {"prompt": "x", "keyframes[0][time]": "0", "keyframes[1][time]": "1"}
    files = {"keyframes[0][video]": whole, "keyframes[1][image]": b"broken"}
    answer = http.post("/v1/videos", data=times, files=files)
    assert answer.status_code == 400 and error_of(answer)["param"] == "keyframes.1"
    assert inputs_of(server) == before


def test_files_in_numbered_fields(http, server, tmp_path):
    clip(tmp_path / "in.mp4")
    files = {"keyframes[1][video]": (tmp_path / "in.mp4").read_bytes(), "keyframes[0][image]": picture()}
    times = {"prompt": "x", "keyframes[0][time]": "0", "keyframes[1][time]": "3.5"}
    assert http.post("/v1/videos", data=times, files=files).status_code == 200


def test_a_form_says_false_and_zero_in_words(http):
    told = {"prompt": "a fox", "stream": "false", "partial_images": "0", "n": "1", "quality": "low", "style": "vivid"}
    answer = http.post("/v1/images/generations", data=told)
    assert answer.status_code == 200 and answer.json()["ignored"] == ["quality", "style"]
    answer = http.post("/v1/images/generations", data={**told, "stream": "true"})
    assert answer.status_code == 400 and error_of(answer)["param"] == "stream"


def test_health_metrics_models_and_docs(http):
    health = http.get("/healthz").json()
    assert health["status"] == "ok" and health["checkpoint"] == OFFER.name
    http.get("/v1/videos/x")
    figures = http.get("/metrics").text
    line = 'skyloom_requests_total{method="GET",route="/v1/videos/{video_id}",status="404"}'
    assert line in figures and 'skyloom_jobs{status="queued"}' in figures and "skyloom_free_bytes" in figures
    page = http.get("/docs").text
    for path in ("/v1/videos/{video_id}/remix", "/v1/videos/blends", "CreateVideo", "negative_prompt"):
        assert path in page
    assert "http://" not in page.replace("http://www.w3.org", "") and "https://" not in page and "<script" not in page


@pytest.mark.slow
def test_provenance_of_an_unsigned_picture_and_of_no_picture(http):
    found = http.post("/v1/content_provenance_checks", files={"file": picture(64, 64)}, timeout=90).json()
    assert [one["outcome"] for one in found["results"]] == ["not_detected"] * 3
    assert found["results"][0]["validation_state"] == "not_present"
    answer = http.post("/v1/content_provenance_checks", files={"file": b"no picture"}, timeout=90)
    assert answer.status_code == 400 and error_of(answer)["code"] == "invalid_file"


def test_a_prompt_that_the_policy_refuses_is_told_by_its_place(tmp_path):
    shots = [{"time": 0, "prompt": "a dog"}, {"time": 1, "prompt": "a forbidden dog"}]
    asked = {"storyboard.1.prompt": {"prompt": "x", "storyboard": shots}, "prompt": {"prompt": "a forbidden fox"}}
    asked["negative_prompt"] = {"prompt": "x", "negative_prompt": "forbidden"}
    policy = Policy("serving_judges:forbidden", None)
    with serving(tmp_path / "policy", policy=policy) as server, httpx2.Client(base_url=server.url, timeout=20) as http:
        for param, body in asked.items():
            answer = http.post("/v1/videos", json=body)
            assert answer.status_code == 400
            assert (error_of(answer)["code"], error_of(answer)["param"]) == ("moderation_blocked", param)
        assert http.post("/v1/videos", json={"prompt": "a fox"}).status_code == 200
        assert http.post("/v1/images/generations", json={"prompt": "forbidden"}).status_code == 400


# -- keys and limits


@pytest.fixture
def locked(tmp_path):
    with serving(tmp_path / "locked") as running:
        yield running


def as_key(server, secret):
    return httpx2.Client(base_url=server.url, headers={"authorization": f"Bearer {secret}"}, timeout=20)


def test_a_key_sees_its_own_only(locked):
    _, one = locked.store.add_key("one")
    two_id, two = locked.store.add_key("two")
    with as_key(locked, one) as a, as_key(locked, two) as b, httpx2.Client(base_url=locked.url) as none:
        video = made(a)
        path = f"/v1/videos/{video['id']}"
        for method, tail in (("GET", ""), ("GET", "/content"), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/events")):
            answer = b.request(method, path + tail)
            assert answer.status_code == 404 and error_of(answer)["code"] == "video_not_found"
        assert b.post(f"{path}/remix", json={"prompt": "x"}).status_code == 404
        assert b.post("/v1/videos/edits", json={"prompt": "x", "video": {"id": video["id"]}}).status_code == 404
        assert b.get("/v1/videos").json()["data"] == [] and len(a.get("/v1/videos").json()["data"]) == 1
        assert b.get("/v1/videos", params={"after": video["id"]}).status_code == 404
        assert a.get(path).status_code == 200
        for answer in (none.get(path), none.get(path, headers={"authorization": "Bearer sk-skyloom-guess"})):
            assert answer.status_code == 401 and error_of(answer)["type"] == "authentication_error"
        locked.store.revoke_key(two_id)
        assert b.get("/v1/videos").status_code == 401
        for public in ("/healthz", "/docs", "/openapi.json"):
            assert none.get(public).status_code == 200


def test_files_are_their_owners_until_their_time(locked, monkeypatch):
    _, one = locked.store.add_key("one", Limits(stored_bytes=100))
    _, two = locked.store.add_key("two")
    with as_key(locked, one) as a, as_key(locked, two) as b:
        sent = {"files": {"file": picture()}, "data": {"expires_after[anchor]": "created_at"}}
        assert a.post("/v1/files", **sent).json()["error"]["code"] == "missing_required_parameter"
        sent["data"]["expires_after[seconds]"] = "3600"
        kept = a.post("/v1/files", **sent).json()
        assert kept["expires_at"] == kept["created_at"] + 3600
        path = f"/v1/files/{kept['id']}"
        for method, tail in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
            assert error_of(b.request(method, path + tail))["code"] == "file_not_found"
        body = {"prompt": "x", "input_reference": {"file_id": kept["id"]}}
        assert error_of(b.post("/v1/videos", json=body))["code"] == "file_not_found"
        assert b.get("/v1/files").json()["data"] == [] and a.get(path).json() == kept
        assert a.get(f"{path}/content", headers={"range": "bytes=0-3"}).content == b"\x89PNG"
        assert error_of(a.post("/v1/files", **sent))["code"] == "too_much_stored"
        clock = time.time() + 3601
        monkeypatch.setattr("skyloom.serving.file_objects.time.time", lambda: clock)
        assert a.get(path).status_code == 404 and sweep(locked.store, locked.files) == 1
        assert not locked.files.keys("uploads/")


def test_revoking_the_last_key_does_not_open_the_server(locked):
    public_id, _ = locked.store.add_key("one")
    locked.store.revoke_key(public_id)
    assert httpx2.get(f"{locked.url}/v1/videos").status_code == 401


def test_too_often_and_too_much_say_when_to_come_again(locked):
    _, secret = locked.store.add_key("one", Limits(requests_per_minute=6, active_jobs=2))
    locked.maker.held.set()
    with as_key(locked, secret) as client:
        for _ in range(2):
            assert client.post("/v1/videos", json={"prompt": "x"}).status_code == 200
        answer = client.post("/v1/videos", json={"prompt": "x"})
        assert answer.status_code == 429 and error_of(answer)["code"] == "too_many_jobs"
        assert int(answer.headers["retry-after-ms"]) == 5000
        answers = [client.get("/v1/videos") for _ in range(6)]
        late = next(answer for answer in answers if answer.status_code == 429)
        assert error_of(late)["code"] == "rate_limit_exceeded"
        assert 0 < int(late.headers["retry-after-ms"]) <= 10_000


@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"origin": "https://evil.example"}])
def test_without_keys_web_pages_of_other_sites_are_refused(http, headers):
    answer = http.post("/v1/videos", data={"prompt": "x"}, headers=headers)
    assert answer.status_code == 403 and error_of(answer)["type"] == "permission_error"
    assert "access-control-allow-origin" not in answer.headers


def test_the_same_site_may_call(http, server):
    assert http.get("/v1/models", headers={"origin": server.url}).status_code == 200


def test_a_client_that_goes_away_harms_nobody(http, server):
    host, port = server.url.removeprefix("http://").split(":")
    head = b"\r\n".join([
        b"POST /v1/videos HTTP/1.1", b"Host: 127.0.0.1", b"Content-Type: multipart/form-data; boundary=x",
        b"Content-Length: 999", b"", b"--x",
    ])  # fmt: skip
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head)
    assert http.get("/healthz").status_code == 200
