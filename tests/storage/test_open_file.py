"""Whether an open file is still the file at its path."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from placed.storage.open_file import OpenFile, first_displaced

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _replaced(folder: Path) -> None:
    folder.rename(folder.with_name("away"))
    folder.mkdir()
    (folder / "file").write_bytes(b"whole")


def _replaced_by_a_file(folder: Path) -> None:
    folder.rename(folder.with_name("away"))
    folder.write_bytes(b"")


def _link_to_a_copy(folder: Path) -> None:
    shutil.copytree(folder, folder.with_name("copy"))
    folder.rename(folder.with_name("away"))
    folder.symlink_to(folder.with_name("copy"))


DISPLACED: dict[str, tuple[Callable[[Path], object], str]] = {
    "folder moved": (lambda folder: folder.rename(folder.with_name("away")), "is gone"),
    "folder deleted": (shutil.rmtree, "is gone"),
    "file deleted": (lambda folder: (folder / "file").unlink(), "is gone"),
    "a file in the folder's place": (_replaced_by_a_file, "is gone"),
    "folder replaced": (_replaced, "is not the one that was opened"),
    "a link to a copy in its place": (_link_to_a_copy, "is not the one that was opened"),
}


@pytest.mark.parametrize("way", DISPLACED)
def test_file_that_was_taken_away_is_noticed(tmp_path: Path, way: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    path = folder / "file"
    path.write_bytes(b"whole")
    take_away, reason = DISPLACED[way]
    with path.open() as file:  # an open file keeps its inode; otherwise another file could get it
        opened = OpenFile(path, path.stat())
        assert opened.why_displaced() is None
        take_away(folder)
        assert opened.why_displaced() == f"{path} {reason}"
        assert first_displaced([OpenFile(tmp_path, tmp_path.stat()), opened]) == f"{path} {reason}"
        assert not file.closed


def test_file_is_in_place_however_it_was_written_to_and_when_it_is_back(tmp_path: Path) -> None:
    path, away = tmp_path / "file", tmp_path / "away"
    path.write_bytes(b"")
    opened = OpenFile(path, path.stat())
    path.write_bytes(b"longer")
    path.chmod(0o600)
    assert opened.why_displaced() is None
    path.rename(away)
    assert opened.why_displaced() is not None
    away.rename(path)
    assert opened.why_displaced() is None


def test_path_that_can_t_be_looked_at_is_as_good_as_gone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"")
    opened = OpenFile(path, path.stat())
    path.unlink()
    path.symlink_to(path)  # a link to itself
    reason = opened.why_displaced()
    assert reason is not None
    assert "can't be looked at: " in reason
