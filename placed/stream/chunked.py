"""Makes the chunks of HTTP/1.1, for a body whose length isn't known when it begins (RFC 9112, section 7.1). Pure.

Without chunks a stream is a body that ends with its connection. Clients that read a fixed number of bytes at a time, as
Python's `requests` does, then wait until that many have come. With chunks they get each one as it comes.
"""

from __future__ import annotations

from typing import Final

LAST_CHUNK: Final = b"0\r\n\r\n"
_END: Final = b"\r\n"


def chunk_of(data: bytes) -> bytes:
    """One chunk with all of `data`, which mustn't be empty: an empty chunk ends the body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def data_of(chunk: bytes) -> bytes:
    """The data in one whole chunk."""
    return chunk[chunk.index(_END) + len(_END) : -len(_END)]
