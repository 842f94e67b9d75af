"""`skyloom work` as it is used: started, asked to stop, started again."""

import json
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from serving_parts import text_job
from skyloom import cli
from skyloom.serving.store import Store

REHEARSAL = ["--engine", "skyloom.serving.rehearsal:make", "--min-free-mb", "0"]


def command(tmp_path, *more):
    places = ["--store", str(tmp_path / "jobs.db"), "--files", str(tmp_path / "files")]
    return ["work", *places, *REHEARSAL, *more]


@pytest.fixture
def store(tmp_path):
    opened = Store.open(tmp_path / "jobs.db")
    yield opened
    opened.close()


def test_a_worker_asked_to_stop_hands_back_and_the_next_goes_on(store, tmp_path):
    job = store.add(text_job())
    slow = command(tmp_path, "--grace", "0", "--engine-options", json.dumps({"step_seconds": 0.3}))
    process = subprocess.Popen([sys.executable, "-m", "skyloom", *slow], stderr=subprocess.PIPE)
    until = time.monotonic() + 120
    while store.get(job.id, "local").progress < 20:
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, words = process.communicate(timeout=60)
    assert process.returncode == 0, words.decode()
    handed_back = store.get(job.id, "local")
    assert (handed_back.status, handed_back.attempts) == ("queued", 0) and handed_back.progress >= 20
    quick = command(tmp_path, "--until-idle", "--engine-options", '{"step_seconds": 0.0}', "--keep-hours", "1")
    result = CliRunner().invoke(cli.app, quick)
    assert result.exit_code == 0, result.output
    done = store.get(job.id, "local")
    assert done.status == "completed" and done.expires_at == pytest.approx(done.completed_at + 3600, abs=2)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--engine", "nowhere:make"], "engine must be module:function"),
        (["--engine-options", "[1]"], "engine-options must be a JSON object"),
        (["--store", "mysql://x"], "store must be a path"),
        (["--lease", "0"], "lease must be at least three beats"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(tmp_path, more, told):
    result = CliRunner().invoke(cli.app, command(tmp_path, "--until-idle", *more))
    assert result.exit_code == 2 and told in result.stderr
