"""Cards of what reads clips: how it was trained, how well it reads."""

from __future__ import annotations

import json
from pathlib import Path


def training_text(folder: Path) -> str:
    """Return what a reader's training.json says, in words."""
    done = json.loads((folder / "training.json").read_text())
    plan, eye = done["plan"], done["plan"]["eye"]
    scenes = eye["steps"] * eye["batch_size"]
    seen = f"{scenes * plan['eye_frames']:,} single frames of {scenes:,} scenes, then {plan['clips']:,} clips"
    minutes = done.get("core_minutes_since_resumed")
    took = f" It took {minutes:g} minutes of one core." if minutes else ""
    return f"It saw {seen}, seed {eye['seed']}.{took}{done.get('note', '')}"


def save_card(folder: Path, numbers: dict, text: str) -> None:
    """Write card.json and card.md, each whole or not at all."""
    for name, content in (("card.json", json.dumps(numbers, indent=1) + "\n"), ("card.md", text)):
        beside = folder / f"{name}.partial"
        beside.write_text(content, encoding="utf-8")
        beside.rename(folder / name)
