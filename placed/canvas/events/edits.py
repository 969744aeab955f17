"""Edits, records of type 1: what people paint. The one event of which a run of records is decoded together. Pure."""

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
EDITS_HEADER: Final = bytes([FORMAT, 1])  # what a record begins with
EDIT_STRUCT: Final = struct.Struct("<HHBQ")


@attrs.frozen(eq=False)
class Edits(Event):
    """One edit or more, in order: the last one of a pixel wins.

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
            RecordRefused: it is empty, or its last edit isn't whole.
        """
        if not payload or len(payload) % EDIT.itemsize:
            raise RecordRefused(f"{len(payload)} bytes of edits; allowed is a multiple of {EDIT.itemsize}")
        return cls(np.frombuffer(payload, EDIT))

    @property
    def pixel_count(self) -> int:
        """How many edits."""
        return len(self.edits)

    def change(self, state: State, run: Run) -> Change:
        """The pixels are set, and each costs its author a charge.

        Raises:
            RecordRefused: one of them is outside the canvas, so that its record is refused whole.
        """
        state.check_inside(self.edits)
        return Change(pixels=self.edits, counts=run.counts, authors=self.edits["author"])

    def part(self, begin: int, end: int) -> Edits:
        """Some of them."""
        return Edits(self.edits[begin:end])

    def payload(self) -> bytes:
        """All of them, 13 bytes each.

        Raises:
            ValueError: there are none.
        """
        if not len(self.edits):
            raise ValueError("a record of no edits; allowed are 1 or more")
        return self.edits.astype(EDIT, copy=False).tobytes()
