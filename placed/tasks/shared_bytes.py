"""Holds bytes that many tasks send and that their owner can take back: the body of an image.

A task that sends such bytes holds on to this object, and to the bytes themselves only while it writes a piece. So the
owner decides how much memory is held, however many tasks are sending and however slowly. Bytes that it takes back are
gone at once, and a task that isn't done finds out with the next piece. Pure.
"""

from __future__ import annotations

import weakref
from typing import Final


class TakenBack(Exception):
    """The bytes are gone, as newer ones took their room."""


class SharedBytes:
    """Bytes with an owner. Their length is what it was, also once they are gone."""

    __slots__ = ("__weakref__", "_data", "_length")

    def __init__(self, data: bytes) -> None:
        self._data: bytes | None = data
        self._length: Final = len(data)

    def __len__(self) -> int:
        return self._length

    def piece(self, start: int, most_bytes: int) -> memoryview:
        """The bytes from `start` on, at most so many. Not to be kept beyond the next wait.

        Raises:
            TakenBack: they are gone.
        """
        if self._data is None:
            raise TakenBack
        return memoryview(self._data)[start : start + most_bytes]

    def whole(self) -> bytes:
        """All of them.

        Raises:
            TakenBack: they are gone.
        """
        if self._data is None:
            raise TakenBack
        return self._data

    def take_back(self) -> None:
        """Let go of the bytes, even if tasks are still sending them. Idempotent."""
        self._data = None


def piece_of(body: bytes | SharedBytes, start: int, most_bytes: int) -> memoryview:
    """A body's bytes from `start` on, at most so many, without a copy. Not to be kept beyond the next wait.

    Raises:
        TakenBack: see `SharedBytes`.
    """
    if isinstance(body, SharedBytes):
        return body.piece(start, most_bytes)
    return memoryview(body)[start : start + most_bytes]


class Retired:
    """Bytes whose owner has newer ones, and that somebody may still be sending: a bounded number of them.

    Args:
        most: how many are kept.
        most_bytes: how large these may be together, without the newest.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._held: list[weakref.ref[SharedBytes]] = []  # oldest first

    def add(self, shared: SharedBytes) -> None:
        """Keep these for as long as somebody sends them; the oldest ones are taken back when there are too many."""
        self._held.append(weakref.ref(shared))
        held = self._living()
        while len(held) > self._most or (len(held) > 1 and sum(len(each) for each in held) > self._most_bytes):
            held.pop(0).take_back()
        self._held = [weakref.ref(each) for each in held]

    def __len__(self) -> int:
        """How many somebody is still sending."""
        return len(self._living())

    def _living(self) -> list[SharedBytes]:
        return [shared for ref in self._held if (shared := ref()) is not None]
