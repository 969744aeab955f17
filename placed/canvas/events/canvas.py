"""The canvas, records of type 2: its size and palette. The first record of a log; a later one makes it larger. Pure."""

from __future__ import annotations

import struct
from typing import ClassVar, Final, Self

import attrs

from placed.canvas.events.event import Event
from placed.canvas.record import Definition, RecordRefused

_SIZE: Final = struct.Struct("<HH")


@attrs.frozen
class Canvas(Event):
    """What the canvas is from here on.

    Attributes:
        definition: its size and palette.
    """

    TYPE: ClassVar = 2

    definition: Definition

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """The canvas in a payload.

        Raises:
            RecordRefused: it is too short, or no canvas can have this size or palette.
        """
        if len(payload) < _SIZE.size:
            raise RecordRefused(f"{len(payload)} bytes of a canvas record; allowed are {_SIZE.size} and a palette")
        width, height = _SIZE.unpack_from(payload)
        try:
            return cls(Definition(width, height, payload[_SIZE.size :]))
        except ValueError as error:
            raise RecordRefused(f"a canvas record of {width} x {height} pixels: {error}") from error

    def payload(self) -> bytes:
        """Width, height, and the palette's colours."""
        return _SIZE.pack(self.definition.width, self.definition.height) + self.definition.rgb
