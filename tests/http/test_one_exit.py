"""Every answer goes out through one place, in both lanes: it is counted, logged and given its headers once."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import placed.http

FOLDER = Path(placed.http.__file__).parent


@functools.cache
def _trees() -> dict[str, ast.Module]:
    return {
        path.relative_to(FOLDER).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(FOLDER.rglob("*.py"))
    }


def _uses(tree: ast.Module, names: set[str]) -> set[str]:
    """The places where something with one of these names is called, or passed on to be called."""
    used = set()
    for node in ast.walk(tree):
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None
        if name in names:
            used.add(ast.unparse(node))
    return used


def _users(*names: str) -> dict[str, set[str]]:
    found = {file: _uses(tree, set(names)) for file, tree in _trees().items()}
    return {file: uses for file, uses in found.items() if uses}


def test_only_replies_count_answers_and_give_them_their_headers() -> None:
    assert _users("answered", "refused", "cors") == {
        "replies.py": {"self.requests.answered", "self.requests.refused", "cors"},
        "request_log.py": {"self.metrics.answered", "self.metrics.refused"},  # `replies.py` asks it to do this
    }


def test_only_wire_makes_bytes_of_a_head() -> None:
    """Fields are Latin-1 text (RFC 9110, 5.5); code elsewhere that makes bytes of them would encode them wrongly."""
    writers = {
        file
        for file, tree in _trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".encode") and "latin-1" in ast.unparse(node)
    }
    assert writers == {"lanes/wire.py", "user_header.py"}  # the second one reads a field with UTF-8 in it


def test_rule_sees_calls_by_another_name() -> None:
    lines = ["from placed.http.origin import cors", "later = partial(log.answered, 'fast')", "give = cors"]
    assert _uses(ast.parse("\n".join(lines)), {"answered", "cors"}) == {"log.answered", "cors"}
