"""What is refused, wherever it comes by: prompts, uploads, URLs, what was made. All of it is in the audit log."""

import json
import stat

import httpx2
import numpy as np
import pytest

from api_server import picture, serving
from skyloom.data.video_io import write_video
from skyloom.errors import InvalidArgument, MissingDependency
from skyloom.serving.engine_process import EngineProcess
from skyloom.serving.files import Files
from skyloom.serving.jobs import new_job, prefix
from skyloom.serving.policy import OFF, Policy, looked_at, named
from skyloom.serving.store import Store
from skyloom.serving.worker import Habits, Worker
from skyloom.video import Video

HABITS = Habits(lease=5.0, beat=0.05, idle=0.02, min_free=0)


def lines(log):
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_an_upload_a_url_and_a_prompt_are_refused_with_a_reason(tmp_path):
    log = tmp_path / "audit.jsonl"
    policy = Policy("serving_judges:forbidden", "serving_judges:any_picture", log)
    with (
        serving(tmp_path / "server", policy=policy, fetch_urls=True) as server,
        httpx2.Client(base_url=server.url, timeout=30) as http,
    ):
        asked = [
            ("/v1/videos", "prompt", {"json": {"prompt": "a forbidden fox"}}),
            ("/v1/videos", "input_reference", {"data": {"prompt": "x"}, "files": {"input_reference": picture()}}),
            ("/v1/images/edits", "image", {"data": {"prompt": "x"}, "files": {"image": picture()}}),
        ]
        for path, param, body in asked:
            answer = http.post(path, **body)
            error = answer.json()["error"]
            assert (answer.status_code, error["code"], error["param"]) == (400, "moderation_blocked", param)
            assert "cannot be made" in error["message"]
        url = {"prompt": "x", "input_reference": {"image_url": "http://169.254.169.254/latest"}}
        assert http.post("/v1/videos", json=url).json()["error"]["code"] == "url_not_allowed"
        assert server.store.counts()["queued"] == 0 and not server.files.keys("jobs/")
    told = lines(log)
    assert [one["what"] for one in told] == ["prompt", "input", "input", "url"]
    assert [one["about"] for one in told] == ["prompt", "reference", "image", "url"]
    assert {one["owner"] for one in told} == {"local"} and all(len(one["sha256"]) == 64 for one in told)
    assert not any(word in log.read_text() for word in ("forbidden", "169.254"))
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


@pytest.mark.parametrize("settings", [{"num_frames": 5}, {"output_format": "png", "n": 2}])
def test_what_was_made_is_judged_before_it_is_given_out(tmp_path, settings):
    store, files = Store.open(tmp_path / "jobs.db"), Files(tmp_path / "files")
    made = {}
    for judge in ("any_picture", "no_picture"):
        job = store.add(new_job({"task": "text", "prompt": "a fox", "settings": settings, "inputs": {}}))
        policy = Policy(None, f"serving_judges:{judge}", tmp_path / "audit.jsonl")
        engine = EngineProcess("skyloom.serving.rehearsal:make", {"step_seconds": 0.02})
        Worker(store, files, engine, HABITS, policy).run(until_idle=True)
        made[judge] = store.get(job.id, "local")
    store.close()
    assert made["no_picture"].status == "completed" and made["no_picture"].files
    refused = made["any_picture"]
    assert (refused.status, refused.error["code"], refused.files) == ("failed", "moderation_blocked", {})
    assert not files.keys(prefix(refused.id))
    told = lines(tmp_path / "audit.jsonl")
    assert {one["about"] for one in told} == {refused.id} and told[-1]["what"] == "output"
    assert {one["what"] for one in told} <= {"output", "preview"}


def test_a_film_is_looked_at_all_along(tmp_path):
    def shades(count, fps):
        frames = np.arange(count, dtype=np.uint8)[:, None, None, None] * np.ones((1, 16, 16, 3), np.uint8) * 2
        path = write_video(Video(frames, fps), tmp_path / "film.mp4", quality=100, provenance=None)
        return [round(float(frame.mean()) / 2) for frame in looked_at(path)]

    assert shades(8, 8.0) == [0, 2, 4, 6]
    found = shades(80, 2.0)
    assert len(found) == 16 and np.abs(np.diff(found) - 5).max() <= 1
    write_video(Video(np.full((1, 8, 8, 3), 9, np.uint8), 1.0), tmp_path / "a.png", provenance=None)
    assert [frame.max() for frame in looked_at(tmp_path / "a.png")] == [9]


def test_what_it_needs_is_looked_for_at_the_start(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match="--no-picture-policy"):
        Policy().check()
    assert Policy(pictures=None).check().off == OFF and OFF.check() is OFF
    for name in ("nothing", "skyloom:nothing", "no.such.module:x", "skyloom.serving.policy:OFF"):
        with pytest.raises(InvalidArgument, match="classifier"):
            named(name)
