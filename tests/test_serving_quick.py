"""What was answered a moment ago is answered before routing: the same answer, behind the same doors."""

import httpx2
import pytest

from api_server import serving
from skyloom.serving.glances import Glances


@pytest.fixture
def looks(monkeypatch):
    """The keys that were looked up, in order; what is known stays known."""
    asked, look = [], Glances._look

    async def noted(self, key, *rest):
        asked.append(key)
        return await look(self, key, *rest)

    monkeypatch.setattr(Glances, "_look", noted)
    monkeypatch.setattr("skyloom.serving.app.Glances", lambda: Glances(60.0))
    return asked


def test_an_answer_off_the_shelf_is_the_routes_own(tmp_path, looks):
    with serving(tmp_path / "quick", poll_after_ms=70) as server, httpx2.Client(base_url=server.url) as http:
        server.maker.held.set()
        path = f"/v1/videos/{http.post('/v1/videos', json={'prompt': 'a fox'}).json()['id']}"
        first, again = http.get(path), http.get(path)
        assert first.json() == again.json() and len(looks) == 1
        unlike = {"x-request-id", "date"}
        assert all(first.headers[name] == again.headers[name] for name in set(first.headers) - unlike)
        assert again.headers["openai-poll-after-ms"] == "70" and first.headers["x-request-id"]
        assert http.get("/v1/videos").json() == http.get("/v1/videos").json() and len(looks) == 2
        assert http.get("/v1/videos?limit=1").json()["data"][0]["id"] in path and len(looks) == 3
        counted = http.get("/metrics").text
        assert 'skyloom_requests_total{method="GET",route="/v1/videos/{video_id}",status="200"} 2.0' in counted
        assert http.get(path, headers={"host": "evil.example"}).status_code == 403
        http.delete(path)
        assert http.get(path).status_code == 404


def test_each_key_has_a_shelf_of_its_own(tmp_path, looks):
    with serving(tmp_path / "keys") as server, httpx2.Client(base_url=server.url) as http:
        key_id, one = server.store.add_key("one")
        _, two = server.store.add_key("two")
        mine, theirs = ({"authorization": f"Bearer {secret}"} for secret in (one, two))
        path = f"/v1/videos/{http.post('/v1/videos', json={'prompt': 'a fox'}, headers=mine).json()['id']}"
        assert http.get(path, headers=mine).status_code == http.get(path, headers=mine).status_code == 200
        assert http.get(path, headers=theirs).status_code == 404 and http.get(path).status_code == 401
        server.store.revoke_key(key_id)
        assert http.get(path, headers=mine).status_code == 401
