"""Corrections, records of type 4: the pixels that an act changes. They have no author, and cost no charge. Pure."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, ClassVar, Final, Self

import attrs
import numpy as np

from placed.canvas.events.event import Event
from placed.canvas.record import RecordRefused

if TYPE_CHECKING:
    from numpy.typing import NDArray

PIXEL: Final = np.dtype([("x", "<u2"), ("y", "<u2"), ("color", "u1")])
_ACT: Final = struct.Struct("<Q")


@attrs.frozen(eq=False)
class Correction(Event):
    """Pixels that an act set; an act that changes many has several of these.

    Attributes:
        act: the act's id, which is the offset of its record. Nobody looks it up to set the pixels: a log whose
            beginning is gone may no longer have the act.
        pixels: dtype `PIXEL`, shape (n,), n >= 1, in order: the last one of a pixel wins.
    """

    TYPE: ClassVar = 4

    act: int
    pixels: NDArray[np.void]

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """The correction in a payload.

        Raises:
            RecordRefused: it sets no pixel, or its last one isn't whole.
        """
        size = len(payload) - _ACT.size
        if size <= 0 or size % PIXEL.itemsize:
            raise RecordRefused(
                f"{len(payload)} bytes of a correction; allowed are {_ACT.size} and a multiple of {PIXEL.itemsize}"
            )
        return cls(_ACT.unpack_from(payload)[0], np.frombuffer(payload, PIXEL, offset=_ACT.size))

    @property
    def pixel_count(self) -> int:
        """How many pixels."""
        return len(self.pixels)

    def payload(self) -> bytes:
        """The act's id, and 5 bytes for each pixel.

        Raises:
            ValueError: there is no pixel.
        """
        if not len(self.pixels):
            raise ValueError("a correction of no pixels; allowed are 1 or more")
        return _ACT.pack(self.act) + self.pixels.astype(PIXEL, copy=False).tobytes()
