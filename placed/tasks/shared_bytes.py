"""Holds bytes that many tasks send and that their owner can take back: the body of an image.

A sending task holds this object, and the bytes themselves only while it writes a piece. So the owner decides how much
memory is used, however many tasks are sending and however slowly. When the owner takes bytes back, they are freed at
once, and a task that isn't done gets `TakenBack` with its next piece. Pure.
"""

from __future__ import annotations

import weakref
from typing import Final


class TakenBack(Exception):
    """The bytes are gone; their owner needed the memory for newer ones."""


class SharedBytes:
    """Bytes with an owner. `len` stays the same once they are gone."""

    __slots__ = ("__weakref__", "_data", "_length")

    def __init__(self, data: bytes) -> None:
        self._data: bytes | None = data
        self._length: Final = len(data)

    def __len__(self) -> int:
        return self._length

    def piece(self, start: int, most_bytes: int) -> memoryview:
        """The bytes from `start` on, at most `most_bytes`. Don't keep the view across an `await`: it keeps the bytes.

        Raises:
            TakenBack: they are gone.
        """
        if self._data is None:
            raise TakenBack
        return memoryview(self._data)[start : start + most_bytes]

    def whole(self) -> bytes:
        """All bytes.

        Raises:
            TakenBack: they are gone.
        """
        if self._data is None:
            raise TakenBack
        return self._data

    def take_back(self) -> None:
        """Free the bytes, even if tasks are still sending them. Idempotent."""
        self._data = None


def piece_of(body: bytes | SharedBytes, start: int, most_bytes: int) -> memoryview:
    """A body's bytes from `start` on, at most `most_bytes`, without a copy. Don't keep the view across an `await`.

    Raises:
        TakenBack: see `SharedBytes`.
    """
    if isinstance(body, SharedBytes):
        return body.piece(start, most_bytes)
    return memoryview(body)[start : start + most_bytes]


class Retired:
    """Old bytes that tasks may still be sending, while their owner has newer ones; their number and size are bounded.

    Args:
        most: how many of them may exist.
        most_bytes: how large they may be together; a single one may be larger.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._held: list[weakref.ref[SharedBytes]] = []  # oldest first

    def add(self, shared: SharedBytes) -> None:
        """Let `shared` exist for as long as tasks send it; take the oldest ones back when there are too many."""
        self._held.append(weakref.ref(shared))
        held = self._living()
        while len(held) > self._most or (len(held) > 1 and sum(len(each) for each in held) > self._most_bytes):
            held.pop(0).take_back()
        self._held = [weakref.ref(each) for each in held]

    def __len__(self) -> int:
        """How many are still being sent."""
        return len(self._living())

    def _living(self) -> list[SharedBytes]:
        return [shared for ref in self._held if (shared := ref()) is not None]
