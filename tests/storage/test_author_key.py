"""The author key: a server makes its own key once and keeps it; the operator makes a shared key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from placed.canvas.author import KEY_BYTES
from placed.storage.author_key import AuthorKeyError, author_key, put_back

if TYPE_CHECKING:
    from pathlib import Path


def test_own_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    key = author_key(tmp_path, None)
    assert len(key) == KEY_BYTES
    assert author_key(tmp_path, None) == key
    assert (tmp_path / "author.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "other").mkdir()
    assert author_key(tmp_path / "other", None) != key


def test_shared_key_is_read_and_never_made(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with pytest.raises(AuthorKeyError, match=r"key can't be used: No such file.*head -c"):
        author_key(tmp_path, path)
    assert not path.exists()
    path.write_bytes(bytes(range(KEY_BYTES)))
    assert author_key(tmp_path, path) == bytes(range(KEY_BYTES))


def test_own_key_that_was_taken_away_is_put_back(tmp_path: Path) -> None:
    key = author_key(tmp_path, None)
    path = tmp_path / "author.key"
    assert put_back(tmp_path, key) is None
    path.unlink()
    assert put_back(tmp_path, key) == f"{path} was gone, and was written again"
    assert author_key(tmp_path, None) == key
    assert path.stat().st_mode & 0o777 == 0o600
    away = tmp_path / "away"
    assert put_back(away, key) == f"{away}/author.key is gone, and can't be written again: No such file or directory"


@pytest.mark.parametrize("size", [0, KEY_BYTES - 1, KEY_BYTES + 1, 100_000])
def test_key_of_another_size_is_refused(tmp_path: Path, size: int) -> None:
    (tmp_path / "author.key").write_bytes(bytes(size))
    with pytest.raises(AuthorKeyError, match=rf"has {size} bytes; an author key has {KEY_BYTES}"):
        author_key(tmp_path, tmp_path / "author.key")
    with pytest.raises(AuthorKeyError, match="Delete it, and a new one is made"):
        author_key(tmp_path, None)


def test_folder_as_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AuthorKeyError, match="Is a directory"):
        author_key(tmp_path, tmp_path)
