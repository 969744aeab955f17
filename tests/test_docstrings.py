"""No docstring is broken by reflowing: each argument has its line, and drawings stay drawings."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[1]
FILES: Final = sorted(path for folder in ("placed", "bench", "tests") for path in (ROOT / folder).rglob("*.py"))

_SECTIONS: Final = ("Args:", "Attributes:", "Raises:")
_NAMES: Final = r"\*{0,2}`?[A-Za-z_][\w.]*`?"
_ENTRY: Final = re.compile(rf"{_NAMES}(?:(?:, | and |, and ){_NAMES})*(?:: |:$|,$)")
_SECOND_ENTRY: Final = re.compile(r"[.;] ([a-z]+_[a-z_]+|[A-Z]\w*[a-z][A-Z]\w*): ")
_BOX: Final = re.compile(r"(?:^|\s\s)\|")  # the left side of a box, rather than a bar between two fields
_INDENT: Final = "    "


def _docstrings(path: Path) -> Iterator[tuple[str, str]]:
    """The place of each docstring, and its text without the code's indentation."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node, clean=False)
            if text:
                yield f"{path.relative_to(ROOT)}: {getattr(node, 'name', 'module')}", inspect.cleandoc(text)


def _blocks(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each indented block, with one indentation removed, and the line above it."""
    above, block = "", list[str]()
    for line in [*text.split("\n"), "end"]:
        if line.startswith(_INDENT):
            block.append(line.removeprefix(_INDENT))
        elif line or not block:
            if block:
                yield above, block
            above, block = line, []
        else:
            block.append("")


def _glued(block: list[str]) -> list[str]:
    """Lines of a section that begin without a name, or have a second one."""
    begins = [line for line in block if line and not line.startswith(" ") and not _ENTRY.match(line)]
    return begins + [line for line in block if _SECOND_ENTRY.search(line)]


def _flowed(block: list[str]) -> list[str]:
    """Lines of a drawing that begin at its edge, although the line above ends with an open bar or bracket."""
    found, open_brackets = [], 0
    for above, line in zip(["", *block], block, strict=False):
        is_row = bool(line) and not line.startswith((" ", "|"))
        cut = above.endswith(" |") and not _BOX.search(above)
        if is_row and (cut or open_brackets > 0):
            found.append(line)
        open_brackets = (open_brackets if line.startswith(" ") else 0) + line.count("(") - line.count(")")
    return found


def _broken(text: str) -> list[str]:
    broken = []
    for above, block in _blocks(text):
        broken += _glued(block) if above in _SECTIONS else _flowed(block)
    return broken


def test_no_docstring_is_broken_by_reflowing() -> None:
    found = [f"{where}: {line}" for path in FILES for where, text in _docstrings(path) for line in _broken(text)]
    assert found == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Do.\n\nArgs:\n    a: first\n    goes on", "goes on"),
        ("Do.\n\nArgs:\n    a: one. map_step_bytes: by how much", "a: one. map_step_bytes: by how much"),
        ("Do.\n\nRaises:\n    A: no\n        room. StoreClosed: closed.", "    room. StoreClosed: closed."),
        ("Do.\n\n    file  a (id %\n    2) page  number u64", "2) page  number u64"),
        ("Do.\n\n    page  number u64 | free |\n    nodes node  low u16", "nodes node  low u16"),
    ],
)
def test_broken_docstring_is_found(text: str, line: str) -> None:
    assert _broken(text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        "Do.\n\nArgs:\n    a, b: first; c: no name.\n        goes on\n\n    **more: others.",
        "Do.\n\n    page  number u64 |\n          free\n    node  low u16 (\n          high)\n    other",
        "Do.\n\n    |  a  |\n    +-----+",
        "Do.\n\n    log      |  a  |\n    history  |  b  |",
    ],
)
def test_docstring_in_order_is_let_pass(text: str) -> None:
    assert _broken(text) == []
