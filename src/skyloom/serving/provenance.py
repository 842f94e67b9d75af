"""What `skyloom verify` finds in an uploaded file, as the client reads it.

The file is looked at by the command itself, in a process of its own with limits of time and memory: what a stranger
sends is not decoded here.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.datastructures import UploadFile

from skyloom.serving.errors import ApiError

SECONDS, MEMORY = 60, 4 << 30
AT_A_TIME = threading.BoundedSemaphore(2)
STATES = {"trusted": "trusted", "valid": "valid", "broken": "invalid", "none": "not_present"}
ENDINGS = {
    b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"GIF8": ".gif", b"RIFF": ".webp", b"\x1aE\xdf\xa3": ".webm",
}  # fmt: skip


def results(upload: Any, max_bytes: int) -> list[dict[str, Any]]:
    """Return the findings about an uploaded file, one for each kind of sign. Raises ApiError."""
    if not isinstance(upload, UploadFile):
        raise ApiError(400, "file must be a file.", code="invalid_file", param="file")
    with tempfile.TemporaryDirectory(prefix="skyloom-verify-") as folder:
        path = Path(folder) / f"file{_ending(upload)}"
        with path.open("wb") as out:
            shutil.copyfileobj(upload.file, out)
        if path.stat().st_size > max_bytes:
            raise ApiError(413, f"The file may have {max_bytes} bytes.", code="file_too_large", param="file")
        with AT_A_TIME:
            return findings(_looked_at(path))


def _ending(upload: UploadFile) -> str:
    """Return the ending that a file's content deserves; whatever it was called."""
    upload.file.seek(0)
    head = upload.file.read(4)
    upload.file.seek(0)
    return next((ending for start, ending in ENDINGS.items() if head.startswith(start)), ".mp4")


def _looked_at(path: Path) -> Mapping[str, Any]:
    """Run the command on a file and return its report. Raises ApiError where it cannot be read."""
    command = [sys.executable, "-m", "skyloom", "verify", str(path), "--json"]
    refused = ApiError(400, "The file is no picture or video that can be read.", code="invalid_file", param="file")
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, preexec_fn=_limited, check=False)
    except subprocess.TimeoutExpired:
        raise refused from None
    if done.returncode not in (0, 1) or not done.stdout.strip():
        raise refused
    return json.loads(done.stdout)


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


def findings(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a report as the client reads it; the marks are kinds of our own."""
    manifest, mark = report["manifest"], report["invisible_mark"]
    made = manifest["generation"]
    signed = {
        "type": "c2pa", "outcome": _outcome(manifest["state"] in ("trusted", "valid")),
        "validation_state": STATES[manifest["state"]], "issuer": manifest["signer"], "model": made.get("model"),
        "generated_at": made.get("created_at"), "program": manifest["program"], "problems": manifest["problems"],
        "ingredients": manifest["ingredients"], "checkpoint_sha256": made.get("checkpoint_sha256"),
    }  # fmt: skip
    told = {name: mark[name] for name in ("score", "threshold", "payload", "agrees_with_manifest")}
    invisible = {"type": "invisible_mark", "outcome": _outcome(mark["found"]), **told}
    visible = {"type": "visible_mark", "outcome": _outcome(bool(report["visible_mark"]))}
    return [signed, invisible, visible]


def _outcome(found: bool) -> str:
    return "detected" if found else "not_detected"
