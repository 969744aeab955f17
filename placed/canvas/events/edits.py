"""Edits, records of type 1: pixels that people paint. Only edits can have several records in one run. Pure."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, ClassVar, Final, Self

import attrs
import numpy as np

from placed.canvas.change import Change
from placed.canvas.events.event import FORMAT, Event
from placed.canvas.refusal import RecordRefused

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from placed.canvas.events.event import Run
    from placed.canvas.state import State

EDIT: Final = np.dtype([("x", "<u2"), ("y", "<u2"), ("color", "u1"), ("author", "<u8")])
EDITS_HEADER: Final = bytes([FORMAT, 1])  # the first bytes of each record of edits
EDIT_STRUCT: Final = struct.Struct("<HHBQ")


@attrs.frozen(eq=False)
class Edits(Event):
    """One edit or more, in order: the last edit of a pixel wins.

    Attributes:
        edits: dtype `EDIT`, shape (n,), n >= 1.
    """

    TYPE: ClassVar = 1

    edits: NDArray[np.void]

    @classmethod
    def one(cls, x: int, y: int, color: int, author: int) -> Self:
        """A single edit."""
        return cls(np.frombuffer(EDIT_STRUCT.pack(x, y, color, author), EDIT))

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """The edits in a payload.

        Raises:
            RecordRefused: the payload is empty, or its last edit is incomplete.
        """
        if not payload or len(payload) % EDIT.itemsize:
            raise RecordRefused(f"{len(payload)} bytes of edits; allowed is a multiple of {EDIT.itemsize}")
        return cls(np.frombuffer(payload, EDIT))

    @property
    def pixel_count(self) -> int:
        """How many edits there are."""
        return len(self.edits)

    def change(self, state: State, run: Run) -> Change:
        """Set the pixels; each costs its author a charge.

        Raises:
            RecordRefused: an edit is outside the canvas. The whole record is refused then.
        """
        state.check_inside(self.edits)
        return Change(pixels=self.edits, counts=run.counts, authors=self.edits["author"])

    def part(self, begin: int, end: int) -> Edits:
        """The edits from `begin` up to, not including, `end`."""
        return Edits(self.edits[begin:end])

    def payload(self) -> bytes:
        """All edits, 13 bytes each.

        Raises:
            ValueError: there are no edits.
        """
        if not len(self.edits):
            raise ValueError("a record of no edits; allowed are 1 or more")
        return self.edits.astype(EDIT, copy=False).tobytes()
