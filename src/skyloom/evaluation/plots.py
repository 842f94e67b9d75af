"""Plots as SVG text: dots with intervals, lines on log paper."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

COLOURS = ("#3b6fd4", "#d9662b", "#2f9e6e", "#9a4fc4", "#b59a1e", "#d14d7c", "#4a9fb5", "#8a6d5a")
LEFT, WIDTH, ROW, GAP, WIDE = 260, 620, 15, 8, 50.0


@dataclass(frozen=True)
class Dot:
    """A mean with its interval, of one series."""

    series: str
    mean: float
    low: float
    high: float


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return round numbers within [low, high], about `count` of them."""
    if high <= low:
        return [low]
    raw = (high - low) / count
    unit = 10 ** math.floor(math.log10(raw))
    step = next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= raw)
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 12) for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _text(x: float, y: float, words: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="currentColor">{escape(words)}</text>'


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    style = 'font-family="system-ui, sans-serif" font-size="11"'
    return f'<svg viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" role="img" {style}>{"".join(parts)}</svg>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, opacity: float = 1.0) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-opacity="{opacity}"/>'
    )


def _axis(dots: list[Dot]) -> tuple[Callable[[float], float], list[float]]:
    """Return where values go and the ticks: on log paper where means differ by more than WIDE, else from 0 on."""
    low, high = min(0.0, *(dot.low for dot in dots)), max(dot.high for dot in dots)
    means = [dot.mean for dot in dots if dot.mean > 0]
    if low < 0 or not means or max(means) < WIDE * min(means) or max(means) == 1.0:
        span = high - low if high > low else 1.0
        return lambda value: LEFT + (value - low) / span * WIDTH, nice_ticks(low, high)
    least = min(means) / 2
    decades = math.log10(high / least)
    ticks = [10.0**n for n in range(math.ceil(math.log10(least)), math.floor(math.log10(high)) + 1)]
    return lambda value: LEFT + math.log10(max(value, least) / least) / decades * WIDTH, ticks


def dot_plot(rows: dict[str, list[Dot]]) -> str:
    """Return rows of dots with their intervals on one axis, "" for none; a series has a colour."""
    everything = [dot for row in rows.values() for dot in row]
    if not everything:
        return ""
    series = list(dict.fromkeys(dot.series for dot in everything))
    across, ticks = _axis(everything)

    parts, y = [], 24.0 + ROW
    for number, name in enumerate(series):
        parts.append(_text(LEFT + 130 * (number % 5), 12 + 13 * (number // 5), f"● {name}"[:24]))
        parts[-1] = parts[-1].replace("currentColor", COLOURS[number % len(COLOURS)])
    y += 13 * ((len(series) - 1) // 5)
    top = y - ROW
    for label, row in rows.items():
        parts.append(_text(LEFT - 8, y + (len(row) - 1) * ROW / 2 + 4, label[:42], "end"))
        for dot in row:
            colour = COLOURS[series.index(dot.series) % len(COLOURS)]
            parts.append(_line(across(dot.low), y, across(dot.high), y, colour))
            parts.append(f'<circle cx="{across(dot.mean):.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>')
            y += ROW
        y += GAP
    for tick in ticks:
        parts.append(_line(across(tick), top, across(tick), y, "currentColor", 0.15))
        parts.append(_text(across(tick), y + 12, f"{tick:g}", "middle"))
    return _svg(LEFT + WIDTH + 20, y + 20, parts)


Points = Sequence[tuple[float, float]]


def log_plot(points: Points, fitted: Points, words: tuple[str, str]) -> str:
    """Return points and a fitted curve on double logarithmic axes; words: what lies along x and y."""
    every = [*points, *fitted]
    (left, right), (low, high) = ((min(v), max(v)) for v in zip(*every, strict=True))
    spans = [(math.log10(a) - 0.05, math.log10(b) + 0.05) for a, b in ((left, right), (low, high))]

    def place(point: tuple[float, float]) -> tuple[float, float]:
        x, y = ((math.log10(v) - a) / (b - a) for v, (a, b) in zip(point, spans, strict=True))
        return 70 + x * 480, 300 - y * 270

    path = " ".join(f"{'L' if n else 'M'}{x:.1f},{y:.1f}" for n, (x, y) in enumerate(map(place, fitted)))
    parts = [f'<path d="{path}" fill="none" stroke="{COLOURS[1]}" stroke-width="1.5"/>']
    for point in points:
        x, y = place(point)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{COLOURS[0]}"/>')
        parts.append(_text(x + 8, y - 6, f"{point[1]:.4g}") + _text(x, 318, f"{point[0]:.2g}", "middle"))
    parts += [_line(70, 300, 550, 300, "currentColor", 0.4), _line(70, 30, 70, 300, "currentColor", 0.4)]
    parts += [_text(310, 336, words[0], "middle"), _text(70, 20, words[1])]
    return _svg(600, 345, parts)
