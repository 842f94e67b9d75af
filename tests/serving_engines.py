"""Engines that misbehave, run in processes of their own by the tests of the worker."""

import errno
import os
import signal
import time

import numpy as np

from skyloom.errors import GenerationError, MediaError
from skyloom.serving import rehearsal
from skyloom.serving.jobs import Stopped


def killed(order, inputs, folder, on_progress):
    """Killed for a job that says so, after some steps if it says how many; else a rehearsal."""
    if order["prompt"] == "deadly":
        for percent in range(10, 10 * order["settings"].get("alive", 0) + 1, 10):
            on_progress(percent)
        os.kill(os.getpid(), signal.SIGKILL)
    return rehearsal.make(order, inputs, folder, on_progress, step_seconds=0.0)


def further_each_time(order, inputs, folder, on_progress):
    """Killed after each of three steps."""
    step = 1 + len(list(folder.glob("step-*")))
    if step > 3:
        return rehearsal.make(order, inputs, folder, on_progress, step_seconds=0.0)
    (folder / f"step-{step}").touch()
    on_progress(step * 10)
    return os.kill(os.getpid(), signal.SIGKILL)


def failing(order, inputs, folder, on_progress):
    """Fails in the way the prompt names."""
    if order["prompt"] == "disk":
        raise OSError(errno.ENOSPC, "No space left on device")
    if order["prompt"] == "bug":
        raise KeyError(f"a secret of this machine: {folder}")
    if order["prompt"] == "media":
        raise MediaError(f"cannot read {inputs['video']}: it is empty")
    if order["prompt"] == "lies":
        return {"files": {"video": "nothing.mp4"}}
    raise GenerationError("the video is blank")


def slow(order, inputs, folder, on_progress):
    """A hundred steps of a twentieth of a second; stops when told, unless the prompt is deaf."""
    for percent in range(100):
        time.sleep(0.05)
        (folder / "begun").touch()
        if not on_progress(percent) and order["prompt"] != "deaf":
            raise Stopped
    return {"files": {}}


def hanging(order, inputs, folder, on_progress):
    """Never says anything."""
    time.sleep(3600)


def unreadable_preview(order, inputs, folder, on_progress):
    """Shows what is no picture, and makes its video all the same."""
    (folder / "preview.webp").write_bytes(b"no picture")
    one = order | {"settings": {"num_inference_steps": 1}}
    return rehearsal.make(one, inputs, folder, on_progress, step_seconds=0.3)


def noisy(order, inputs, folder, on_progress):
    """Files of incompressible size."""
    (folder / "video.mp4").write_bytes(np.random.default_rng(0).bytes(1000))
    return {"files": {"video": "video.mp4"}}
