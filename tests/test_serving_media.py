"""Files sent from a bucket: each caller reads a copy of its own, and none of them stays."""

import threading

import httpx2
import pytest

from api_server import picture, serving
from skyloom.errors import MediaError
from skyloom.serving import media
from skyloom.serving.errors import ApiError
from skyloom.serving.files import Files
from skyloom.serving.jobs import new_id


@pytest.fixture
def server(tmp_path):
    with serving(tmp_path / "server", files=Files(f"memory://{new_id()}")) as running:
        yield running


def test_copies_are_gone_when_files_are_sent_and_many_may_read_at_once(server):
    with httpx2.Client(base_url=server.url, timeout=20) as http:
        kept = http.post("/v1/files", files={"file": picture(600, 600)}).json()
        path, found = f"/v1/files/{kept['id']}/content", []
        whole = http.get(path).content

        def read():
            found.append(http.get(path).content == whole)
            found.append(http.get(path, headers={"range": "bytes=3-9"}).content == whole[3:10])

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(whole) == kept["bytes"] and found == [True] * 8
        assert http.get(path, headers={"range": f"bytes={len(whole)}-"}).status_code == 416
        assert list(server.files.cache.iterdir()) == []


def test_a_video_begun_from_a_bucket_leaves_no_copy_either(server):
    with httpx2.Client(base_url=server.url, timeout=20) as http:
        kept = http.post("/v1/files", files={"file": picture()}).json()
        asked = {"prompt": "x", "input_reference": {"file_id": kept["id"]}}
        assert http.post("/v1/videos", json=asked).status_code == 200
        assert list(server.files.cache.iterdir()) == []


@pytest.mark.parametrize("text, wrong", [
    ("bytes=0-", False), ("bytes=9-", False), ("bytes=-20", False), ("bytes=3-99", False), ("bytes=1-0,2-3", False),
    ("bytes=10-", True), ("bytes=-0", True), ("bytes=5-4", True), (None, False),
])  # fmt: skip
def test_ranges_of_ten_bytes(text, wrong):
    if wrong:
        with pytest.raises(ApiError) as caught:
            media.check_range(10, text)
        assert (caught.value.status, caught.value.headers["content-range"]) == (416, "bytes */10")
    else:
        media.check_range(10, text)


def test_a_file_removed_at_the_last_moment_is_missing(tmp_path, monkeypatch):
    files = Files(tmp_path / "files")
    monkeypatch.setattr(files, "local", lambda key: tmp_path / "gone.mp4")
    with pytest.raises(MediaError, match="no file jobs/x"):
        media.sent(files, "jobs/x", "x", None)
