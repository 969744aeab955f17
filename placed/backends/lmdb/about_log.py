"""Reads and writes an LMDB log's description of itself, in its main database, beside its records.

    key "about"     format u16 | log id 16 | created_ms u64 | transaction u64 | next offset u64 | last time_ms u64 |
                    crc u32; rewritten by each commit
    key "origin"    is a backup u8 | log id 16 | version u64 | crc u32; in a log that began as a copy of another one

All little-endian; crc is CRC-32 over all bytes before it.

A backup that is served goes its own way: its versions past the copy mean other records than in the original log. So it
takes a log id of its own when it is first opened, each time that it is restored. Up to the version of the copy the two
logs are the same. Pure but for the page file that it reads from.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final

import attrs

from placed.backends.lmdb.stored_records import read_batch
from placed.storage.lmdb_pages import DamagedPages

if TYPE_CHECKING:
    from placed.storage.lmdb_pages import Meta, PageFile

RECORDS: Final = b"records"
ABOUT_KEY: Final = b"about"
ORIGIN_KEY: Final = b"origin"
_FORMAT: Final = 1
_ABOUT: Final = struct.Struct("<H16sQQQQ")
_ORIGIN: Final = struct.Struct("<?16sQ")
_CRC: Final = struct.Struct("<I")


@attrs.frozen
class About:
    """A log's own description, as of one transaction."""

    log_id: bytes
    created_ms: int
    transaction: int
    next_offset: int
    last_ms: int

    def encode(self) -> bytes:
        """The bytes to store."""
        # Field by field: `attrs.astuple` takes 5 us, at each commit.
        values = self.log_id, self.created_ms, self.transaction, self.next_offset, self.last_ms
        return _sealed(_ABOUT.pack(_FORMAT, *values))

    @classmethod
    def decode(cls, data: bytes | None) -> About:
        """The description in the stored bytes.

        Raises:
            DamagedPages: there are none, they are damaged, or of another format.
        """
        if data is None:
            raise DamagedPages("it doesn't say which log it is")
        version, *rest = _ABOUT.unpack(_unsealed(data, _ABOUT.size, "its description of itself"))
        if version != _FORMAT:
            raise DamagedPages(f"it is a log of format {version}; this server knows {_FORMAT}")
        return cls(*rest)


@attrs.frozen
class Origin:
    """The original that this log was copied from.

    Attributes:
        is_backup: whether the copy hasn't been opened since, and still has the original's id.
        log_id: the original's id.
        version: the two logs are the same up to, not including, this offset.
    """

    is_backup: bool
    log_id: bytes
    version: int

    def encode(self) -> bytes:
        """The bytes to store."""
        return _sealed(_ORIGIN.pack(*attrs.astuple(self)))

    @classmethod
    def decode(cls, data: bytes | None) -> Origin | None:
        """The origin in the stored bytes; None for None.

        Raises:
            DamagedPages: they are damaged.
        """
        return None if data is None else cls(*_ORIGIN.unpack(_unsealed(data, _ORIGIN.size, "its note of its original")))


def _sealed(body: bytes) -> bytes:
    return body + _CRC.pack(zlib.crc32(body))


def _unsealed(data: bytes, size: int, what: str) -> bytes:
    body = data[: -_CRC.size]
    if len(body) != size or data[-_CRC.size :] != _CRC.pack(zlib.crc32(body)):
        raise DamagedPages(f"{what} is damaged")
    return body


def newest_about(pages: PageFile) -> About:
    """The log's newest description."""
    return _about(pages, pages.newest)


def origin_of(pages: PageFile) -> Origin | None:
    """The original that this log was copied from; None if it isn't a copy."""
    return Origin.decode(pages.get(pages.newest.main, ORIGIN_KEY))


def _about(pages: PageFile, meta: Meta) -> About:
    """The description at one of the two commits that the file holds; it must be of that same transaction."""
    about = About.decode(pages.get(meta.main, ABOUT_KEY))
    # A compacted copy (mdb_copy -c) counts its transactions anew, from 1.
    if meta.transaction not in (1, about.transaction):
        raise DamagedPages(f"its description is of transaction {about.transaction}, and not of {meta.transaction}")
    return about


def check_log(pages: PageFile) -> About:
    """Check that the log has as many records as it says, and that the first and the last can be read."""
    about = newest_about(pages)
    # If damage makes the newest commit look old, the other commit has more records.
    for meta in pages.metas:
        if meta.transaction and _about(pages, meta).next_offset > about.next_offset:
            raise DamagedPages("its newest commit is damaged")
    records = pages.subtree(RECORDS)
    if records.entries != about.next_offset:
        raise DamagedPages(f"it has {records.entries} records, and should have {about.next_offset}")
    for offset in {0, about.next_offset - 1} if about.next_offset else ():
        read_batch(pages, records, offset, max_records=1, max_bytes=1)
    return about
