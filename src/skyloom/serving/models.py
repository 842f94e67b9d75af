"""Names that `model` may have.

There is one checkpoint behind them all; programs written for the old API name its models, and that is no error.
"""

from __future__ import annotations

import re
from typing import Any

from skyloom.errors import nearest_name
from skyloom.serving.errors import ApiError
from skyloom.serving.offers import Offer

VIDEO_NAMES = ("sora-2", "sora-2-pro")
IMAGE_NAMES = ("gpt-image-1", "dall-e-3")
OLD = re.compile(r"(sora-2|gpt-image-|chatgpt-image-|dall-e-)[a-z0-9.-]*")


def check_model(name: str | None, own: str) -> None:
    """Raise ApiError for a name that is neither ours nor the old API's."""
    if name is not None and name not in ("", own) and not OLD.fullmatch(name):
        nearest = nearest_name(name, (own, *VIDEO_NAMES, *IMAGE_NAMES))
        tail = f"; nearest: {nearest}" if nearest else ""
        raise ApiError(404, f"There is no model {name[:100]!r}{tail}.", code="model_not_found", param="model")


def listed(offer: Offer) -> list[dict[str, Any]]:
    """Return all models as the client reads them, the checkpoint's own name first."""
    return [shown(name, offer) for name in (offer.name, *VIDEO_NAMES, *IMAGE_NAMES)]


def shown(name: str, offer: Offer) -> dict[str, Any]:
    """Return one model."""
    return {"id": name, "object": "model", "created": offer.created, "owned_by": "skyloom"}
