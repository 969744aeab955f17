"""The canvas, records of type 2: its size and palette. A log begins with one; a later one makes it larger. Pure."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, ClassVar, Final, Self

import attrs

from placed.canvas.change import NOTHING, Change
from placed.canvas.definition import Definition
from placed.canvas.events.event import Event
from placed.canvas.refusal import Reason, RecordRefused

if TYPE_CHECKING:
    from placed.canvas.events.event import Run
    from placed.canvas.state import State

_SIZE: Final = struct.Struct("<HH")


@attrs.frozen
class Canvas(Event):
    """The canvas's size and palette from here on.

    Attributes:
        definition: its size and palette.
    """

    TYPE: ClassVar = 2

    definition: Definition

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """The canvas in a payload.

        Raises:
            RecordRefused: the payload is too short, or no canvas can have this size or palette.
        """
        if len(payload) < _SIZE.size:
            raise RecordRefused(f"{len(payload)} bytes of a canvas record; allowed are {_SIZE.size} and a palette")
        width, height = _SIZE.unpack_from(payload)
        try:
            return cls(Definition(width, height, payload[_SIZE.size :]))
        except ValueError as error:
            raise RecordRefused(f"a canvas record of {width} x {height} pixels: {error}") from error

    def change(self, state: State, run: Run) -> Change:
        """Make the canvas this one. Two servers that start on an empty log at once may both write its canvas: the same
        canvas again changes nothing.

        Raises:
            RecordRefused: a side is shorter, the palette doesn't begin with the old one or adds a colour twice, or the
                log has only canvas records so far, and the first of them counts.
        """
        if self.definition == state.definition:
            return NOTHING
        if not state.kept.begun:
            raise RecordRefused("another canvas than the log's first one, before anybody has painted", Reason.CANVAS)
        if not state.definition.can_become(self.definition):
            raise RecordRefused(
                f"a canvas of {self.definition.size}, which the one of {state.definition.size} can't become: no side "
                "may be shorter, and the palette has to begin with the old one",
                Reason.CANVAS,
            )
        return Change(definition=self.definition)

    def payload(self) -> bytes:
        """Width, height, and the palette's colours."""
        return _SIZE.pack(self.definition.width, self.definition.height) + self.definition.rgb
