"""Files that no job needs any more, removed.

What an ended job left in its folder beside its results (its working folder, inputs, parts of a write that was cut),
everything of a deleted job, results past their time. Nothing of a job that waits or runs is touched, nor a character's
clip.
"""

from __future__ import annotations

from skyloom.errors import MediaError
from skyloom.serving import file_objects
from skyloom.serving.files import Files
from skyloom.serving.jobs import ID, prefix
from skyloom.serving.store import Store

AT_ONCE = 500
UNKNOWN_AFTER = 3600.0
"""Seconds after which a folder without a job is nobody's: inputs are stored before their job is."""


def sweep(store: Store, files: Files) -> int:
    """Expire what is past its time, tidy the folder of every job and character; return how many held useless things."""
    store.expire()
    found = [name for name in files.names("jobs/") if ID.fullmatch(name)]
    removed = 0
    for first in range(0, len(found), AT_ONCE):
        ids = found[first : first + AT_ONCE]
        kept = store.kept_files(ids)
        for job_id in ids:
            if job_id in kept:
                removed += _tidy(files, job_id, kept[job_id])
            elif _forgotten(files, job_id):
                files.delete(prefix(job_id))
                removed += 1
    return removed + file_objects.sweep(files, UNKNOWN_AFTER)


def _forgotten(files: Files, job_id: str) -> bool:
    """Tell whether a folder without a job is old enough to be nobody's."""
    try:
        age = files.age(prefix(job_id))
    except MediaError:  # another worker was quicker
        return False
    return age is not None and age > UNKNOWN_AFTER


def tidy(store: Store, files: Files, job_id: str) -> None:
    """Remove what one job no longer needs: everything, if it was deleted."""
    kept = store.kept_files([job_id])
    if job_id in kept:
        _tidy(files, job_id, kept[job_id])
    else:
        files.delete(prefix(job_id))


def _tidy(files: Files, job_id: str, kept: set[str] | None) -> bool:
    """Remove what lies in an ended job's folder and is not kept; tell whether there was anything."""
    folder = prefix(job_id)
    if kept is None:
        return False
    if not kept:
        files.delete(folder)
        return True
    needed = {key.removeprefix(folder).partition("/")[0] for key in kept if key.startswith(folder)}
    useless = [name for name in files.names(folder) if name not in needed]
    for name in useless:
        files.remove(folder, name)
    return bool(useless)
