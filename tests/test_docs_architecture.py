"""docs/architecture.md only names files, folders and names that exist, names every room, and stays short."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.test_imports import ROOMS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
PLACES = (ROOT, ROOT / "placed", ROOT / "client")
QUOTED = set(re.findall(r"`([^`\n]+)`", PAGE))
PATHS = {name for name in QUOTED if re.fullmatch(r"[\w./-]+(?:/|\.(?:py|js|md|yaml|html))", name)}
MOST_LINES = 150


def _missing(paths: set[str]) -> list[str]:
    # A file named without a folder, like `command.py`, exists in several folders.
    return sorted(
        path
        for path in paths
        if not any((place / path).exists() for place in PLACES) and ("/" in path or not any(ROOT.rglob(path)))
    )


def _defined() -> set[str]:
    """Each class, function and constant of placed, and each method as `Class.method`."""
    names: set[str] = set()
    for path in (ROOT / "placed").rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                names.add(node.name)
                names |= {f"{node.name}.{inner.name}" for inner in ast.walk(node) if isinstance(inner, ast.FunctionDef)}
                names |= {f"{node.name}.{inner.name}" for inner in node.body if isinstance(inner, ast.AsyncFunctionDef)}
            elif isinstance(node, ast.AnnAssign):
                names.add(ast.unparse(node.target))
    return names


def test_page_can_be_read_at_one_sitting() -> None:
    assert len(PAGE.splitlines()) <= MOST_LINES


def test_every_path_exists() -> None:
    assert len(PATHS) > 60
    assert _missing(PATHS) == []
    assert _missing({"tasks/reader.py", "tasks/no_such.py", "no_such.py"}) == ["no_such.py", "tasks/no_such.py"]


def test_every_name_in_the_code_exists() -> None:
    names = {name for name in QUOTED - PATHS if re.fullmatch(r"[A-Z]\w*(?:\.\w+)?|[a-z]+_\w+", name)}
    in_the_page = {"Resync"}
    assert {"Writer.add", "Projection.apply", "TYPES"} <= names
    assert sorted(names - _defined() - in_the_page) == []
    assert all(re.search(rf"class {name}\b", (ROOT / "client/stream/resync.js").read_text()) for name in in_the_page)


def test_every_room_has_its_row_in_the_order_of_imports() -> None:
    rows = re.findall(r"^\| `(\w+)(?:/|\.py)` \|", PAGE, re.MULTILINE)
    assert rows == list(ROOMS)
