"""Makes frames: the edits from one version to a later one, once for all subscribers at that version.

Subscribers that keep up stand at one of the last few versions, and their frames are forgotten when the next record
comes. A frame that ends with a block of the feed is the same for ever. It is kept for subscribers that catch up: up to
`_FULL_FRAMES` of the frames that were wanted last. All of them are chunks, so the bytes that one slow stream still has
to take are the others', too.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from placed.stream import sse
from placed.stream.chunked import chunk_of

if TYPE_CHECKING:
    from placed.canvas.feed import Feed

_NEW_FRAMES: Final = 64  # nearly all subscribers stand at one of the last few versions
_FULL_FRAMES: Final = 64  # 4 MB as JSON; 200,000 edits


class Format(enum.Enum):
    """How a stream tells edits."""

    CODES = "codes"
    JSON = "json"


class Frames:
    """The frames of one feed."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._new: dict[tuple[int, Format], tuple[int, bytes]] = {}
        self._full: dict[tuple[int, Format], tuple[int, bytes]] = {}

    def forget_new(self) -> None:
        """Begin anew where the feed ended until now."""
        self._new.clear()

    def is_made(self, version: int, form: Format) -> bool:
        """Whether the frame from `version` on is at hand."""
        return (version, form) in self._new or (version, form) in self._full

    def get(self, version: int, form: Format) -> tuple[int, bytes]:
        """The version after, and the chunk of, the frame from `version` on, which the feed reaches back to."""
        key = version, form
        if key in self._full:
            self._full[key] = self._full.pop(key)  # the last one to be dropped
            return self._full[key]
        return self._new.get(key) or self._made(version, form)

    def _made(self, version: int, form: Format) -> tuple[int, bytes]:
        frame = self._feed.since(version)
        encode = sse.codes_frame if form is Format.CODES else sse.json_frame
        made = frame.version, chunk_of(encode(frame, self._feed.code))
        if not frame.is_last:
            self._full[version, form] = made
            if len(self._full) > _FULL_FRAMES:
                del self._full[next(iter(self._full))]
        elif len(self._new) < _NEW_FRAMES:
            self._new[version, form] = made
        return made
