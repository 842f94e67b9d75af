"""The look of each place.

One function per place returns four layers (sky, far, mid, ground) like `panorama.empty()`. The horizon lies at HORIZON;
a square view shows 4 of the 18 metres, so that what names a place comes back every 3.6 metres or less.
"""

import numpy as np

from panorama import (
    DENSITY,
    TOP,
    WIDTH,
    Props,
    X,
    Y,
    away,
    below,
    blur,
    box,
    ellipse,
    empty,
    glow,
    gradient,
    paint,
    ramp,
    waves,
)

HORIZON = 1.2
CLOUD = "2601-fe0f"
Layers = list[np.ndarray]


def sheet(*stops: tuple[float, str]) -> np.ndarray:
    """An opaque layer of one gradient."""
    layer = empty()
    paint(layer, 1.0, gradient(*stops))
    return layer


def floor(*stops: tuple[float, str], edge: np.ndarray | float = HORIZON) -> np.ndarray:
    """Ground below an edge."""
    layer = empty()
    paint(layer, below(edge), gradient(*stops))
    return layer


def clouds(sky: np.ndarray, props: Props, haze: str, seed: int, amount: float = 0.15) -> None:
    """Soft clouds high in the sky."""
    rng = np.random.default_rng(seed)
    for i in range(7):
        x, y, height = (i + 0.6 * rng.random()) * WIDTH / 7, 2.35 + 0.9 * rng.random(), 0.35 + 0.3 * rng.random()
        props.stamp(sky, CLOUD, x, y, height, haze, amount)


