"""Write the README's tree from the first line of every file.

    python scripts/readme_tree.py            print the tree
    python scripts/readme_tree.py --write    put it between the markers in README.md
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "skyloom"
BEGIN, END = "<!-- tree -->", "<!-- /tree -->"
FLOORS = (
    ("floor 0: foundations", ("errors", "shapes", "seeds", "config", "presets", "video")),
    ("floor 1: the world; what is signed", ("world", "provenance")),
    ("floor 2: siblings that never meet", ("data", "models", "diffusion")),
    ("floor 3: the only place that knows all parts", ("pipelines",)),
    ("floor 4: learning and judging", ("training", "evaluation")),
    ("floor 5: the server", ("serving",)),
    ("floor 6: the command line", ("cli",)),
    ("top", ("__init__", "__main__")),
)


def gloss(path: Path) -> str:
    """Return the first line of a file's docstring, without its full stop."""
    text = ast.get_docstring(ast.parse(path.read_text()))
    if not text:
        raise SystemExit(f"{path} has no docstring")
    return text.splitlines()[0].rstrip(".")


def rows(room: str) -> list[str]:
    """Return the lines of one room: a file, or a folder with its files."""
    file, folder = SOURCE / f"{room}.py", SOURCE / room
    if file.exists():
        return [f"  {file.name:<28} {gloss(file)}"]
    if not folder.is_dir():
        return []
    inside = sorted(path for path in folder.rglob("*.py") if path.name != "__init__.py")
    files = [f"    {path.relative_to(folder).as_posix():<26} {gloss(path)}" for path in inside]
    return [f"  {room + '/':<28} {gloss(folder / '__init__.py')}", *files]


def tree() -> str:
    """Return the whole tree as a fenced block."""
    lines = ["```", "src/skyloom/"]
    for title, rooms in FLOORS:
        found = [line for room in rooms for line in rows(room)]
        lines += [f"  -- {title}", *found] if found else []
    return "\n".join([*lines, "```"])


def with_tree(readme: str) -> str:
    """Return the README's text with the tree brought up to date."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{tree()}\n{END}{after}"


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        readme = ROOT / "README.md"
        readme.write_text(with_tree(readme.read_text()))
    else:
        print(tree())
