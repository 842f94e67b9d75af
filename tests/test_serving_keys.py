"""Keys and limits: a secret opens, its hash is all that is kept, and nobody calls more often than allowed."""

import re

import pytest
from typer.testing import CliRunner

from skyloom import cli
from skyloom.errors import InvalidArgument
from skyloom.serving.jobs import Limits
from skyloom.serving.limits import RateLimiter
from skyloom.serving.store import Store


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("SKYLOOM_STORE", str(tmp_path / "jobs.db"))
    opened = Store.open(tmp_path / "jobs.db")
    yield opened
    opened.close()


def run(*arguments):
    return CliRunner().invoke(cli.app, ["keys", *map(str, arguments)])


def test_a_secret_opens_until_it_is_revoked(store, tmp_path):
    assert not store.has_keys()
    public_id, secret = store.add_key("studio", Limits(active_jobs=2))
    other, another_secret = store.add_key("other")
    key = store.check_key(secret)
    assert (key.owner, key.name, key.limits.active_jobs) == (public_id, "studio", 2)
    for wrong in ("", "sk-skyloom-", secret[:-1], secret + "x", public_id, "\udcff", "' OR 1=1"):
        assert store.check_key(wrong) is None
    assert store.revoke_key(public_id) and not store.revoke_key(public_id)
    assert store.check_key(secret) is None and store.check_key(another_secret).owner == other
    store.revoke_key(other)
    assert store.has_keys()
    with pytest.raises(InvalidArgument, match="nearest: key_"):
        store.revoke_key(public_id[:-1])
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("jobs.db*"))
    assert secret.encode() not in stored and public_id.encode() in stored


def test_names_and_limits_are_checked(store):
    for name in ("", "x" * 81, "a\nb"):
        with pytest.raises(InvalidArgument, match="name"):
            store.add_key(name)
    with pytest.raises(InvalidArgument, match="active_jobs must be at least 1"):
        Limits(active_jobs=0)


def test_the_command_makes_lists_and_revokes(store):
    made = run("create", "studio [red]", "--active-jobs", 3, "--requests-per-minute", 0)
    assert made.exit_code == 0, made.output
    secret = made.stdout.strip()
    key = store.check_key(secret)
    assert key.limits == Limits(None, 3, 20 * 10**9) and key.name == "studio [red]"
    assert key.public_id in made.stderr and secret not in made.stderr
    listed = run("list")
    assert key.public_id in listed.stdout and "any" in listed.stdout and secret not in listed.stdout
    assert "is revoked" in run("revoke", key.public_id).stdout
    assert "was revoked before" in run("revoke", key.public_id).stdout
    assert store.check_key(secret) is None and "revoked" in run("list").stdout
    wrong = run("revoke", "key_0")
    assert wrong.exit_code == 2 and re.search("must be the id of a key", wrong.stderr)


def test_bursts_pass_and_the_rate_holds():
    now = [100.0]
    limiter = RateLimiter(lambda: now[0])
    assert [limiter.wait("a", 60) for _ in range(60)] == [0.0] * 60
    assert limiter.wait("a", 60) == pytest.approx(1.0) and limiter.wait("b", 60) == 0.0
    now[0] += 0.75
    assert limiter.wait("a", 60) == pytest.approx(0.25)
    now[0] += 0.25
    assert limiter.wait("a", 60) == 0.0 and limiter.wait("a", 60) == pytest.approx(1.0)
    passed = 0
    for _ in range(6000):
        now[0] += 0.1
        passed += limiter.wait("a", 60) == 0.0
    assert passed == pytest.approx(600, abs=1)
    assert all(limiter.wait("a", None) == 0.0 for _ in range(1000))


def test_idle_owners_are_forgotten(monkeypatch):
    monkeypatch.setattr("skyloom.serving.limits.FORGET_ABOVE", 10)
    now = [0.0]
    limiter = RateLimiter(lambda: now[0])
    for number in range(50):
        now[0] += 100
        limiter.wait(str(number), 60)
    assert len(limiter.full_at) <= 11
