"""Reads and writes a log without a server, and makes its canvas in a second way.

A plain loop makes the canvas here, not the code under test, so that the two check each other.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import trio

from placed.backends.lmdb.log import open_lmdb_log
from placed.storage.lmdb_pages import PageFile
from tests.support.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from pathlib import Path

    from placed.backends import Log

Edit = tuple[int, int, int]
LIMIT_SECONDS: Final = PATIENCE_SECONDS
_EDIT = struct.Struct("<HHBQ")


def edits_in(value: bytes) -> list[Edit]:
    """The edits of one record, in order; empty for a damaged record or a record of another kind."""
    if value[:2] != b"\x01\x01" or len(value) == 2 or (len(value) - 2) % _EDIT.size:
        return []
    return [(x, y, color) for x, y, color, _author in _EDIT.iter_unpack(value[2:])]


def record_of(edits: list[Edit], author: int = 7) -> bytes:
    """Make a record of edits."""
    return b"\x01\x01" + b"".join(_EDIT.pack(x, y, color, author) for x, y, color in edits)


def canvas_record(width: int, height: int, colors: int) -> bytes:
    """Make the first record of a log, with a palette of greys."""
    return b"\x01\x02" + struct.pack("<HH", width, height) + b"".join(bytes([n, n, n]) for n in range(colors))


async def values_of(log: Log) -> list[bytes]:
    """All values of an open log; its offsets must have no gaps."""
    first, end = await log.bounds()
    values: list[bytes] = []
    if first == end:
        return values
    with trio.fail_after(LIMIT_SECONDS):
        async with log.read(first) as batches:
            async for batch in batches:
                values += batch.values
                if batch.next_offset >= end:
                    break
    assert first == 0
    assert len(values) == end
    return values


async def read_records(folder: Path) -> list[list[Edit]]:
    """The edits of each record, by offset, of the log in `folder`; no server may have it open."""
    async with open_lmdb_log(folder) as log:
        return [edits_in(value) for value in await values_of(log)]


def stored_snapshot(path: Path) -> bytes:
    """The bytes of the snapshot in the data file `path`, which may also hold pages of older snapshots."""
    with path.open("rb") as file:
        pages = PageFile(file.fileno())
        value = pages.get(pages.newest.main, b"snapshot")
    assert value is not None
    return value


async def append_records(folder: Path, values: list[bytes]) -> None:
    """Append records to the log in `folder`, and create it if there is none; no server may have it open."""
    async with open_lmdb_log(folder) as log:
        with trio.fail_after(LIMIT_SECONDS):
            await log.append_all(values)


class ModelCanvas:
    """A canvas painted edit by edit.

    Attributes:
        version: the canvas has every record with a lower offset.
        pixels: one byte for each pixel, row by row.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.version = 0
        self.pixels = bytearray(width * height)

    def paint(self, edits: list[Edit]) -> None:
        """Apply one more record."""
        for x, y, color in edits:
            self.pixels[y * self.width + x] = color
        self.version += 1

    @classmethod
    def of(cls, records: list[list[Edit]], width: int, height: int) -> ModelCanvas:
        """The canvas of a whole log."""
        canvas = cls(width, height)
        for edits in records:
            canvas.paint(edits)
        return canvas
