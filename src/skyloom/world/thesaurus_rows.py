"""Reads tables of near words."""

from __future__ import annotations


def rows(text: str) -> dict[str, tuple[str, ...]]:
    """Read "name: one, two" lines; one that is indented goes on with the line before."""
    lines = (line.partition(":") for line in text.strip().replace("\n ", " ").splitlines())
    return {name.strip(): tuple(" ".join(part.split()) for part in said.split(",")) for name, _, said in lines}
