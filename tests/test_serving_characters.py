"""Characters: their clips outlive every sweep, count as stored, and what is lost is a 404."""

import httpx2
import pytest

from api_server import clip, serving
from skyloom.serving.jobs import Limits
from skyloom.serving.tidying import sweep


@pytest.fixture
def server(tmp_path):
    with serving(tmp_path / "server") as running:
        yield running


def kept(http, path):
    """A character made of a clip; its answer."""
    return http.post("/v1/videos/characters", data={"name": "Rex"}, files={"video": path.read_bytes()})


def starring(http, character_id):
    return http.post("/v1/videos", json={"prompt": "Rex runs", "characters": [{"id": character_id}]})


def test_a_characters_clip_stays_however_old_it_is(server, tmp_path, monkeypatch):
    monkeypatch.setattr(server.files, "age", lambda prefix: 1e9)
    with httpx2.Client(base_url=server.url, timeout=20) as http:
        rex = kept(http, clip(tmp_path / "rex.mp4")).json()
        assert sweep(server.store, server.files) == 0
        assert starring(http, rex["id"]).status_code == 200


@pytest.mark.parametrize("what", ["character", "file", "video"])
def test_what_was_removed_from_the_disk_is_a_404(server, tmp_path, what):
    whole = clip(tmp_path / "in.mp4")
    with httpx2.Client(base_url=server.url, timeout=20) as http:
        if what == "character":
            found = kept(http, whole).json()["id"]
        elif what == "file":
            found = http.post("/v1/files", files={"file": whole.read_bytes()}).json()["id"]
        else:
            found = http.post("/v1/videos", json={"prompt": "a fox"}).json()["id"]
            while http.get(f"/v1/videos/{found}").json()["status"] != "completed":
                pass
        for path in server.files.folder.rglob("*.mp4"):
            path.unlink()
        asked = {"prompt": "x", "video": {"id": found}}
        answer = starring(http, found) if what == "character" else http.post("/v1/videos/edits", json=asked)
        assert answer.status_code == 404 and answer.json()["error"]["code"] == f"{what}_not_found"


def test_characters_count_as_stored(server, tmp_path):
    _, secret = server.store.add_key("one", Limits(stored_bytes=100))
    whole = clip(tmp_path / "rex.mp4")
    with httpx2.Client(base_url=server.url, timeout=20, headers={"authorization": f"Bearer {secret}"}) as http:
        assert kept(http, whole).status_code == 200
        for answer in (kept(http, whole), http.post("/v1/files", files={"file": whole.read_bytes()})):
            assert answer.status_code == 429 and answer.json()["error"]["code"] == "too_much_stored"
        for path in server.files.folder.rglob("*.mp4"):
            path.unlink()
        assert kept(http, whole).status_code == 200
