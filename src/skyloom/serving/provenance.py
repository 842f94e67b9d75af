"""What `skyloom.provenance.verify` finds, as the client reads it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from starlette.datastructures import UploadFile

from skyloom.serving.errors import ApiError


def results(upload: Any, max_bytes: int) -> list[dict[str, Any]]:
    """Return the findings about an uploaded file, one for each kind of sign. Raises ApiError."""
    if not isinstance(upload, UploadFile):
        raise ApiError(400, "file must be a file.", code="invalid_file", param="file")
    from skyloom.provenance.verify import verify  # ty: ignore[import-not-found]

    with tempfile.TemporaryDirectory(prefix="skyloom-verify-") as folder:
        path = Path(folder) / "file"
        with path.open("wb") as out:
            shutil.copyfileobj(upload.file, out)
        if path.stat().st_size > max_bytes:
            raise ApiError(413, f"The file may have {max_bytes} bytes.", code="file_too_large", param="file")
        return verify(path)
