"""Where jobs and files are kept when nobody says where."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """Return the user's own folder for what Skyloom keeps (XDG_DATA_HOME, else ~/.local/share)."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "skyloom"


def default_store() -> str:
    """Return the default store: SKYLOOM_STORE, else an SQLite file."""
    return os.environ.get("SKYLOOM_STORE") or str(home() / "jobs.db")


def default_files() -> str:
    """Return the default file store: SKYLOOM_FILES, else a folder."""
    return os.environ.get("SKYLOOM_FILES") or str(home() / "files")
