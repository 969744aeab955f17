"""Reads what `recorder.c` wrote down: what a server did to its files, and what it promised to its clients. Pure."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

WRITE: Final = "w"
TRUNCATE: Final = "t"
SYNC: Final = "s"
SYNCED: Final = "e"
WRITTEN: Final = "d"  # the end of a write that is synchronous by itself
CREATE: Final = "c"
FOLDER: Final = "m"
REMOVE: Final = "u"
RENAME: Final = "r"
SEND: Final = "p"

_HEAD: Final = struct.Struct("=BBQQqII")
_ANSWER: Final = re.compile(rb'^HTTP/1\.1 200 .*\{"v": ?(\d+)\}$', re.DOTALL)
_FRAME: Final = re.compile(rb"(?:^|\n)id: (\d+)\n")


@attrs.frozen
class Op:
    """One thing that the server did.

    Attributes:
        kind: of those above.
        synchronous: of a write: it is on the disk when it has ended.
        number: of this op; that of its begin, where this is an end.
        file: which one, whatever its name.
        offset: where a write begins; the size that a file is cut to.
        name: relative to the folder that was watched.
        data: what was written or sent; the new name.
    """

    kind: str
    synchronous: bool
    number: int
    file: int
    offset: int
    name: str
    data: bytes

    @property
    def promised(self) -> int:
        """The version up to which a client is told that it has the log, by what is sent; 0 if it isn't."""
        if self.kind != SEND:
            return 0
        found = _ANSWER.findall(self.data) or _FRAME.findall(self.data)
        return max(map(int, found), default=0)


def read(trace: bytes) -> Iterator[Op]:
    """All ops of a trace, in order."""
    at = 0
    while at < len(trace):
        kind, synchronous, number, file, offset, name_length, length = _HEAD.unpack_from(trace, at)
        begin = at + _HEAD.size + name_length
        name = trace[at + _HEAD.size : begin].decode()
        yield Op(chr(kind), bool(synchronous), number, file, offset, name, trace[begin : begin + length])
        at = begin + length
