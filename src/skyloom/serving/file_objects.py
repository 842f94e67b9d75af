"""Files that callers keep here, named by id in later calls.

Each lies under "uploads/OWNER/ID/" in the file store: the picture or film as it was made anew, and `about.json`, which
is written last and read first. They count against what their owner may store, and stay until deleted or expired.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

from skyloom.errors import MediaError, QuotaExceeded
from skyloom.serving.files import Files
from skyloom.serving.jobs import ID, Limits

ROOT = "uploads/"
ABOUT = "about.json"


def place(owner: str, file_id: str) -> str:
    """Return where a file lies."""
    return f"{ROOT}{owner}/{file_id}/"


def keep(files: Files, owner: str, file_id: str, about: dict[str, Any]) -> dict[str, Any]:
    """Write what is known of a file whose content is in its place; from then on it is there."""
    with tempfile.TemporaryDirectory(prefix="skyloom-about-") as folder:
        path = Path(folder) / ABOUT
        path.write_text(json.dumps(about))
        files.put(place(owner, file_id) + ABOUT, path)
    return about


def find(files: Files, owner: str, file_id: str) -> dict[str, Any] | None:
    """Return what is known of one's own file; None for another's, for none, and for one past its time."""
    about = _read(files, owner, file_id) if ID.fullmatch(file_id) and file_id.startswith("file_") else None
    return None if about is None or past(about) else about


def _read(files: Files, owner: str, file_id: str) -> dict[str, Any] | None:
    try:
        with files.open(place(owner, file_id) + ABOUT) as file:
            return json.load(file)
    except MediaError:
        return None


def listed(files: Files, owner: str) -> list[dict[str, Any]]:
    """Return all of one's files, the oldest first."""
    found = (find(files, owner, name) for name in files.names(f"{ROOT}{owner}/"))
    return sorted((about for about in found if about is not None), key=lambda about: about["order"])


def check_room(files: Files, owner: str, limits: Limits, other_bytes: int) -> None:
    """Raise QuotaExceeded for an owner whose files, with the `other_bytes` kept here, are as many as allowed."""
    if limits.stored_bytes is not None:
        used = other_bytes + sum(about["bytes"] for about in listed(files, owner))
        if used >= limits.stored_bytes:
            raise QuotaExceeded("stored bytes", used, limits.stored_bytes)


def past(about: dict[str, Any]) -> bool:
    """Tell whether a file is past its time."""
    return about["expires_at"] is not None and about["expires_at"] < time.time()


def sweep(files: Files, unknown_after: float) -> int:
    """Remove files past their time, and what was put in a place but never kept; return how many."""
    removed = 0
    for owner in files.names(ROOT):
        for name in files.names(f"{ROOT}{owner}/"):
            about = _read(files, owner, name)
            if past(about) if about is not None else _forgotten(files, owner, name, unknown_after):
                files.delete(place(owner, name))
                removed += 1
    return removed


def _forgotten(files: Files, owner: str, name: str, unknown_after: float) -> bool:
    """Tell whether a place is old and holds nothing that was kept."""
    try:
        age = files.age(place(owner, name))
    except MediaError:  # another worker was quicker
        return False
    return age is not None and age > unknown_after and _read(files, owner, name) is None
