"""Every name the world has a picture or a law for."""

from __future__ import annotations

PLACES = (
    "meadow", "desert", "beach", "sea", "underwater", "snowy forest", "jungle",
    "mountains", "farm", "city street", "neon street", "kitchen", "stage", "space",
)  # fmt: skip

WEATHERS = ("clear", "rain", "snow", "petals", "fog", "stars", "sunset", "night")

MOTIONS = (
    "stand", "walk", "run", "jump", "hop", "bounce", "fall", "roll", "slide", "fly", "float", "swim",
    "spin", "orbit", "grow", "shrink", "approach", "recede",
    "chase", "pass_behind", "ride", "collide", "push",
)  # fmt: skip

RELATIONS = ("orbit", "chase", "pass_behind", "ride", "collide", "push")
"""Motions of actor 0 that need actor 1 as their object."""

TRAVELS = ("walk", "run", "hop", "roll", "slide", "fly", "swim")
"""Motions with a direction: left or right."""

SPEEDS = ("slow", "normal", "fast")

CAMERAS = (
    "still", "pan left", "pan right", "tilt up", "tilt down", "zoom in", "zoom out", "dolly in", "dolly out", "shake",
)  # fmt: skip

STYLES = ("3d render", "cartoon", "pixel art", "charcoal", "1920s film", "claymation")

EVENTS = ("none", "bitten", "broken", "painted", "footprints", "blown out")
"""What happens once and leaves a mark for good."""

COLORS = {
    "red": (0.90, 0.16, 0.16), "orange": (0.97, 0.55, 0.10), "yellow": (0.98, 0.86, 0.18),
    "green": (0.18, 0.70, 0.25), "blue": (0.16, 0.38, 0.92), "purple": (0.56, 0.25, 0.80),
    "pink": (0.97, 0.50, 0.72), "white": (0.97, 0.97, 0.97), "black": (0.10, 0.10, 0.12),
}  # fmt: skip
"""Tints of plain bodies, sRGB in [0, 1]."""

MAX_ACTORS = 3
