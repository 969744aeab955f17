"""A stripe, a record of type 9: a row of one colour. A new type of record in one file."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, ClassVar, Self

import attrs
import numpy as np

from placed.canvas.change import Change
from placed.canvas.events import PIXEL, Event
from placed.canvas.refusal import RecordRefused

if TYPE_CHECKING:
    from placed.canvas.events import Run
    from placed.canvas.state import State


@attrs.frozen
class Stripe(Event):
    """Paints a row in one colour."""

    TYPE: ClassVar = 9

    y: int
    color: int

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        if len(payload) != 3:
            raise RecordRefused(f"{len(payload)} bytes of a stripe; allowed are 3")
        return cls(*struct.unpack("<HB", payload))

    def payload(self) -> bytes:
        return struct.pack("<HB", self.y, self.color)

    def change(self, state: State, run: Run) -> Change:
        pixels = np.array([(x, self.y, self.color) for x in range(state.definition.width)], PIXEL)
        state.check_inside(pixels)
        return Change(pixels=pixels, counts=np.array([len(pixels)]))
