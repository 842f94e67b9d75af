"""`skyloom work`: make what the server's users ask for.

skyloom work                                              one worker beside `skyloom serve`
skyloom work --store postgresql://sky@db/sky --files s3://bucket/sky      one of many, on any machine
"""

from __future__ import annotations

import json
import logging
import signal
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skyloom.cli import options
from skyloom.errors import InvalidArgument, MissingDependency

if TYPE_CHECKING:
    from skyloom.serving.policy import Policy
    from skyloom.serving.store import Store

StoreOption = Annotated[
    str | None, typer.Option(metavar="URL", help="jobs: an SQLite file or postgresql://...; or SKYLOOM_STORE")
]
FilesOption = Annotated[
    str | None, typer.Option(metavar="DIR", help="files: a folder or a URL such as s3://...; or SKYLOOM_FILES")
]


PicturePolicy = Annotated[
    bool, typer.Option("--picture-policy/--no-picture-policy", help="refuse some pictures, sent or made")
]
PictureClassifier = Annotated[
    str | None, typer.Option(metavar="MODULE:FUNCTION", help="scores a frame from 0 to 1 (unfit), instead of ours")
]


def open_store(url: str | None, lifetime: float | None = None) -> Store:
    """Open the store at a URL, or the default one. Raises MissingDependency, StorageError, InvalidArgument."""
    try:
        from skyloom.serving.places import default_store
        from skyloom.serving.store import Store
    except ModuleNotFoundError as error:
        raise MissingDependency("skyloom[serve]", f"the server ({error.name} is not here)") from error
    return Store.open(url or default_store(), lifetime)


def read_options(text: str) -> dict[str, Any]:
    """Return an engine's options. Raises InvalidArgument for what is no JSON object."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InvalidArgument("engine-options", text, "be a JSON object", "{}")
    return found


def policy_of(prompts: bool, pictures: bool, prompt_classifier: str | None, picture_classifier: str | None) -> Policy:
    """Return what is refused, classifiers found. Raises InvalidArgument, MissingDependency."""
    from skyloom.serving.places import home
    from skyloom.serving.policy import Policy

    return Policy(
        (prompt_classifier or Policy.prompts) if prompts else None,
        (picture_classifier or Policy.pictures) if pictures else None,
        home() / "audit.jsonl",
    ).check()


def work(
    store: StoreOption = None,
    files: FilesOption = None,
    checkpoint: options.Checkpoint = None,
    device: Annotated[str | None, typer.Option(help="cpu or cuda; left out: cpu")] = None,
    engine: Annotated[str, typer.Option(help="module:function that makes things")] = "skyloom.serving.engine:make",
    engine_options: Annotated[str, typer.Option(metavar="JSON", help="what the engine is told by name")] = "{}",
    keep_hours: Annotated[
        float | None, typer.Option(min=0, help="finished files are kept so long; out: for ever")
    ] = 24,
    lease: Annotated[float, typer.Option(help="seconds of silence after which a job goes to another worker")] = 30.0,
    grace: Annotated[float, typer.Option(min=0, help="seconds to finish a job in when asked to stop")] = 20.0,
    picture_policy: PicturePolicy = True,
    picture_classifier: PictureClassifier = None,
    min_free_mb: Annotated[int, typer.Option(min=0, help="with less room on the disk no job is taken")] = 500,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="stop when nothing waits")] = False,
) -> None:
    """Take jobs and make them, one after the other; run as many of these as there are machines or GPUs.

    SIGTERM or Ctrl-C: the job at hand is finished within `--grace`, or handed back where it stands. Killed in any other
    way, another worker goes on from the job's last finished step.
    """
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    opened = open_store(store, None if not keep_hours else keep_hours * 3600)
    from skyloom.serving.engine_process import EngineProcess, find_engine
    from skyloom.serving.files import Files
    from skyloom.serving.places import default_files
    from skyloom.serving.worker import Habits, Worker

    find_engine(engine)
    given: dict[str, Any] = {"checkpoint": checkpoint, "device": device}
    given = read_options(engine_options) | {name: value for name, value in given.items() if value is not None}
    habits = Habits(lease=lease, beat=min(1.0, lease / 5), grace=grace, min_free=min_free_mb * 10**6)
    rules = policy_of(False, picture_policy, None, picture_classifier)
    worker = Worker(opened, Files(files or default_files()), EngineProcess(engine, given), habits, rules)
    asked = {number: signal.signal(number, lambda *_: worker.stop()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        worker.run(until_idle)
    finally:
        for number, before in asked.items():
            signal.signal(number, before)
        opened.close()
