"""The programs of docs/videos-api.md, as they stand there: only the base URL is told, from outside."""

import gc
import re
from pathlib import Path

import pytest

from api_server import serving

pytest.importorskip("openai")
PAGE = Path(__file__).parent.parent / "docs" / "videos-api.md"
PROGRAMS = re.findall(r"^## (.+?)\n(?:(?!^## ).)*?^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
MADE = {
    "Make, wait, fetch": {"fox.mp4": b"ftyp", "fox.webp": b"WEBP", "fox.jpg": b"\xff\xd8"},
    "Begin with a picture": {"ball.png": b"PNG"},
    "Remix, edit, go on, name a character": {"dog.mp4": b"ftyp"},
    "Many at once": {},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("docs")) as running:
        yield running


@pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # programs end without closing
@pytest.mark.parametrize(("title", "program"), PROGRAMS, ids=[title for title, _ in PROGRAMS])
def test_an_old_program_works_again(server, tmp_path, monkeypatch, capsys, title, program):
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.chdir(tmp_path)
    exec(compile(program, title, "exec"), {"__name__": "__main__"})
    gc.collect()
    for name, magic in MADE[title].items():
        assert magic in (tmp_path / name).read_bytes()[:16]
    assert "failed" not in capsys.readouterr().out


def test_all_programs_are_there():
    assert [title for title, _ in PROGRAMS] == list(MADE)
