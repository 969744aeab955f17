"""Reads the trace of `recorder.c`: the changes that a server made to its files, and its promises to clients. Pure."""

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
WRITTEN: Final = "d"  # the end of a synchronous write
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
        kind: one of those above.
        synchronous: for a write: it is on the disk when it has ended.
        number: number of this op; for an end, that of its begin.
        file: number of the file, whatever its name.
        offset: where a write begins, or the size to which a file is cut.
        name: name relative to the watched folder.
        data: the bytes written or sent; for a rename, the new name.
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
        """The version up to which the sent bytes promise a client that the log has it; 0 if they promise nothing."""
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
