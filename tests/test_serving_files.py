"""Files by key: whole or not at all, and never outside their folder; the same in a folder and behind a URL."""

import gc
import os
import threading

import pytest

from skyloom.errors import InvalidArgument, MediaError, MissingDependency, StorageError
from skyloom.serving.files import Files
from skyloom.serving.jobs import new_id, prefix


@pytest.fixture(params=["folder", "memory"])
def files(request, tmp_path):
    return Files(tmp_path / "files" if request.param == "folder" else f"memory://{new_id()}")


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source.bin"
    path.write_bytes(bytes(range(256)) * 40)
    return path


def test_what_goes_in_comes_out(files, source):
    assert files.put("jobs/a/video.mp4", source) == 10240
    assert files.size("jobs/a/video.mp4") == 10240 and files.exists("jobs/a/video.mp4")
    with files.open("jobs/a/video.mp4") as file:
        file.seek(256)
        assert file.read(3) == b"\0\1\2"
    assert files.local("jobs/a/video.mp4").read_bytes() == source.read_bytes()
    assert files.copy("jobs/a/video.mp4", "jobs/b/in.mp4") == 10240
    assert files.keys("jobs/") == ["jobs/a/video.mp4", "jobs/b/in.mp4"] and files.names("jobs/") == ["a", "b"]
    source.write_bytes(b"new")
    files.put("jobs/a/video.mp4", source, move=True)
    assert files.local("jobs/a/video.mp4").read_bytes() == b"new"
    files.delete("jobs/a/")
    files.delete("jobs/a/")
    files.delete("jobs/b/in.mp4")
    assert files.keys("jobs/") == [] and not files.exists("jobs/a/video.mp4")


def test_copies_of_a_remote_store_do_not_stay(source):
    files = Files(f"memory://{new_id()}")
    files.put("jobs/a", source)
    copy, other = files.local("jobs/a"), files.local("jobs/a")
    source.write_bytes(b"new")
    files.put("jobs/a", source)
    assert files.local("jobs/a").read_bytes() == b"new" and copy.read_bytes() == bytes(range(256)) * 40
    files.forget(copy)
    files.forget(copy)
    assert not copy.exists() and other.read_bytes() == bytes(range(256)) * 40
    with pytest.raises(MediaError):
        files.local("jobs/none")
    files.forget(other)
    before = len(list(files.cache.iterdir()))
    files.copy("jobs/a", "jobs/b")
    assert before == len(list(files.cache.iterdir())) == 1
    cache = files.cache
    del files
    gc.collect()
    assert not cache.exists()


def test_what_is_missing_is_said(files, tmp_path):
    for ask in (files.size, files.open, files.local):
        with pytest.raises(MediaError, match="no file jobs/x/y"):
            ask("jobs/x/y")
    with pytest.raises(MediaError):
        files.put("jobs/x/y", tmp_path / "nothing")
    assert files.names("nowhere/") == [] == files.keys("nowhere/")


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../x", "a/../x", "a//b", ".hidden", "a/.x", "a\\b", "a\0", "狐", "a b", "x" * 600, "a/"]
)
def test_keys_cannot_climb_or_hide(files, source, key):
    for ask in (files.size, files.open, files.local, files.exists, lambda key: files.put(key, source)):
        with pytest.raises(InvalidArgument, match="key"):
            ask(key)
    for name in ("../x", "", "..", "a/b"):
        with pytest.raises(InvalidArgument):
            files.remove("jobs/", name)


def test_readers_never_see_half_a_file(tmp_path):
    files, stop, seen = Files(tmp_path / "files"), threading.Event(), set()
    (tmp_path / "a").write_bytes(b"a" * 300_000)
    (tmp_path / "b").write_bytes(b"b" * 500_000)
    files.put("jobs/x", tmp_path / "a")

    def read():
        while not stop.is_set():
            with files.open("jobs/x") as file:
                data = file.read()
            seen.add((len(data), *set(data)))

    thread = threading.Thread(target=read)
    thread.start()
    for _ in range(20):
        files.put("jobs/x", tmp_path / "b")
        files.put("jobs/x", tmp_path / "a")
    stop.set()
    thread.join()
    assert seen <= {(300_000, ord("a")), (500_000, ord("b"))} and files.names("jobs/") == ["x"]


def test_a_full_disk_leaves_nothing(tmp_path, source, monkeypatch):
    files = Files(tmp_path / "files")

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(StorageError, match="No space left"):
        files.put("jobs/x", source)
    assert files.names("jobs/") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk")
def test_a_disk_that_really_is_full(tmp_path, source):
    import subprocess

    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(small)], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        files = Files(small)
        files.put("jobs/one", source)
        with pytest.raises(StorageError, match="No space left"):
            files.put("jobs/two", source)
        assert files.names("jobs/") == ["one"] and files.size("jobs/one") == 10240
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_urls_that_cannot_be_used(tmp_path):
    with pytest.raises(InvalidArgument, match="fsspec"):
        Files("nonsense://x")
    with pytest.raises(MissingDependency, match="s3"):
        Files("s3://bucket/x")
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError):
        Files(tmp_path / "file")


def test_ids_cannot_be_guessed_or_bent():
    assert len({new_id() for _ in range(100)}) == 100
    assert prefix("video_" + "0" * 32) == f"jobs/video_{'0' * 32}/"
    for bad in ("video_", "../x", "video_" + "0" * 31, "video_" + "0" * 32 + "/..", "other_" + "0" * 32):
        with pytest.raises(InvalidArgument):
            prefix(bad)
