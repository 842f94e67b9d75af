"""A Postgres server of one's own, for as long as it is needed.

    with postgres_server() as url: ...

Uses the programs on this machine (on the PATH, or where Debian puts them); needs no service and no password: it
listens on a socket in a temporary folder alone. Postgres does not run as root, so root lends it another user.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

USERS = ("postgres", "nobody")


def program(name: str) -> Path | None:
    """Return where a program of Postgres is, None if it is not here."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(map(str, places)))
    return Path(found).resolve() if found else None


def available() -> bool:
    """Tell whether a server can be started here."""
    return all(program(name) for name in ("initdb", "pg_ctl"))


@contextmanager
def postgres_server() -> Generator[str]:
    """Start a server; give the URL of an empty database; stop and remove it in the end."""
    with TemporaryDirectory(prefix="skyloom-pg-", dir="/tmp") as name:
        folder = Path(name)
        user = _lend(folder)
        _run(user, "initdb", "-D", f"{folder}/data", "-U", "skyloom", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
        options = f"-k {folder} -c listen_addresses='' -c shared_buffers=32MB -c max_connections=200"
        _run(user, "pg_ctl", "-D", f"{folder}/data", "-l", f"{folder}/log", "-o", options, "-w", "start")
        try:
            yield f"postgresql://skyloom@/postgres?host={folder}"
        finally:
            _run(user, "pg_ctl", "-D", f"{folder}/data", "-m", "immediate", "-w", "stop")


def _lend(folder: Path) -> str | None:
    """Return the user that runs the server, who then owns the folder; None is the one who asks."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    user = next(name for name in USERS if name in known)
    shutil.chown(folder, user)
    return user


def _run(user: str | None, name: str, *arguments: str) -> None:
    command: Sequence[str] = [str(program(name)), *arguments]
    done = subprocess.run(command, user=user, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise RuntimeError(f"{name} ended with {done.returncode}: {done.stderr[-500:]}")
