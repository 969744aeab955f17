"""The folders of client/ import each other one way: no folder needs itself through others."""

from __future__ import annotations

import posixpath
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

CLIENT = Path(__file__).parents[2] / "client"
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
IMPORT = re.compile(r"\b(?:from|import\(?)\s*'(\.[^']+)'")


def _folder(path: str) -> str:
    """The folder of a file, or the file itself where it is in none."""
    return posixpath.dirname(path) or path


def _needs() -> dict[str, set[str]]:
    """The imports of each folder, early or late; types in comments don't count."""
    needs: dict[str, set[str]] = {}
    for file in CLIENT.rglob("*.js"):
        path = file.relative_to(CLIENT).as_posix()
        for name in IMPORT.findall(COMMENT.sub("", file.read_text(encoding="utf-8"))):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
            assert (CLIENT / target).is_file(), f"{path} imports {name}"
            needs.setdefault(_folder(path), set()).add(_folder(target))
    return {folder: targets - {folder} for folder, targets in needs.items()}


def test_folders_import_each_other_one_way() -> None:
    needs = _needs()
    assert {"stream", "interaction.js"} <= needs["main.js"]
    order = list(TopologicalSorter(needs).static_order())
    assert order.index("words") < order.index("painting") < order.index("interaction.js") < order.index("main.js")


def test_a_circle_would_be_found() -> None:
    with pytest.raises(CycleError):
        TopologicalSorter(_needs() | {"words": {"painting"}}).prepare()
