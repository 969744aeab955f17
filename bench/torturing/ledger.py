"""The ledger: compares everything that was asked for, answered and seen with the log. Pure.

No two edits are alike, so that each can be recognised anywhere: number n paints pixel `n * step % pixels` with colour
`1 + n // pixels`. The log, read while no server has it open, is the truth. A plain loop here makes the canvas from it,
not the code under test. Acts have a ledger of their own, in `act_ledger`.

    numbered --answered 200 at v--> must be in record v - 1, and stay there
             --refused------------> must not be in the log
             --not answered-------> may be in it, once
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final

import attrs

from bench.torturing.act_ledger import ActLedger, correction_of
from bench.torturing.broken_promise import Broken

if TYPE_CHECKING:
    from collections.abc import Sequence

Edit = tuple[int, int, int]

_EDIT: Final = struct.Struct("<HHBQ")
_EDITS_HEADER: Final = b"\x01\x01"
_CANVAS_HEADER: Final = b"\x01\x02"
_SIZE: Final = struct.Struct("<HH")
_STEP: Final = 7_919  # a prime, which has no factor in common with the number of pixels


@attrs.define
class Counts:
    """How much the ledger has compared with the log."""

    acknowledged: int = 0
    refused: int = 0
    sightings: int = 0
    looks: int = 0


def decode(value: bytes) -> list[Edit]:
    """The edits of a record; none if the record is a canvas."""
    return [edit for edit, _author in _with_authors(value)]


def _height_of(value: bytes) -> int | None:
    """The height in a record that is a canvas; None for others."""
    return _SIZE.unpack_from(value, 2)[1] if value[:2] == _CANVAS_HEADER else None


def _with_authors(value: bytes) -> list[tuple[Edit, int]]:
    if value[:2] != _EDITS_HEADER:
        return []
    return [((x, y, color), author) for x, y, color, author in _EDIT.iter_unpack(value[2:])]


class Ledger:
    """The ledger of one canvas.

    Attributes:
        counts: numbers for the report.
        acts: the acts of moderators.
    """

    def __init__(self, width: int, height: int, colors: int) -> None:
        self.width, self.height, self.colors = width, height, colors
        self.counts = Counts()
        self._pixels = width * height
        self.acts = ActLedger(width, self._pixels, self.canvas_at)
        self._next = 0
        self._refused: set[int] = set()
        self._unchecked: dict[int, int] = {}  # number -> version
        self._sighted: dict[int, int] = {}  # version -> CRC-32
        self._log_id: str | None = None
        self._values: list[bytes] = []
        self._where: dict[int, int] = {}  # number -> offset
        self._canvas = bytearray(self._pixels)
        self._crcs = [zlib.crc32(self._canvas)]

    @property
    def end(self) -> int:
        """The log's next offset when it was last read."""
        return len(self._values)

    def new_edit(self) -> Edit:
        """Make an edit that differs from all before."""
        number = self._next
        if number >= self._pixels * (self.colors - 1):
            raise ValueError(f"{number} edits were numbered already; this canvas can tell no more of them apart")
        self._next += 1
        pixel = number * _STEP % self._pixels
        return pixel % self.width, pixel // self.width, 1 + number // self._pixels

    def _number(self, edit: Edit) -> int:
        x, y, color = edit
        inverse = pow(_STEP, -1, self._pixels)
        return (y * self.width + x) * inverse % self._pixels + (color - 1) * self._pixels

    def author_of(self, edit: Edit | None) -> str | None:
        """The author of an edit, as acts name them; None if the log didn't have it when it was last read."""
        found = None if edit is None else self._where.get(self._number(edit))
        if found is None:
            return None
        return next(
            f"{author:016x}" for *each, author in _EDIT.iter_unpack(self._values[found][2:]) if tuple(each) == edit
        )

    def acknowledge(self, edit: Edit, version: int) -> None:
        """Note that an edit was answered 200."""
        self.counts.acknowledged += 1
        if version <= self.end and self._where.get(self._number(edit)) != version - 1:
            raise Broken(1, f"the edit {edit} was answered with version {version}, which the log had filled before")
        self._unchecked[self._number(edit)] = version

    def refuse(self, edit: Edit) -> None:
        """Note that an edit was answered with an error that says that it isn't in the log."""
        self.counts.refused += 1
        number = self._number(edit)
        if number in self._where:
            raise Broken(6, f"the edit {edit} was refused, and is in record {self._where[number]}")
        self._refused.add(number)

    def sight(self, who: str, log_id: str, version: int, pixels: bytes | bytearray) -> None:
        """Note that a client had this canvas at this version."""
        self.counts.sightings += 1
        if self._log_id is not None and log_id != self._log_id:
            raise Broken(3, f"{who} was told of log {log_id}; it is {self._log_id}")
        crc = zlib.crc32(pixels)
        expected = self._crcs[version] if version < len(self._crcs) else self._sighted.setdefault(version, crc)
        if crc != expected:
            raise Broken(3, f"{who} had another canvas at version {version} than the log, or than others")

    def read(self, log_id: str, values: Sequence[bytes]) -> None:
        """Compare everything with the whole log, as it is on the disk now."""
        self.counts.looks += 1
        if self._log_id not in (None, log_id):
            raise Broken(1, f"the log is another one, {log_id}; it was {self._log_id}")
        self._log_id = log_id
        if len(values) < self.end:
            raise Broken(1, f"the log ends at {len(values)}, and ended at {self.end} when it was last read")
        changed = next((at for at, old in enumerate(self._values) if values[at] != old), None)
        if changed is not None:
            raise Broken(1, f"record {changed} has changed since it was last read")
        for value in values[self.end :]:
            self._apply(value)
        self._check_acknowledged()
        self.acts.check(self.end)
        self._check_sighted()

    def _apply(self, value: bytes) -> None:
        offset, height = self.end, _height_of(value)
        if height is not None and offset:
            self._grow(offset, height)
        for edit, author in _with_authors(value):
            number = self._number(edit)
            if number >= self._next:
                raise Broken(6, f"record {offset} holds {edit}, which nobody placed")
            if number in self._refused:
                raise Broken(6, f"record {offset} holds {edit}, which was refused")
            if number in self._where:
                raise Broken(6, f"record {offset} holds {edit}, which is in record {self._where[number]} already")
            self._where[number] = offset
            x, y, color = edit
            self._canvas[y * self.width + x] = color
            self.acts.edit(offset, y * self.width + x, color, author)
        correction = correction_of(value)
        if correction is not None:
            self.acts.correct(offset, *correction, self._canvas)
        self.acts.read(offset, value, self._canvas)
        self._values.append(value)
        self._crcs.append(zlib.crc32(self._canvas))

    def _grow(self, offset: int, height: int) -> None:
        if not self.acts.is_asked_for(height):
            raise Broken(6, f"record {offset} makes the canvas {height} px high, which nobody asked for")
        self._canvas.extend(bytes(max(0, height * self.width - len(self._canvas))))
        self.acts.grow(len(self._canvas))

    def _check_acknowledged(self) -> None:
        for number, version in self._unchecked.items():
            found = self._where.get(number)
            if found != version - 1:
                where = "nowhere in the log" if found is None else f"in record {found}"
                raise Broken(1, f"an edit was answered with version {version}, and is {where}; it ends at {self.end}")
        self._unchecked.clear()

    def _check_sighted(self) -> None:
        for version, crc in self._sighted.items():
            if version > self.end:
                raise Broken(1, f"somebody was at version {version}, and the log ends at {self.end}")
            if crc != self._crcs[version]:
                raise Broken(3, f"somebody had another canvas at version {version} than the log")
        self._sighted.clear()

    def canvas_at(self, version: int) -> bytearray:
        """The canvas that the records below `version` make; the ledger must have read them."""
        canvas = bytearray(self._pixels)
        for value in self._values[:version]:
            canvas.extend(bytes(max(0, (_height_of(value) or 0) * self.width - len(canvas))))
            for x, y, color in (correction_of(value) or (0, decode(value)))[1]:
                canvas[y * self.width + x] = color
        return canvas
