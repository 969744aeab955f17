"""Reads a text file in blocks of whole lines, gzipped or not, so that a file of any size takes the memory of one block.

Pure, except that it reads the file.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np
from isal import igzip

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

# 4 MB are 40,000 of Reddit's lines: with so many, numpy's calls cost nothing, and the columns still fit into the cache.
BLOCK_BYTES: Final = 4 << 20
MAX_LINE_BYTES: Final = 64 << 10  # the longest line of any format is 200 bytes; a file without line ends is no table
_GZIP_MAGIC: Final = b"\x1f\x8b"
_UTF8_MARK: Final = b"\xef\xbb\xbf"
_NEWLINE: Final = 0x0A
_RETURN: Final = 0x0D


class FileUnusable(Exception):
    """A file can't be read or can't be imported; the message names it."""


@attrs.frozen(eq=False)
class Block:
    """Consecutive whole lines.

    Attributes:
        data: the bytes; they end with a line end.
        buffer: the same bytes as a uint8 array.
        begins: int64, shape (lines,): where each line begins in `data`.
        ends: int64, shape (lines,): where each line ends, before its line end.
        first_line: the number of the first line in its file, from 1.
    """

    data: bytes
    buffer: NDArray[np.uint8]
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]
    first_line: int

    @classmethod
    def of(cls, data: bytes, first_line: int) -> Block:
        """The lines in `data`, which ends with a line end."""
        buffer = np.frombuffer(data, np.uint8)
        ends = np.flatnonzero(buffer == _NEWLINE)
        begins = np.concatenate([np.zeros(1, np.int64), ends[:-1] + 1])
        # Lines of a file from Windows end one byte earlier.
        ends = ends - ((ends > begins) & (buffer[ends - 1] == _RETURN))
        return cls(data, buffer, begins, ends, first_line)

    def __len__(self) -> int:
        """How many lines."""
        return len(self.begins)

    def line(self, index: int) -> str:
        """One line's text; bytes that aren't UTF-8 become surrogates."""
        return self.data[self.begins[index] : self.ends[index]].decode("utf-8", "surrogateescape")


class LineFile:
    """An open text file.

    Attributes:
        path: the path that the caller gave.
    """

    def __init__(self, path: Path, raw: BinaryIO) -> None:
        self.path = path
        self._raw = raw
        is_gzip = raw.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        raw.seek(0)
        self._file: BinaryIO = igzip.open(raw) if is_gzip else raw  # type: ignore[no-untyped-call]
        self._rest = b""
        self._line = 1

    @property
    def read_bytes(self) -> int:
        """The number of bytes read so far, as on the disk."""
        return self._raw.tell()

    def first_line(self) -> str:
        """The first line; it isn't taken out of the file.

        Raises:
            FileUnusable: the file can't be read.
        """
        self._rest = self._read(MAX_LINE_BYTES).removeprefix(_UTF8_MARK)
        return self._rest.partition(b"\n")[0].decode("utf-8", "surrogateescape").rstrip("\r")

    def skip_line(self) -> None:
        """Leave out the first line, after `first_line`."""
        self._rest = self._rest.partition(b"\n")[2]
        self._line += 1

    def blocks(self, size_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
        """The lines that haven't been read.

        Raises:
            FileUnusable: the file can't be read, or a line is longer than any import takes.
        """
        while data := self._read(size_bytes):
            whole, newline, self._rest = (self._rest + data).rpartition(b"\n")
            if newline:
                yield self._block(whole + newline)
            if len(self._rest) > MAX_LINE_BYTES:
                place = f"{self.path}, line {self._line}"
                raise FileUnusable(f"{place}: more than {MAX_LINE_BYTES} bytes without a line end")
        if self._rest:
            yield self._block(self._rest.removesuffix(b"\n") + b"\n")

    def _block(self, data: bytes) -> Block:
        block = Block.of(data, self._line)
        self._line += len(block)
        return block

    def _read(self, size_bytes: int) -> bytes:
        try:
            return self._file.read(size_bytes)
        except (OSError, EOFError, zlib.error, igzip.BadGzipFile) as error:
            raise FileUnusable(f"{self.path}: can't be read: {error}") from error
