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
    """A record of which only its bytes are known. `decode` alone makes one."""

    __slots__ = ()

    value: bytes

    @classmethod
    def decode(cls, payload: bytes) -> NoReturn:
        """Nobody can: it has no type of its own."""
        raise NotImplementedError(f"{cls.__name__} has no type; {len(payload)} bytes were given")

    def payload(self) -> bytes:
        """All but the first two bytes."""
        return self.value[2:]

    def encode(self) -> bytes:
        """The record as it was."""
        return self.value


@attrs.frozen
class Unknown(_Bytes):
    """A record of a format or type that this server doesn't know; a newer one may.

    Attributes:
        value: the record.
        what: what isn't known, such as `type 9`.
    """

    value: bytes
    what: str

    def change(self, state: State, run: Run) -> NoReturn:
        """Nothing.

        Raises:
            RecordUnknown: always.
        """
        raise RecordUnknown(self.what)


@attrs.frozen
class Broken(_Bytes):
    """A record that isn't what its type says, for any server.

    Attributes:
        value: the record.
        reason: what is wrong with it.
    """

    value: bytes
    reason: str

    def change(self, state: State, run: Run) -> NoReturn:
        """Nothing.

        Raises:
            RecordRefused: always.
        """
        raise RecordRefused(self.reason)
