"""Reads or makes the author key: the secret that turns addresses into authors, so that the log holds no addresses.

The first start makes a server's own key, in the data folder, so that cooldowns outlive a restart. Servers that share a
canvas share the key's file; otherwise each server would give the same user another author.
"""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from placed.canvas.author import KEY_BYTES

if TYPE_CHECKING:
    from pathlib import Path

_NAME = "author.key"
_MAKE_NEW = "Delete it, and a new one is made"


class AuthorKeyError(Exception):
    """The key can't be used; the message names the file, and says what to do."""


def author_key(folder: Path, shared: Path | None) -> bytes:
    """Read the key from the file `shared`, or else from the data folder `folder`; make one there if there is none.

    Raises:
        AuthorKeyError: the key can't be read or made, or the file has no key.
    """
    if shared is not None:
        return _read(shared, f"Make one with: head -c {KEY_BYTES} /dev/urandom > {shared}")
    path = folder / _NAME
    try:
        if not path.exists():
            _make(path, secrets.token_bytes(KEY_BYTES))
    except OSError as error:
        raise AuthorKeyError(f"{path} can't be used: {error.strerror}") from error
    return _read(path, _MAKE_NEW)


def check_own_key(folder: Path) -> None:
    """Check the key in a data folder, if there is one; raises as `author_key`."""
    path = folder / _NAME
    if path.exists():
        _read(path, _MAKE_NEW)


def put_back(folder: Path, key: bytes) -> str | None:
    """Write a server's own key again if it is gone from the data folder. With a new key, the next start would know no
    author, and give all charges back. Returns what was done, or why it can't be; None if the key is there.

    Thread: blocks.
    """
    path = folder / _NAME
    try:
        if path.exists():
            return None
        _make(path, key)
    except OSError as error:
        return f"{path} is gone, and can't be written again: {error.strerror}"
    return f"{path} was gone, and was written again"


def _make(path: Path, key: bytes) -> None:
    part = path.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)


def _read(path: Path, way_out: str) -> bytes:
    try:
        with path.open("rb") as file:
            key = file.read(KEY_BYTES + 1)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise AuthorKeyError(f"{path} can't be used: {error.strerror}. {way_out}") from error
    if len(key) != KEY_BYTES:
        raise AuthorKeyError(f"{path} has {size} bytes; an author key has {KEY_BYTES}. {way_out}")
    return key
