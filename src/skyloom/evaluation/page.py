"""The report as one page that needs no network.

Tables, a plot of every table whose cells carry intervals, and strips of the best, the median and the worst sample, all
in one HTML file: plots are inline SVG, pictures inline WebP.
"""

from __future__ import annotations

import base64
import re
from html import escape
from pathlib import Path

from skyloom.evaluation.figures import Figure, figures_of
from skyloom.evaluation.plots import Dot, dot_plot
from skyloom.evaluation.report import Report, Table

CELL = re.compile(r"^(-?[\d.]+) \((-?[\d.]+)-(-?[\d.]+)\)$")
STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { text-align: left; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
.note, figcaption { color: color-mix(in srgb, currentColor 65%, transparent); font-size: .88rem; max-width: 60rem; }
figure { margin: 1rem 0; } img { max-width: 100%; height: auto; border: 1px solid var(--line); }
svg { max-width: 100%; height: auto; } nav a { margin-right: 1rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1.2rem; } dd { margin: 0; overflow-wrap: anywhere; }
"""


def table_html(table: Table) -> str:
    """Return a table in HTML."""
    head = "".join(f"<th>{escape(name)}</th>" for name in table.header)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def dots(table: Table) -> dict[str, list[Dot]]:
    """Return the cells of a table that are a mean with its interval, row by row."""
    found: dict[str, list[Dot]] = {}
    for label, *cells in table.rows:
        for name, cell in zip(table.header[1:], cells, strict=False):
            match = CELL.match(cell)
            if match:
                mean, low, high = (float(text) for text in match.groups())
                found.setdefault(label, []).append(Dot(name, mean, low, high))
    return found


def figure_html(figure: Figure) -> str:
    """Return a strip with its caption."""
    data = base64.b64encode(figure.path.read_bytes()).decode()
    caption = escape(figure.caption)
    image = f'<img alt="{caption}" src="data:image/webp;base64,{data}">'
    return f"<figure>{image}<figcaption>{caption}</figcaption></figure>"


def page(report: Report, figures: dict[str, list[Figure]], title: str = "Skyloom: evaluation") -> str:
    """Return the whole page. figures: by suite."""
    about = "".join(f"<dt>{escape(str(k))}</dt><dd>{escape(str(v))}</dd>" for k, v in report.about.items())
    links = "".join(f'<a href="#t{n}">{escape(table.title)}</a>' for n, table in enumerate(report.tables))
    parts = [f"<h1>{escape(title)}</h1><dl>{about}</dl><nav>{links}</nav>"]
    for number, table in enumerate(report.tables):
        drawing = table.drawing or dot_plot(dots(table))
        parts.append(f'<section id="t{number}"><h2>{escape(table.title)}</h2>{table_html(table)}')
        parts.append(f'<p class="note">{escape(table.note)}</p>' if table.note else "")
        parts.append(drawing)
        parts.append("</section>")
    for suite, strips in figures.items():
        parts.append(f"<section><h2>Strips: {escape(suite)}</h2>{''.join(map(figure_html, strips))}</section>")
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width, initial-scale=1"><title>{escape(title)}</title><style>{STYLE}</style></head>'
        f"<body>\n{body}\n</body></html>\n"
    )


def save_page(report: Report, folder: Path) -> Path:
    """Write report.html into the report's folder, with the strips that its suites left there."""
    beside, path = folder / "report.partial", folder / "report.html"
    beside.write_text(page(report, figures_of(folder)), "utf-8")
    beside.rename(path)
    return path
