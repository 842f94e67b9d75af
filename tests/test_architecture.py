"""The house: imports go down, no cycles, files stay small, the README names every file."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "skyloom"
FLOORS = {
    "errors": 0, "shapes": 0, "seeds": 0, "config": 0, "presets": 0, "video": 0,
    "world": 1, "provenance": 1,
    "data": 2, "models": 2, "diffusion": 2,
    "pipelines": 3,
    "training": 4, "evaluation": 4,
    "serving": 5,
    "cli": 6,
    "__init__": 7, "__main__": 7,
}  # fmt: skip
FILES = sorted(SOURCE.rglob("*.py"))


def room(path: Path) -> str:
    """The folder (or, on the ground floor, the file) under src/skyloom."""
    first = path.relative_to(SOURCE).parts[0]
    return first.removesuffix(".py")


def imported_modules(path: Path) -> set[str]:
    """Dotted names of skyloom modules that a file imports, at any depth of the code."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        assert not (isinstance(node, ast.ImportFrom) and node.level), f"{path}: relative import"
    return {name for name in found if name.startswith("skyloom.")}


def upward(path: Path) -> list[str]:
    """Imports of a file that break the floors."""
    here = room(path)
    wrong = []
    for name in imported_modules(path):
        there = name.split(".")[1]
        if there != here and there in FLOORS and FLOORS[there] >= FLOORS[here]:
            wrong.append(f"{path.relative_to(SOURCE)} (floor {FLOORS[here]}) imports {name} (floor {FLOORS[there]})")
    return wrong


def test_every_room_has_a_floor():
    assert {room(path) for path in FILES} <= set(FLOORS)


def test_imports_go_down():
    ground = [path for path in FILES if FLOORS[room(path)] == 0]
    wrong = [line for path in FILES if path not in ground for line in upward(path)]
    wrong += [
        f"{path.name} imports {name}"
        for path in ground
        for name in imported_modules(path)
        if FLOORS.get(name.split(".")[1], 0) > 0
    ]
    assert not wrong, "\n".join(wrong)


def test_floor_check_can_fail(tmp_path, monkeypatch):
    bad = SOURCE / "diffusion" / "flow.py"
    monkeypatch.setattr(Path, "read_text", lambda self: "from skyloom.pipelines.canvas import Canvas")
    assert upward(bad)


def test_no_import_cycles():
    modules = {"skyloom." + ".".join(path.relative_to(SOURCE).with_suffix("").parts): path for path in FILES}
    edges = {name: imported_modules(path) & set(modules) for name, path in modules.items()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail, name))
        if name not in done:
            for other in edges[name] - {name}:
                visit(other, (*trail, name))
            done.add(name)

    for name in modules:
        visit(name, ())


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_small_files_and_functions(path):
    text = path.read_text()
    assert len(text.splitlines()) < 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno - node.lineno < 80, f"{path.name}: {node.name} is too long"


def test_training_path_imports_only_what_a_bare_gpu_machine_has():
    allowed = {"torch", "numpy", "einops", "safetensors", "rich", "tqdm", "typer", "skyloom"}
    wrong = []
    for path in FILES:
        if room(path) not in {"training", "diffusion", "world", "errors", "shapes", "seeds", "config", "presets"}:
            continue
        for node in ast.parse(path.read_text()).body:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                top = name.split(".")[0]
                if top not in allowed and top not in sys.stdlib_module_names:
                    wrong.append(f"{path.relative_to(SOURCE)} imports {name}")
    assert not wrong, wrong


def test_readme_tree_is_the_tree():
    """`python scripts/readme_tree.py --write` brings it up to date."""
    spec = importlib.util.spec_from_file_location("readme_tree", ROOT / "scripts" / "readme_tree.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    readme = (ROOT / "README.md").read_text()
    assert module.BEGIN in readme
    assert readme == module.with_tree(readme)
    assert all(path.name in module.tree() for path in FILES if path.stem not in ("__init__", "__main__"))
