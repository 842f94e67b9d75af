"""Tables of results, printed and filed.

A suite hands over `Table`s; a report is their list with the machine, the commit, the seed and the checkpoint. It is
kept as report.json and report.md; every sample behind it lies beside it in the suites' JSONL files.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table as RichTable

from skyloom.evaluation.scoring import Score


@dataclass(frozen=True)
class Table:
    """One table: its values as text, and the note that says what they mean."""

    title: str
    header: list[str]
    rows: list[list[str]]
    note: str = ""
    drawing: str = ""
    """SVG to show with it, in place of the plot that the page would make."""


@dataclass
class Report:
    """All that one run of the evaluation found."""

    about: dict
    tables: list[Table] = field(default_factory=list)
    numbers: dict = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write report.json and report.md."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.json").write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n", "utf-8")
        (folder / "report.md").write_text(self.markdown(), "utf-8")

    def markdown(self) -> str:
        """Return the report as a page of Markdown."""
        about = "\n".join(f"- {name}: {value}" for name, value in self.about.items())
        return "\n\n".join(["# Evaluation", about, *(markdown_section(table) for table in self.tables)]) + "\n"

    def show(self, console: Console) -> None:
        """Print the tables."""
        for table in self.tables:
            console.print(printable(table))
            if table.note:
                console.print(table.note, style="dim")


def score_text(score: Score | None) -> str:
    """Write a score with its interval: ".935 (.900-.965)"."""
    if score is None:
        return ""
    mean, low, high = (f"{value:.3f}".removeprefix("0") for value in (score.mean, score.low, score.high))
    return f"{mean} ({low}-{high})"


def markdown_table(header: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def markdown_section(table: Table) -> str:
    """Return a table under its title, with its note."""
    return f"## {table.title}\n\n{markdown_table(table.header, table.rows)}\n\n{table.note}".rstrip()


def printable(table: Table) -> RichTable:
    """Return a table for the terminal."""
    shown = RichTable(*table.header, title=table.title, title_justify="left")
    for row in table.rows:
        shown.add_row(*row)
    return shown
