"""Pictures and videos that come with a request, brought into the file store.

Each is judged by its content and re-encoded by `skyloom.serving.uploads` before anything else reads it; a file made
here is copied as it is, so that deleting the original does no harm to what is made from it. Nothing of a name that came
with a file is used.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from starlette.datastructures import UploadFile

from skyloom.errors import MediaError
from skyloom.serving import file_objects
from skyloom.serving.answers import seconds_of, size_of
from skyloom.serving.errors import ApiError, missing
from skyloom.serving.files import Files
from skyloom.serving.jobs import ID, Job
from skyloom.serving.moderation import Refusal
from skyloom.serving.offers import parse_size
from skyloom.serving.settings import Settings
from skyloom.serving.store import Store

CHUNK = 1 << 20


@dataclass(frozen=True)
class Source:
    """One input in the file store. seconds: of a video, 0 for a picture. job: what made it, if made here.

    name: of a character.
    """

    key: str
    kind: str
    width: int
    height: int
    seconds: float = 0.0
    job: Job | None = None
    name: str = ""


@dataclass
class Intake:
    """Brings one request's references in, under `prefix`. digests: what came, to know a repeated request by."""

    store: Store
    files: Files
    owner: str
    prefix: str
    settings: Settings
    digests: list[str] = field(default_factory=list)

    def take(
        self, name: str, reference: Any, kinds: tuple[str, ...] = ("image", "video"), param: str | None = None
    ) -> Source:
        """Store what a reference stands for as the input `name`. Raises ApiError about the parameter `param`."""
        try:
            found = self._found(name, reference)
        except ApiError as error:
            error.param = param or name
            raise
        if found.kind not in kinds:
            wanted = " or ".join({"image": "a picture", "video": "a video"}[kind] for kind in kinds)
            raise ApiError(400, f"{param or name} must be {wanted}.", code="invalid_file", param=param or name)
        return found

    def _found(self, name: str, reference: Any) -> Source:
        if isinstance(reference, UploadFile):
            with self._folder() as folder:
                return self._checked(name, self._spooled(reference.file, folder), folder)
        text = reference if isinstance(reference, str) else str(next(iter(reference.values())))
        if ID.fullmatch(text):
            known = {"file": self._stored, "character": self._character}
            return known.get(text.partition("_")[0], self._made)(name, text)
        if text.startswith("data:"):
            with self._folder() as folder:
                return self._checked(name, self._decoded(text, folder), folder)
        if text.startswith(("http://", "https://")):
            with self._folder() as folder:
                return self._checked(name, self._fetched(text, folder), folder)
        raise missing("file", text[:100])

    @contextmanager
    def _folder(self) -> Generator[Path]:
        with tempfile.TemporaryDirectory(prefix="skyloom-upload-") as folder:
            yield Path(folder)

    def _spooled(self, stream: BinaryIO, folder: Path) -> Path:
        """Copy an upload to a file of ours, up to the size allowed."""
        path = folder / "upload"
        stream.seek(0)
        with path.open("wb") as out:
            shutil.copyfileobj(stream, out, CHUNK)
        return self._sized(path)

    def _decoded(self, url: str, folder: Path) -> Path:
        """Write the content of a data URL to a file of ours."""
        head, comma, body = url.partition(",")
        path = folder / "upload"
        try:
            if not comma or not head.endswith(";base64"):
                raise ValueError("not base64")
            path.write_bytes(base64.b64decode(body, validate=True))
        except (ValueError, binascii.Error):
            message = "A data URL must be in base64, like data:image/png;base64,..."
            raise ApiError(400, message, code="invalid_file") from None
        return self._sized(path)

    def _fetched(self, url: str, folder: Path) -> Path:
        """Fetch a URL into a file of ours, where the server may."""
        from skyloom.serving.fetch import fetch
        from skyloom.serving.uploads import InvalidUpload

        try:
            may, most = self.settings.fetch_urls, self.settings.max_upload_bytes
            return self._sized(fetch(url, folder / "upload", allowed=may, max_bytes=most))
        except InvalidUpload as error:
            if error.code == "url_not_allowed":
                found = Refusal(error.code, "url", error.message)
                self.settings.policy.noted("url", found, hashlib.sha256(url.encode()).hexdigest(), self.owner, "url")
            raise ApiError(400, error.message, code=error.code) from None

    def _sized(self, path: Path) -> Path:
        size = path.stat().st_size
        most = self.settings.max_upload_bytes
        if size > most:
            raise ApiError(413, f"The file has {size} bytes, {most} are allowed.", code="file_too_large")
        with path.open("rb") as file:
            self.digests.append(hashlib.file_digest(file, "sha256").hexdigest())
        return path

    def _checked(self, name: str, path: Path, folder: Path) -> Source:
        """Judge and re-encode a file, and store what came out unless the policy refuses it."""
        from skyloom.serving.uploads import InvalidUpload, check_upload

        try:
            upload = check_upload(path)
        except InvalidUpload as error:
            raise ApiError(400, error.message, code=error.code) from None
        refused = self.settings.policy.of_file(upload.path, "input", self.owner, name)
        if refused is not None:
            raise ApiError(400, refused.message, code=refused.code)
        key = f"{self.prefix}inputs/{name}{upload.path.suffix}"
        self.files.put(key, upload.path, move=True)
        return Source(key, upload.kind, upload.width, upload.height, upload.seconds or 0.0)

    def _stored(self, name: str, file_id: str) -> Source:
        """Copy a file that was kept by an earlier call, and judged then."""
        about = file_objects.find(self.files, self.owner, file_id)
        if about is None:
            raise missing("file", file_id)
        key = f"{self.prefix}inputs/{name}{Path(about['key']).suffix}"
        self._copied(about["key"], key, file_id)
        return Source(key, about["kind"], about["width"], about["height"], about["seconds"])

    def _made(self, name: str, job_id: str) -> Source:
        """Copy what an earlier job made."""
        job = ended(self.store, job_id, self.owner)
        variant = "video" if job.kind == "video" else "image-0"
        if variant not in job.files:
            raise ApiError(404, f"{job_id} has expired.", code="expired")
        source = job.files[variant]
        key = f"{self.prefix}inputs/{name}{Path(source).suffix}"
        self._copied(source, key, job_id)
        height, width = parse_size(size_of(job))
        return Source(key, job.kind, width, height, float(seconds_of(job)), job)

    def _character(self, name: str, character_id: str) -> Source:
        """Copy a character's clip."""
        found = self.store.get_character(character_id, self.owner)
        if found is None:
            raise missing("character", character_id)
        key = f"{self.prefix}inputs/{name}{Path(found['file_key']).suffix}"
        self._copied(found["file_key"], key, character_id)
        return Source(key, "video", 0, 0, name=found["name"])

    def _copied(self, source: str, key: str, identity: str) -> None:
        """Copy a file that is kept here. Raises ApiError 404 where it was removed meanwhile."""
        self.digests.append(identity)
        try:
            self.files.copy(source, key)
        except MediaError:
            raise missing(identity.partition("_")[0], identity) from None


def ended(store: Store, job_id: str, owner: str) -> Job:
    """Return one's own completed job. Raises ApiError: 404 for none and another's, 400 for an unfinished one."""
    job = store.get(job_id, owner)
    if job is None:
        raise missing(job_id.partition("_")[0], job_id)
    if job.status != "completed":
        shown = "failed" if job.status == "cancelled" else job.status
        raise ApiError(400, f"{job_id} must be completed, it is {shown}.", code="not_completed")
    return job
