"""Records that change nothing. They keep their bytes, so that a copy of a log loses nothing. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import attrs

from placed.canvas.events.event import Event
from placed.canvas.refusal import RecordRefused, RecordUnknown

if TYPE_CHECKING:
    from placed.canvas.events.event import Run
    from placed.canvas.state import State


class _Bytes(Event):
    """A record that this server knows only as bytes. Only `placed.canvas.events.decode` makes one."""

    __slots__ = ()

    value: bytes

    @classmethod
    def decode(cls, payload: bytes) -> NoReturn:
        """Not possible: these events have no type of their own."""
        raise NotImplementedError(f"{cls.__name__} has no type; {len(payload)} bytes were given")

    def payload(self) -> bytes:
        """All but the first two bytes."""
        return self.value[2:]

    def encode(self) -> bytes:
        """The record as it was."""
        return self.value


@attrs.frozen
class Unknown(_Bytes):
    """A record of a format or type that this server doesn't know; a newer server may know it.

    Attributes:
        value: the record.
        what: the unknown format or type, such as `type 9`.
    """

    value: bytes
    what: str

    def change(self, state: State, run: Run) -> NoReturn:
        """No change.

        Raises:
            RecordUnknown: always.
        """
        raise RecordUnknown(self.what)


@attrs.frozen
class Broken(_Bytes):
    """A record whose bytes don't fit its type, for any server.

    Attributes:
        value: the record.
        reason: what is wrong with it.
    """

    value: bytes
    reason: str

    def change(self, state: State, run: Run) -> NoReturn:
        """No change.

        Raises:
            RecordRefused: always.
        """
        raise RecordRefused(self.reason)
