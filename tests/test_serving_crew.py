"""Workers as child processes, and the command that serves."""

import os
import signal
import subprocess
import sys
import time

import httpx2
import pytest
from rich.console import Console

from skyloom.cli.serve import allowed_host, bound, is_loopback, worker_command
from skyloom.errors import InvalidArgument
from skyloom.serving.crew import FIRST_WAIT, LONGEST_WAIT, Crew, Seat
from skyloom.serving.policy import OFF, Policy
from skyloom.serving.store import Store

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)",
]


def until(true, seconds=20):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_a_killed_worker_is_replaced_and_all_stop():
    crew = Crew(SLEEPER, 2)
    crew.start()
    until(lambda: all(seat.process for seat in crew.seats))
    first = crew.seats[0].process
    first.kill()
    until(lambda: crew.seats[0].process not in (first, None))
    crew.stop(10)
    assert all(seat.process.returncode == -signal.SIGTERM for seat in crew.seats)


def test_a_worker_that_does_not_stop_is_killed():
    crew = Crew(STUBBORN, 1)
    crew.start()
    until(lambda: crew.seats[0].process)
    time.sleep(0.5)
    crew.stop(0.2)
    assert crew.seats[0].process.returncode in (-signal.SIGKILL, -signal.SIGTERM)


def test_a_worker_is_asked_to_stop_once(tmp_path):
    """Whoever is asked twice hands its job back at once."""
    said = tmp_path / "said"
    code = f"""
import signal, sys, time
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
open({str(said)!r}, "w").close()
while not asked: time.sleep(0.05)
time.sleep(0.5)
open({str(said)!r}, "w").write(str(len(asked)))
"""
    crew = Crew([sys.executable, "-c", code], 1)
    crew.start()
    until(said.exists)
    crew.stop(10)
    assert said.read_text() == "1"


def test_one_that_dies_at_once_waits_longer_and_longer():
    now = [0.0]
    crew = Crew([sys.executable, "-c", ""], 0, clock=lambda: now[0])
    seat, waits = Seat(at=0.0), []
    for _ in range(9):
        crew.look_after(seat)
        seat.process.wait()
        crew.look_after(seat)
        waits.append(seat.wait)
        now[0] = seat.at
    assert waits == [min(FIRST_WAIT * 2**k, LONGEST_WAIT) for k in range(9)]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_workers_end_with_a_killed_parent():
    code = f"""
import sys, time
from skyloom.serving.crew import Crew
crew = Crew({SLEEPER!r}, 1)
crew.start()
while crew.seats[0].process is None: time.sleep(.01)
print(crew.seats[0].process.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())
        time.sleep(0.2)
        parent.kill()
    until(lambda: not alive(child))


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Keys:
    def __init__(self, any_keys):
        self.any_keys = any_keys

    def has_keys(self):
        return self.any_keys


def test_without_keys_only_this_machine_is_served_and_it_says_so(capsys):
    console = Console(stderr=True, width=200)
    assert allowed_host("0.0.0.0", Keys(False), console) == "127.0.0.1"
    assert "listening on 127.0.0.1 instead of 0.0.0.0" in capsys.readouterr().err
    assert allowed_host("::1", Keys(False), console) == "::1"
    assert "only this machine" in capsys.readouterr().err
    assert allowed_host("0.0.0.0", Keys(True), console) == "0.0.0.0"
    assert [is_loopback(host) for host in ("127.0.0.9", "localhost", "::1", "0.0.0.0", "example.org")] == [
        True, True, True, False, False,
    ]  # fmt: skip


def test_a_port_in_use_is_told():
    with bound("127.0.0.1", 0) as taken, pytest.raises(InvalidArgument, match="port that is free"):
        bound("127.0.0.1", taken.getsockname()[1])


def test_a_worker_is_told_what_the_server_was_but_no_url():
    command = worker_command("nano", None, "a:b", 24, 20, OFF)
    assert command[1:] == [
        "-m",
        "skyloom",
        "work",
        "--checkpoint",
        "nano",
        "--engine",
        "a:b",
        "--keep-hours",
        "24",
        "--grace",
        "20",
        "--no-picture-policy",
    ]
    judged = worker_command(None, None, None, 24, 20, Policy(pictures="a:b"))
    assert judged[-2:] == ["--picture-classifier", "a:b"]


def test_serve_makes_a_video_from_one_command_and_stops_gently(tmp_path):
    with bound("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "skyloom", "serve", "--port", str(port), "--store", str(tmp_path / "jobs.db")]
    command += ["--files", str(tmp_path / "files"), "--engine", "skyloom.serving.rehearsal:make", "--no-policy"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "200"}) as server:
        url = f"http://127.0.0.1:{port}"
        until(lambda: answers(f"{url}/healthz"), 60)
        video = httpx2.post(f"{url}/v1/videos", json={"prompt": "a fox", "seconds": "2"}).json()
        until(lambda: httpx2.get(f"{url}/v1/videos/{video['id']}").json()["status"] == "completed", 60)
        assert httpx2.get(f"{url}/v1/videos/{video['id']}/content").content[4:8] == b"ftyp"
        long = {"prompt": "a cat", "num_inference_steps": 40}
        video = httpx2.post(f"{url}/v1/videos", json=long).json()
        until(lambda: httpx2.get(f"{url}/v1/videos/{video['id']}").json()["status"] == "in_progress", 60)
        server.terminate()
        assert server.wait(40) == 0
        store = Store.open(tmp_path / "jobs.db")
        assert store.get(video["id"], "local").status == "completed"
        store.close()
        said = server.communicate(timeout=40)[1]
    assert f"{url}/v1" in said and "only this machine" in said and "not checked" in said


def answers(url):
    try:
        return httpx2.get(url).status_code == 200
    except httpx2.HTTPError:
        return False
