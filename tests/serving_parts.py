"""Stores and jobs for tests of serving."""

import os
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))

from postgres import available, postgres_server
from skyloom.serving.jobs import new_job


@contextmanager
def some_postgres():
    """The URL of a Postgres database: SKYLOOM_POSTGRES, or a server started here."""
    if os.environ.get("SKYLOOM_POSTGRES"):
        yield os.environ["SKYLOOM_POSTGRES"]
    elif available():
        with postgres_server() as url:
            yield url
    else:
        pytest.skip("no Postgres here: set SKYLOOM_POSTGRES to the URL of an empty database")


def emptied(store):
    with store.writing() as connection:
        for table in ("jobs", "retries", "keys", "characters"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    return store


def text_job(prompt="a fox", **fields):
    return new_job({"task": "text", "prompt": prompt, "settings": {}, "inputs": {}}, prompt=prompt, **fields)
