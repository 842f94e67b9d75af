"""Scores of single samples, kept as they come.

One JSON line for each sample, appended and flushed, so that a stopped run goes on where it was and anyone can compute
the table again. The first line says what was measured; a file of other settings is not continued.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skyloom.errors import InvalidArgument


@dataclass
class SampleLog:
    """The samples of one suite in one file; `settings` is all that their numbers depend on."""

    path: Path
    settings: dict[str, Any]

    def __post_init__(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not self.path.exists() or not self._lines():
            self.path.write_text(json.dumps({"settings": self.settings}, ensure_ascii=False) + "\n", encoding="utf-8")
        found = json.loads(self._lines()[0])["settings"]
        if found != json.loads(json.dumps(self.settings)):
            changed = sorted(key for key in {*found, *self.settings} if found.get(key) != self.settings.get(key))
            wanted = f"be an empty folder or hold the same settings (differs: {', '.join(changed)})"
            raise InvalidArgument("out", str(self.path), wanted)

    def _lines(self) -> list[str]:
        """Return the whole lines; the rest of a line that was cut off by a stop is dropped from the file."""
        text = self.path.read_text(encoding="utf-8")
        whole, _, torn = text.rpartition("\n")
        if torn:
            self.path.write_text(whole + "\n" if whole else "", encoding="utf-8")
        return whole.splitlines()

    def read(self) -> list[dict[str, Any]]:
        """Return the samples measured so far."""
        return [json.loads(line) for line in self._lines()[1:]]

    def append(self, samples: list[dict[str, Any]]) -> None:
        """Add samples and flush them."""
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(sample, ensure_ascii=False) + "\n" for sample in samples)
