"""A language model behind a URL: asked as the API wants it, believed only where it keeps every word."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from skyloom.errors import GenerationError, InvalidArgument
from skyloom.pipelines.language_model import expand, missing


@pytest.fixture
def server():
    """A server over a real socket that answers what `answer` says and keeps what it was asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.asked.append((self.path, json.loads(body), self.headers.get("Authorization")))
            time.sleep(self.server.delay)
            self.send_response(self.server.status)
            self.end_headers()
            self.wfile.write(self.server.answer)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.status, server.delay, server.answer = [], 200, 0.0, b""
    server.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def says(text):
    return json.dumps({"choices": [{"message": {"content": text}}]}).encode()


def test_a_model_is_asked_and_its_words_are_used(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    server.answer = says("A small fox runs right\n on the beach in clear weather.")
    assert (
        expand("a fox runs right", server.url, "some-model") == "A small fox runs right on the beach in clear weather."
    )
    ((path, body, key),) = server.asked
    assert path == "/v1/chat/completions" and body["model"] == "some-model" and key == "Bearer key"
    assert body["messages"][-1] == {"role": "user", "content": "a fox runs right"}


def test_a_word_that_was_set_is_kept(server):
    server.answer = says("A fox walks.")
    with pytest.raises(GenerationError, match="left out of the prompt: two, red"):
        expand("two red fox walks", server.url)
    assert missing("a Fox on the beach", "the fox, beach") == []


@pytest.mark.parametrize(
    ("answer", "status", "message"),
    [
        (b"{}", 200, "does not answer as an OpenAI-compatible API"),
        (b"<html>", 200, "does not answer as an OpenAI-compatible API"),
        (says("  "), 200, "empty description"),
        (says("a fox"), 401, "answers 401"),
        (says("a fox"), 503, "answers 503"),
    ],
)
def test_strange_answers_are_errors(server, answer, status, message):
    server.answer, server.status = answer, status
    with pytest.raises(GenerationError, match=message):
        expand("a fox", server.url)


def test_silence_is_an_error(server):
    server.delay, server.answer = 0.5, says("a fox")
    with pytest.raises(GenerationError, match=r"within 0.1 seconds|timed out"):
        expand("a fox", server.url, timeout=0.1)
    with pytest.raises(GenerationError, match="cannot be reached"):
        expand("a fox", "http://127.0.0.1:9/v1")


def test_only_web_addresses_are_asked():
    for url in ("file:///etc/passwd", "localhost:8080", "ftp://a", "http://"):
        with pytest.raises(InvalidArgument, match="expand_url must begin with http"):
            expand("a fox", url)
