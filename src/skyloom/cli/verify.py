"""`skyloom verify`: where a file came from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from skyloom.provenance.manifest import Manifest
    from skyloom.provenance.verify import Report
    from skyloom.provenance.watermark import Found

SECONDS = 8.0
"""How much of a film is looked at for the mark."""
STATES = {
    "trusted": "intact, signed by a key of this machine or its user",
    "valid": "intact, signed by a key that this machine does not know",
    "broken": "BROKEN: the file or its manifest was changed after signing",
    "none": "none",
}


def verify(
    file: Annotated[Path, typer.Argument(help="picture or video", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="print all that is known as JSON")] = False,
) -> None:
    """Tell whether a file came from Skyloom, and whether it was changed.

    Three things are looked for: the signed manifest (C2PA), the invisible mark in the picture, and whether the manifest
    tells of a visible one. Exit status: 0 if the file came from Skyloom and nothing is broken, 1 if not.
    """
    from skyloom.data.video_io import read_video
    from skyloom.provenance.phases import shrunk
    from skyloom.provenance.verify import verify as look

    report = look(file, read_video(file, max_seconds=SECONDS, per_frame=shrunk).frames)
    if as_json:
        typer.echo(json.dumps(report.to_dict(), indent=2, ensure_ascii=False))
    else:
        _show(report, file)
    if not report.ours or report.manifest.state == "broken":
        raise typer.Exit(1)


def _show(report: Report, file: Path) -> None:
    rows = {"file": str(file), "manifest": STATES[report.manifest.state], **_told(report.manifest)}
    rows |= {"invisible mark": _mark(report.mark)}
    if report.agree is not None:
        rows["  agrees"] = "with the manifest" if report.agree else "NOT with the manifest"
    visible = {True: "yes, says the manifest", False: "no, says the manifest", None: "not told"}
    rows["visible mark"] = visible[report.visible]
    rows["from Skyloom"] = "yes" if report.ours else "nothing says so"
    for label, value in rows.items():
        typer.echo(f"{label:16}{plain(value)}")


def plain(text: str) -> str:
    """Return text that neither moves the cursor nor begins a line: a stranger's manifest may say anything."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _told(manifest: Manifest) -> dict[str, str]:
    """Return the rows that a manifest fills."""
    told = {
        "  problems": ", ".join(manifest.problems),
        "  signer": manifest.signer or "",
        "  program": manifest.program or "",
        "  kind": manifest.source or "",
        "  model": str(manifest.generation.get("model", "")),
        "  checkpoint": str(manifest.generation.get("checkpoint_sha256", "")),
        "  made from": ", ".join(manifest.ingredients),
    }
    return {label: value for label, value in told.items() if value}


def _mark(mark: Found) -> str:
    """Say what is known of the invisible mark."""
    if not mark.found:
        return f"not found (score {mark.score:.1f}, {mark.threshold:.1f} needed)"
    carried = "what it carries cannot be read" if mark.payload is None else f"carries {mark.payload:08x}"
    return f"found (score {mark.score:.1f}, {mark.threshold:.1f} needed), {carried}"
