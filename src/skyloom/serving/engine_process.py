"""An engine in a process of its own.

A job may kill what makes it: by memory, by a bug in a library. It then kills the engine's process alone; the worker
lives on, knows which job it was and why, and starts another. The two speak through a pipe: an order goes in; percents
come out, each answered with go on or stop; then what was made, or why not. Either one's death is seen by the other.
"""

from __future__ import annotations

import ctypes
import importlib
import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from skyloom.errors import InvalidArgument, SkyloomError, StorageError
from skyloom.serving.files import is_full
from skyloom.serving.jobs import Engine, Stopped

PR_SET_PDEATHSIG = 1
SECONDS_TO_DIE = 10.0
"""After an engine's last word, until it is killed."""


class Word(NamedTuple):
    """What an engine says.

    kind: "progress" (value: percent), "made" (value: a dict), "stopped", "failed" (value: code and message, final),
    or "died" (value: code and message; worth another try).
    """

    kind: str
    value: Any = None


def find_engine(name: str) -> Engine:
    """Import an engine by "module:function". Raises InvalidArgument."""
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise InvalidArgument("engine", name, f"be module:function that can be imported ({error})") from error
    if not callable(found):
        raise InvalidArgument("engine", name, "be a function")
    return found


class EngineProcess:
    """One engine, started when first needed and again after it died. `options` are passed to the engine by name."""

    def __init__(self, name: str, options: Mapping[str, Any] | None = None) -> None:
        self.name, self.options = name, dict(options or {})
        self.process: Any = None
        self.pipe: Connection | None = None

    def begin(self, order: Mapping[str, Any], inputs: Mapping[str, Path], folder: Path) -> None:
        """Give it a job; what it says comes from `hear`."""
        if self.process is None or not self.process.is_alive():
            self._start()
        self._say((dict(order), dict(inputs), folder))

    def _start(self) -> None:
        self.end()
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        arguments = (self.name, self.options, theirs, os.getpid())
        self.process = context.Process(target=_serve, args=arguments, daemon=True, name="skyloom-engine")
        self.process.start()
        theirs.close()

    def hear(self, seconds: float) -> Word | None:
        """Wait for a word; None when there was none for so long."""
        assert self.pipe is not None
        try:
            return self.pipe.recv() if self.pipe.poll(seconds) else None
        except (EOFError, OSError):
            self.process.join(SECONDS_TO_DIE)
            status = self.process.exitcode
            self.end()
            return Word("died", ("worker_died", _last_words(status)))

    def answer(self, go_on: bool) -> None:
        """Answer a percent."""
        self._say(go_on)

    def _say(self, what: Any) -> None:
        """Write into the pipe; that nobody reads any more is heard by `hear`."""
        assert self.pipe is not None
        with suppress(OSError):
            self.pipe.send(what)

    def end(self) -> None:
        """Kill it, whatever it is doing."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process.close()
        if self.pipe is not None:
            self.pipe.close()
        self.process = self.pipe = None


def _last_words(code: int | None) -> str:
    """Return how a process ended, in words."""
    if code is None:
        return "the process that made it fell silent"
    if code >= 0:
        return f"the process that made it ended with status {code}"
    name = signal.Signals(-code).name if -code in signal.valid_signals() else str(-code)
    hint = "; out of memory?" if -code == signal.SIGKILL else ""
    return f"the process that made it was killed by {name}{hint}"


def _serve(name: str, options: dict[str, Any], pipe: Connection, parent: int) -> None:
    """Run in the engine's process: make one order after the other until the pipe closes."""
    _die_with(parent)
    for number in (signal.SIGINT, signal.SIGTERM):  # a service manager asks all processes; the worker decides
        signal.signal(number, signal.SIG_IGN)
    try:
        engine = find_engine(name)
        while True:
            order, inputs, folder = pipe.recv()
            pipe.send(_make(engine, options, order, inputs, folder, pipe))
    except (EOFError, OSError):
        return


def _make(
    engine: Any, options: dict[str, Any], order: dict[str, Any], inputs: dict[str, Path], folder: Path, pipe: Connection
) -> Word:
    """Run the engine once; return its last word."""

    def on_progress(percent: int) -> bool:
        pipe.send(Word("progress", min(max(int(percent), 0), 99)))
        return pipe.recv()

    try:
        return Word("made", engine(order, inputs, folder, on_progress, **options))
    except Stopped:
        return Word("stopped")
    except SkyloomError as error:
        return _told(error, folder, inputs)
    except MemoryError:
        return Word("died", ("out_of_memory", "there was not enough memory to make it"))
    except Exception as error:
        if isinstance(error, OSError) and is_full(error):
            return Word("died", ("storage_full", "there was no room on the disk"))
        if isinstance(error, EOFError | BrokenPipeError):
            raise
        print(traceback.format_exc(), file=sys.stderr, flush=True)
        return Word("failed", ("internal_error", f"it could not be made ({type(error).__name__})"))


def _told(error: SkyloomError, folder: Path, inputs: Mapping[str, Path]) -> Word:
    """Return our own error, without this machine's paths in it."""
    text = str(error)
    for path, name in [*((path, name) for name, path in inputs.items()), (folder, "")]:
        text = text.replace(str(path), name)
    if isinstance(error, StorageError) or "No space left" in text:
        return Word("died", ("storage_full", text))
    kinds = {"InvalidArgument": "invalid_value", "MediaError": "invalid_media", "GenerationError": "generation_failed"}
    return Word("failed", (kinds.get(type(error).__name__, "internal_error"), text))


def _die_with(parent: int) -> None:
    """Have this process killed when its parent ends (Linux; elsewhere the closed pipe is noticed a step later)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
