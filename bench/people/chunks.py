"""The chunks of a stream over HTTP/1.1."""

from __future__ import annotations

_LINE_END = b"\r\n"


class Chunks:
    """Removes the chunk headers from a stream, however its bytes are cut."""

    def __init__(self) -> None:
        self._rest = b""
        self._left = 0  # bytes left of the current chunk, with its end
        self._is_last = False

    @property
    def is_whole(self) -> bool:
        """Whether the last chunk has arrived."""
        return self._is_last and not self._left

    def feed(self, data: bytes) -> bytes:
        """Return the content in `data`, without chunk headers; also the content of a chunk that isn't complete yet."""
        parts, at, data = [], 0, self._rest + data
        while at < len(data):
            if not self._left:
                end = data.find(_LINE_END, at)
                if end < 0:
                    break
                self._left = int(data[at:end], 16) + len(_LINE_END)
                at = end + len(_LINE_END)
                self._is_last = self._left == len(_LINE_END)
            parts.append(data[at : at + max(0, self._left - len(_LINE_END))])
            taken = min(self._left, len(data) - at)
            self._left -= taken
            at += taken
        self._rest = data[at:]
        return b"".join(parts)
