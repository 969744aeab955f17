"""Makes frames: the edits from one version to a later one, made once for all subscribers at that version.

Subscribers that keep up stand at one of the last few versions, and their frames are forgotten when the next record
comes. A frame that ends with a block of the feed never changes. It is kept for subscribers that catch up: the last
`_FULL_FRAMES` that were asked for. Frames are kept as chunks, so that all streams share the same bytes, also the rest
that a slow stream has yet to take.
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
    """The form in which a stream sends edits."""

    CODES = "codes"
    JSON = "json"


class Frames:
    """The frames of one feed."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._new: dict[tuple[int, Format], tuple[int, bytes]] = {}
        self._full: dict[tuple[int, Format], tuple[int, bytes]] = {}

    def forget_new(self) -> None:
        """Forget the frames that reach to the end of the feed: it has grown, and they lack the newest edits."""
        self._new.clear()

    def is_made(self, version: int, form: Format) -> bool:
        """Whether the frame from `version` on has been made already."""
        return (version, form) in self._new or (version, form) in self._full

    def get(self, version: int, form: Format) -> tuple[int, bytes]:
        """The frame from `version` on, which the feed must still have: the version after it, and its chunk."""
        key = version, form
        if key in self._full:
            self._full[key] = self._full.pop(key)  # put last in the dict, whose first frame is dropped next
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
