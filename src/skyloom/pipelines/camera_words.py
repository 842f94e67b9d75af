"""Camera paths by word, as numbers.

Pan and tilt are in views a second (right and up positive), zoom in doublings a second, all at the world's usual speed.
"""

from __future__ import annotations

CAMERAS: dict[str, dict[str, float]] = {
    "still": {"pan": 0.0, "tilt": 0.0, "zoom": 0.0},
    "pan left": {"pan": -0.12},
    "pan right": {"pan": 0.12},
    "tilt up": {"tilt": 0.09},
    "tilt down": {"tilt": -0.09},
    "zoom in": {"zoom": 0.25},
    "zoom out": {"zoom": -0.25},
}
