"""Chunks of HTTP/1.1, as they come from a stream."""

from __future__ import annotations

_LINE_END = b"\r\n"


class Chunks:
    """Takes the chunks' frames off what comes, however it is cut."""

    def __init__(self) -> None:
        self._rest = b""
        self._left = 0  # of the chunk that has begun, with its end
        self._is_last = False

    @property
    def is_whole(self) -> bool:
        """Whether the last chunk has come."""
        return self._is_last and not self._left

    def feed(self, data: bytes) -> bytes:
        """What is in `data` but for the frames; of a chunk that hasn't come whole as much as has."""
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