def patches(ground: np.ndarray, color: str, seed: int, count: int, size: float, strength: float) -> None:
    """Soft flat patches on the ground, smaller toward the horizon."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        depth = rng.random()
        y = HORIZON - 0.15 - 2.6 * depth**1.3
        width = size * (0.3 + depth)
        paint(ground, strength * ellipse(rng.random() * WIDTH, y, width, width * 0.22, 0.9) * ground[..., 3], color)


def meadow(props: Props) -> Layers:
    sky = sheet((TOP, "#4aa6f0"), (HORIZON, "#d6f1ff"))
    clouds(sky, props, "#d6f1ff", 1)
    far, mid = empty(), empty()
    paint(far, below(waves(2, 1.75, 0.28, (3, 5))), gradient((2.2, "#b4e3a4"), (HORIZON, "#a3da8c")))
    paint(far, below(waves(3, 1.45, 0.2, (4, 7))), gradient((1.8, "#98d67c"), (HORIZON, "#86cb66")))
    props.row(mid, "1f333 1f333 1f332", 2.3, 1.12, 1.25, "#bfe6b4", 0.38, 4)
    ground = floor((HORIZON, "#9bdb6d"), (0.2, "#79c850"), (-1.8, "#4c9c34"), edge=waves(5, 1.18, 0.05, (3, 8)))
    patches(ground, "#b6e884", 6, 40, 2.2, 0.4)
    props.row(ground, "1f33c 1f337 1f33b", 0.95, 0.72, 0.26, "#8fd465", 0.15, 7, 0.5)
    props.row(ground, "1f33b 1f33c 1f337", 1.2, -0.78, 0.42, "#6fbf4a", 0.1, 8, 0.5)
    return [sky, blur(far, 0.03), blur(mid, 0.025), ground]


def desert(props: Props) -> Layers:
    sky = sheet((TOP, "#3fa9e6"), (2.3, "#a9dbee"), (HORIZON, "#ffeccb"))
    far, mid = empty(), empty()
    mesa = 1.3 + 0.85 * ramp(waves(11, -0.15, 1.0, (5, 8)), 0.5) + 0.25 * ramp(waves(12, -0.3, 1.0, (5, 9)), 0.4)
    paint(far, below(mesa), gradient((2.4, "#e8a878"), (HORIZON, "#f0c79a")))
    paint(far, below(waves(13, 1.4, 0.22, (4, 6)), 0.05), gradient((1.7, "#f6cf8f"), (HORIZON, "#eebd75")))
    props.row(mid, "1f335", 2.6, 1.0, 1.25, "#f5d9a8", 0.25, 14)
    props.row(mid, "1faa8", 3.6, 1.02, 0.35, "#e0a060", 0.6, 15, 0.6)
    ground = floor((HORIZON, "#f7d491"), (0.2, "#f0bd6c"), (-1.8, "#d38d42"), edge=waves(16, 1.14, 0.07, (3, 5)))
    for i, y in enumerate((0.85, 0.35, -0.35, -1.1)):
        crest = waves(17 + i, y, 0.1, (3, 5))
        paint(ground, 0.45 * below(crest, 0.05) * np.exp(-np.clip(crest - Y, 0, None) / 0.25), "#fbe2a8")
    return [sky, blur(far, 0.03), blur(mid, 0.02), ground]


def beach(props: Props) -> Layers:
    sky = sheet((TOP, "#35adf5"), (HORIZON, "#d4f3ff"))
    clouds(sky, props, "#d4f3ff", 21)
    far, mid = empty(), empty()
    paint(far, below(HORIZON), gradient((HORIZON, "#1590d2"), (0.85, "#22b4dc"), (0.5, "#7fe3e2")))
    props.row(far, "26f5", 6.0, 1.14, 0.42, "#9adcf2", 0.25, 22)
    props.row(mid, "1f334", 3.0, 0.62, 2.0, "#c9eef2", 0.18, 23)
    props.row(mid, "26f1-fe0f", 3.6, 0.5, 0.6, "#f6e3b0", 0.15, 24, 0.3)
    shore = waves(25, 0.62, 0.07, (3, 7))
    ground = floor((0.7, "#fff0c4"), (0.0, "#f9dfa2"), (-1.8, "#e3b96f"), edge=shore)
    paint(ground, 0.9 * np.exp(-(((Y - shore) / 0.06) ** 2)), "#ffffff")
    paint(ground, 0.5 * below(shore - 0.05) * np.exp(-np.clip(shore - Y, 0, None) / 0.16), "#d9b878")
    patches(ground, "#fff4d2", 26, 20, 1.8, 0.4)
    return [sky, blur(far, 0.015), blur(mid, 0.015), ground]


def sea(props: Props) -> Layers:
    sky = sheet((TOP, "#2488ea"), (2.2, "#7cc4f7"), (HORIZON, "#def3ff"))
    clouds(sky, props, "#e8f6ff", 31)
    far, mid = empty(), empty()
    props.row(far, "1f3dd-fe0f", 3.6, 1.13, 0.62, "#bfe3f7", 0.4, 32)
    ground = floor((HORIZON, "#63c0ea"), (0.75, "#2a93d8"), (-0.3, "#1268b8"), (-1.8, "#083f86"))
    for i, y in enumerate((1.0, 0.82, 0.6, 0.3, -0.1, -0.6, -1.2)):
        crest = waves(33 + i, y, 0.02 + 0.035 * i, (9 - i // 2, 13 - i))
        paint(ground, 0.5 * below(crest, 0.1) * np.exp(-np.clip(crest - Y, 0, None) / (0.06 + 0.035 * i)), "#8fdcf5")
    return [sky, blur(far, 0.02), mid, ground]


def underwater(props: Props) -> Layers:
    sky = sheet((TOP, "#9df0ee"), (2.9, "#3fc3dc"), (1.6, "#1583bd"), (HORIZON, "#116ba5"))
    for i in range(8):
        slant = away(i * WIDTH / 8) - (TOP - Y) * 0.35
        beam = np.exp(-((slant / (0.12 + 0.08 * (TOP - Y))) ** 2)) * np.clip((Y - 0.8) / 3.2, 0, 1)
        paint(sky, 0.35 * beam, "#d8fff6")
    far, mid = empty(), empty()
    paint(far, below(waves(41, 1.55, 0.35, (4, 7, 9)), 0.1), gradient((2.4, "#1c7fb2"), (HORIZON, "#14689c")))
    for i in range(20):
        root, tall = (i + 0.3 * np.sin(i * 7.0)) * WIDTH / 20, 0.9 + 0.5 * np.sin(i * 3.7)
        sway = away(root) - 0.1 * np.sin((Y - 1) * 5 + i)
        stem = np.exp(-((sway / 0.1) ** 4)) * ramp(1.0 + tall - Y, 0.3) * ramp(Y - 0.95)
        paint(mid, 0.85 * stem, "#2aa07c" if i % 2 else "#1f8d86")
    props.row(mid, "1fab8", 2.2, 0.85, 0.95, "#1f86b0", 0.25, 42)
    ground = floor((HORIZON, "#1f86ac"), (0.4, "#59b3ae"), (-1.8, "#3c8f97"), edge=waves(43, 1.08, 0.1, (4, 7)))
    patches(ground, "#a5dcc0", 44, 40, 2.0, 0.4)
    props.row(ground, "1f41a 1faa8", 2.4, -0.72, 0.32, "#59b3ae", 0.3, 45, 0.5)
    return [sky, blur(far, 0.05), blur(mid, 0.025), ground]


def snowy_forest(props: Props) -> Layers:
    sky = sheet((TOP, "#a9c8e8"), (HORIZON, "#f3f7fc"))
    far, mid = empty(), empty()
    props.row(far, "1f332", 0.8, 1.2, 1.5, "#d3e2f0", 0.72, 51)
    props.row(mid, "1f332", 1.5, 1.02, 1.95, "#eaf2fa", 0.22, 52)
    for layer, amount in ((far, 0.5), (mid, 0.8)):
        alpha = layer[..., 3]
        above = np.roll(alpha, round(0.16 * DENSITY), 0) * np.roll(alpha, round(0.09 * DENSITY), (1))
        rim = np.clip(alpha - above, 0, 1) + alpha * (0.35 + 0.3 * np.sin(Y * 14))
        trunk = ramp(Y - 1.35, 0.2)
        paint_where = np.clip(rim, 0, 1) * amount * trunk
        layer[..., :3] = layer[..., :3] * (1 - paint_where[..., None]) + alpha[..., None] * paint_where[..., None]
    ground = floor((HORIZON, "#fbfdff"), (0.2, "#eaf2fb"), (-1.8, "#bccfe8"), edge=waves(53, 1.12, 0.08, (3, 6)))
    for i, y in enumerate((0.7, 0.1, -0.7)):
        crest = waves(54 + i, y, 0.1, (2, 5))
        paint(ground, 0.5 * below(crest, 0.05) * np.exp(-np.clip(crest - Y, 0, None) / 0.3), "#cfdff2")
    return [sky, blur(far, 0.04), blur(mid, 0.025), ground]


def jungle(props: Props) -> Layers:
    sky = sheet((TOP, "#6fae4e"), (2.6, "#b8dc74"), (HORIZON, "#e4f2a4"))
    far, mid = empty(), empty()
    props.row(far, "1f333 1f334", 1.1, 1.15, 1.9, "#9cc862", 0.62, 61)
    paint(far, below(waves(62, 1.55, 0.12, (8, 11)), 0.1), "#7db24c")
    props.row(mid, "1f334 1f334 1f333", 2.0, 0.95, 2.3, "#4f8f38", 0.3, 63)
    leaf = 2.75 + 0.22 * np.abs(np.sin(2 * np.pi * X * 10 / WIDTH)) + 0.15 * np.sin(2 * np.pi * X * 3 / WIDTH)
    paint(mid, ramp(Y - leaf, 0.05), gradient((TOP, "#14421f"), (2.6, "#2c6e2f")))
    for i in range(12):
        vine = away((i + 0.3) * 1.5) - 0.06 * np.sin(Y * 6 + i)
        paint(mid, np.exp(-((vine / 0.05) ** 4)) * ramp(Y - 2.1 + 0.3 * np.sin(i * 5.0), 0.1), "#2c6e2f")
    ground = floor((HORIZON, "#6b9a3c"), (0.5, "#54702f"), (-1.8, "#2c4220"), edge=waves(64, 1.1, 0.06, (5, 9)))
    patches(ground, "#8fae4c", 65, 30, 2.0, 0.4)
    props.row(ground, "1f33f", 0.7, 0.72, 0.42, "#3f7a34", 0.45, 66, 0.5)
    props.row(ground, "1f33f 1f33a", 1.1, -0.85, 0.55, "#2f5f2a", 0.3, 67, 0.5)
    return [sky, blur(far, 0.05), blur(mid, 0.025), ground]


def peaks(seed: int, base: float, height: float, count: int) -> np.ndarray:
    """A jagged profile (1, W)."""
    rng = np.random.default_rng(seed)
    profile = np.full_like(X, base)
    for i in range(count):
        slope = 0.75 + 0.3 * rng.random()
        top = base + height * (0.65 + 0.35 * rng.random())
        profile = np.maximum(profile, top - slope * np.abs(away((i + 0.5 * rng.random()) * WIDTH / count)))
    return profile


def mountains(props: Props) -> Layers:
    sky = sheet((TOP, "#3587e3"), (HORIZON, "#d5e8f8"))
    clouds(sky, props, "#d5e8f8", 71, 0.35)
    far, mid = empty(), empty()
    back, front = peaks(72, 1.3, 1.75, 7), peaks(73, 1.2, 1.25, 8)
    for profile, tones, snow in ((back, ("#8fa5c8", "#bccbe0"), 0.5), (front, ("#66799e", "#8fa3bd"), 0.3)):
        paint(far, below(profile), gradient((2.8, tones[0]), (HORIZON, tones[1])))
        cap = profile - snow + 0.1 * np.sin(X * 2 * np.pi * 24 / WIDTH)
        paint(far, below(profile) * ramp(Y - np.maximum(cap, 2.0), 0.08), "#fbfdff")
    paint(mid, below(waves(74, 1.35, 0.12, (4, 7))), gradient((1.6, "#88a07a"), (HORIZON, "#93a97e")))
    props.row(mid, "1f332", 0.9, 1.18, 0.55, "#8aa59a", 0.35, 75, 0.6)
    ground = floor((HORIZON, "#a9b58c"), (0.3, "#949e7c"), (-1.8, "#686f5e"), edge=waves(76, 1.15, 0.05, (3, 8)))
    patches(ground, "#c3c4b0", 77, 45, 2.0, 0.5)
    props.row(ground, "1faa8", 1.7, 0.7, 0.3, "#9aa39a", 0.3, 78, 0.6)
    props.row(ground, "1faa8", 2.4, -0.8, 0.5, "#7f8780", 0.25, 79, 0.6)
    return [sky, blur(far, 0.02), blur(mid, 0.02), ground]


def barn(layer: np.ndarray, x: float) -> None:
    """A red barn with a grey roof and a white cross on its door."""
    roof = 2.35 - 0.55 * np.abs(away(x)) - 0.5 * np.clip(np.abs(away(x)) - 0.4, 0, None)
    walls = ramp(0.72 - np.abs(away(x)), 0.03)
    paint(layer, walls * below(roof) * ramp(Y - 1.0), gradient((2.3, "#d8573f"), (1.0, "#b83a30")))
    edge = np.abs(Y - roof - 0.02)
    paint(layer, ramp(0.82 - np.abs(away(x)), 0.03) * ramp(0.07 - edge), "#8a8f9c")
    paint(layer, box(x, 1.0, 0.5, 0.62), "#f4ead8")
    paint(layer, box(x, 1.0, 0.38, 0.55), "#a83228")
    cross = np.minimum(np.abs(away(x) - (Y - 1.27) * 0.7), np.abs(away(x) + (Y - 1.27) * 0.7))
    paint(layer, box(x, 1.0, 0.38, 0.55) * ramp(0.04 - cross), "#f4ead8")
    paint(layer, ellipse(x, 1.95, 0.26, 0.26, 0.2), "#f4ead8")


def farm(props: Props) -> Layers:
    sky = sheet((TOP, "#6fbdf3"), (HORIZON, "#fff2cf"))
    clouds(sky, props, "#fff2cf", 81)
    far, mid = empty(), empty()
    paint(far, below(waves(82, 1.6, 0.15, (3, 5))), gradient((1.9, "#c9d983"), (HORIZON, "#b7cc6a")))
    paint(far, below(waves(83, 1.38, 0.1, (4, 7))), gradient((1.6, "#f2d977"), (HORIZON, "#e6c455")))
    for i in range(5):
        barn(mid, (i + 0.2) * WIDTH / 5)
    props.row(mid, "1f33b 1f33e", 1.2, 0.98, 0.62, "#efd98a", 0.2, 84, 0.3)
    for height in (1.06, 1.24):
        paint(mid, ramp(0.035 - np.abs(Y - height)), "#f6efe0")
    for i in range(36):
        paint(mid, box(i * 0.5, 0.92, 0.09, 0.46), "#f6efe0")
    ground = floor((1.0, "#c9b25a"), (0.8, "#b58a4c"), (-1.8, "#7d5530"), edge=1.0)
    for i, y in enumerate((0.9, 0.7, 0.42, 0.05, -0.45, -1.1)):
        paint(ground, 0.75 * np.exp(-(((Y - y) / (0.05 + 0.028 * i)) ** 2)), "#7fa945")
    return [sky, blur(far, 0.03), blur(mid, 0.015), ground]


def blocks(layer: np.ndarray, seed: int, spacing: float, height: float, colors: tuple[str, ...], window: str) -> None:
    """A row of houses as boxes with a few large windows."""
    rng = np.random.default_rng(seed)
    count = round(WIDTH / spacing)
    for i in range(count):
        x, tall = i * WIDTH / count, height * (0.6 + 0.4 * rng.random())
        width = WIDTH / count * (0.75 + 0.3 * rng.random())
        paint(layer, box(x, 1.0, width, tall), colors[i % len(colors)])
        for row in range(int((tall - 0.3) / 0.34)):
            for side in (-0.25, 0.25):
                if rng.random() < 0.75:
                    paint(layer, 0.8 * box(x + side * width, 1.25 + row * 0.34, width * 0.26, 0.19), window)


def city_street(props: Props) -> Layers:
    sky = sheet((TOP, "#8dbce6"), (HORIZON, "#edf2f6"))
    clouds(sky, props, "#e6eef5", 91, 0.3)
    far, mid = empty(), empty()
    blocks(far, 92, 1.05, 2.1, ("#b9c6d8", "#c8d0dc", "#aebdd2"), "#dfe9f3")
    props.row(mid, "1f3e2 1f3e8 1f3ec 1f3eb 1f3e0 1f3e5", 1.9, 0.98, 1.5, "#d3dbe4", 0.22, 93, 0.1)
    props.row(mid, "1f333", 3.8, 0.92, 0.85, "#d3dbe4", 0.15, 94, 0.2)
    ground = floor((1.0, "#d5d7da"), (0.72, "#bfc2c7"), (0.71, "#8e939c"), (-1.8, "#5f646e"), edge=1.0)
    paint(ground, ramp(0.05 - np.abs(Y - 0.7)), "#e6e7e9")
    for i in range(9):
        paint(ground, 0.9 * box(i * 2.0, -0.5, 1.0, 0.12), "#f5f2e6")
    return [sky, blur(far, 0.04), blur(mid, 0.015), ground]


def sign(layer: np.ndarray, x: float, y: float, width: float, height: float, color: str) -> None:
    """A neon sign: a glowing frame with a pale core."""
    paint(layer, 0.5 * glow(x, y + height / 2, width, height * 0.8), color)
    paint(layer, box(x, y, width, height), color)
    paint(layer, 0.75 * box(x, y + 0.08, width - 0.16, height - 0.16), "#1c0d38")
    paint(layer, 0.9 * box(x, y + height / 2 - 0.06, width - 0.3, 0.12), color)


def neon_street(props: Props) -> Layers:
    sky = sheet((TOP, "#120932"), (HORIZON, "#57206f"))
    far, mid = empty(), empty()
    blocks(far, 101, 1.1, 2.3, ("#25124a", "#2e1656", "#1d1040"), "#7a4fb0")
    blocks(mid, 102, 2.25, 1.7, ("#1c0e3c", "#27124a"), "#ffb54d")
    tones = ("#ff3fa4", "#2fe6ff", "#ffd23f", "#8d5bff", "#3dffb0")
    for i in range(10):
        sign(mid, (i + 0.25) * 1.8, 1.4 + 0.35 * (i * 7 % 3), 0.42 + 0.25 * (i % 2), 0.62 - 0.2 * (i % 2), tones[i % 5])
    props.row(mid, "1f3ee", 1.8, 2.15, 0.42, "#ff5a3c", 0.1, 103, 0.2)
    ground = floor((1.0, "#341a5c"), (-1.8, "#150a30"), edge=1.0)
    both = far * (1 - mid[..., 3:]) + mid
    flipped = np.roll(both[::-1], round((2 * 1.0 - (TOP - 1.8)) * -DENSITY), 0)
    smeared = sum(np.roll(flipped, round(k * 0.06 * DENSITY), 0) for k in range(-4, 5)) / 9
    mirror = blur(np.clip(smeared, 0, 1), 0.06)
    paint(ground, below(1.0) * mirror[..., 3] * 0.6 * np.clip((Y + 1.6) / 2.4, 0, 1), mirror[..., :3] * 1.2)
    return [sky, blur(far, 0.04), blur(mid, 0.02), np.clip(ground, 0, 1)]


def kitchen(props: Props) -> Layers:
    wall = sheet((TOP, "#fbeed2"), (HORIZON, "#f3dfba"))
    tile = ramp(Y - 1.2) * ramp(2.0 - Y)
    paint(wall, tile, "#e9f4ef")
    checker = (np.floor(X / 0.375) + np.floor((Y - 1.2) / 0.4)) % 2
    paint(wall, tile * checker * 0.75, "#8fcfc2")
    far, mid = empty(), empty()
    for i in range(5):
        x = i * WIDTH / 5
        paint(far, box(x, 2.28, 2.1, 0.12), "#b87a45")
        for k, code in enumerate(("1fad6", "1f372", "1fab4", "1f570-fe0f")):
            if (i + k) % 4 != 3:
                props.stamp(far, code, x - 0.7 + 0.48 * k, 2.4, 0.42, "#f3dfba", 0.12)
        frame = x + WIDTH / 10
        paint(far, box(frame, 2.1, 1.15, 1.0), "#ffffff")
        paint(far, box(frame, 2.18, 0.98, 0.84), gradient((3.1, "#8fd0f7"), (2.1, "#d9f2ff")))
        paint(far, box(frame, 2.1, 0.08, 1.0) + box(frame, 2.56, 1.1, 0.08), "#ffffff")
    for i in range(10):
        x = (i + 0.5) * WIDTH / 10
        paint(mid, box(x, 3.02, 0.04, 1.2), "#8a7a66")
        paint(mid, 0.5 * glow(x, 2.86, 0.3, 0.2), "#fff3c4")
        paint(mid, ellipse(x, 2.88, 0.46, 0.36, 0.15) * ramp(Y - 2.88), "#e2574c")
    ground = floor((HORIZON, "#e6b57c"), (-0.5, "#cf935a"), (-1.8, "#a96a38"))
    for i, y in enumerate((0.95, 0.6, 0.1, -0.55)):
        paint(ground, 0.4 * ramp(0.02 + 0.012 * i - np.abs(Y - y), 0.05), "#9c6234")
    paint(ground, 0.5 * np.exp(-(((Y - HORIZON) / 0.05) ** 2)) * below(HORIZON), "#8a5a34")
    return [wall, far, blur(mid, 0.015), ground]


def stage(props: Props) -> Layers:
    sky = empty()
    fold = 0.5 + 0.5 * np.cos(2 * np.pi * X / 0.6 + 0.6 * np.sin(2 * np.pi * X / 6))
    shade = (0.45 + 0.55 * fold)[..., None] * np.ones_like(Y)[..., None]
    paint(sky, 1.0, gradient((TOP, "#8c1020"), (2.4, "#c8202c"), (0.9, "#7a0d1c")) * shade)
    far, mid = empty(), empty()
    scallop = 2.72 - 0.22 * np.abs(np.sin(2 * np.pi * X / 3.6))
    paint(mid, ramp(Y - scallop, 0.03), gradient((TOP, "#6d0a18"), (2.5, "#b3182a")))
    paint(mid, ramp(0.07 - np.abs(Y - scallop), 0.04), "#f2c04a")
    for i in range(5):
        x = (i + 0.5) * WIDTH / 5
        cone = ramp(0.12 + (TOP - Y) * 0.26 - np.abs(away(x)), 0.25) * np.clip((Y + 0.4) / 3.0, 0.1, 1)
        paint(far, 0.42 * cone, "#ffeec2")
    ground = floor((0.95, "#9a5c34"), (0.2, "#c17c44"), (-1.8, "#6b3a20"), edge=0.95)
    for i, y in enumerate((0.72, 0.38, -0.1, -0.75)):
        paint(ground, 0.45 * ramp(0.015 + 0.01 * i - np.abs(Y - y), 0.05), "#6b3a20")
    for i in range(5):
        paint(ground, 0.75 * ellipse((i + 0.5) * WIDTH / 5, 0.05, 2.3, 0.7, 0.6), "#ffe2a0")
    paint(ground, ramp(0.08 - np.abs(Y - 0.93), 0.1) * 0.6, "#3d1410")
    return [sky, far, mid, ground]


def space(props: Props) -> Layers:
    sky = sheet((TOP, "#060a26"), (HORIZON, "#231a58"))
    rng = np.random.default_rng(121)
    for _ in range(14):
        tone = ("#5b2a9c", "#1f4fa8", "#8c2f86")[rng.integers(3)]
        paint(sky, 0.4 * glow(rng.random() * WIDTH, 1.6 + 2.4 * rng.random(), 1.4, 0.5), tone)
    for _ in range(170):
        x, y, size = rng.random() * WIDTH, 1.2 + 3 * rng.random(), 0.035 + 0.035 * rng.random()
        paint(sky, 0.9 * glow(x, y, size, size), "#ffffff" if rng.random() < 0.7 else "#ffe9b0")
    far, mid = empty(), empty()
    for i in range(6):
        code, height = ("1fa90", "1f30d", "1f311")[i % 3], (0.85, 0.75, 0.5)[i % 3]
        props.stamp(far, code, (i + 0.25) * 3.0, 1.95 + 0.5 * (i * 5 % 3) / 2, height, "#1a1748", 0.12)
    paint(mid, below(waves(122, 1.28, 0.13, (4, 7, 11)), 0.04), gradient((1.6, "#8a8ca6"), (1.0, "#9a9bb0")))
    ground = floor((HORIZON, "#b4b5c6"), (0.2, "#a2a3b6"), (-1.8, "#6d6f86"), edge=waves(123, 1.1, 0.05, (3, 6)))
    for _ in range(45):
        depth, x = rng.random(), rng.random() * WIDTH
        y, width = 1.0 - 2.5 * depth, 0.35 + 0.9 * depth
        paint(ground, 0.55 * ellipse(x, y, width, width * 0.3, 0.3) * ground[..., 3], "#7a7c94")
        paint(ground, 0.5 * ellipse(x, y - 0.03 * width, width * 0.8, width * 0.2, 0.5) * ground[..., 3], "#c9cad8")
    return [sky, far, blur(mid, 0.02), ground]


LANDSCAPES = (
    meadow, desert, beach, sea, underwater, snowy_forest, jungle,
    mountains, farm, city_street, neon_street, kitchen, stage, space,
)  # fmt: skip
