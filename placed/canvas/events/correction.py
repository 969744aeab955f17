"""Corrections, records of type 4: the pixels that an act changes. They have no author, and cost no charge. Pure."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, ClassVar, Final, Self

import attrs
import numpy as np

from placed.canvas.change import Change
from placed.canvas.events.event import Event
from placed.canvas.refusal import RecordRefused

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from placed.canvas.events.event import Run
    from placed.canvas.state import State

PIXEL: Final = np.dtype([("x", "<u2"), ("y", "<u2"), ("color", "u1")])
_ACT: Final = struct.Struct("<Q")
_LAST_OFFSET: Final = 2**63 - 1


@attrs.frozen(eq=False)
class Correction(Event):
    """Pixels that an act set; an act that changes many pixels has several corrections.

    Attributes:
        act: the act's id, which is the offset of its record. Nobody looks the act up to set the pixels: a log that has
            lost its beginning may no longer have it.
        pixels: dtype `PIXEL`, shape (n,), n >= 1, in order: the last change of a pixel wins.
    """

    TYPE: ClassVar = 4

    act: int
    pixels: NDArray[np.void]

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """The correction in a payload.

        Raises:
            RecordRefused: the payload has no pixel, its last pixel is incomplete, or no act can have this id.
        """
        size = len(payload) - _ACT.size
        if size <= 0 or size % PIXEL.itemsize:
            raise RecordRefused(
                f"{len(payload)} bytes of a correction; allowed are {_ACT.size} and a multiple of {PIXEL.itemsize}"
            )
        act = _ACT.unpack_from(payload)[0]
        if act > _LAST_OFFSET:
            raise RecordRefused(f"a correction of the act {act}; allowed are offsets, up to {_LAST_OFFSET}")
        return cls(act, np.frombuffer(payload, PIXEL, offset=_ACT.size))

    @property
    def pixel_count(self) -> int:
        """How many pixels the correction sets."""
        return len(self.pixels)

    def change(self, state: State, run: Run) -> Change:
        """Set the pixels; that costs nobody a charge.

        Raises:
            RecordRefused: a pixel is outside the canvas.
        """
        state.check_inside(self.pixels)
        return Change(pixels=self.pixels, counts=run.counts)

    def payload(self) -> bytes:
        """The act's id, and 5 bytes for each pixel.

        Raises:
            ValueError: there is no pixel.
        """
        if not len(self.pixels):
            raise ValueError("a correction of no pixels; allowed are 1 or more")
        return _ACT.pack(self.act) + self.pixels.astype(PIXEL, copy=False).tobytes()
