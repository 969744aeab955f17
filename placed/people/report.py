"""A report: somebody asks moderators to look at a place on the canvas. Pure.

The store keeps it with the canvas's version and a picture of the place at that moment, because the reported pixels are
often gone when a moderator looks, and a server may keep no history. The reporter's text is personal, so it goes only
into the people store: into no log line, no metric, no feed.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

import attrs

from placed.canvas.area import Area

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_TEXT: Final = 500  # characters
SEEN_PX: Final = 64  # the picture's sides, at most: 5 KB with 256 colours
STATES: Final = ("new", "seen", "done")
NEW, _SEEN, DONE = STATES


@attrs.frozen(kw_only=True)
class Report:
    """One report.

    Attributes:
        id: counts up from 1; 0 for a report that isn't stored yet.
        time_ms: when it was made, in ms since the epoch.
        version: the canvas's version at that time.
        area: the reported place.
        text: the reporter's text.
        author: the reporter's author.
        seen: the area of the canvas that the picture shows.
        picture: a PNG of that area.
        state: one of `STATES`.
    """

    id: int = 0
    time_ms: int
    version: int
    area: Area
    text: str = attrs.field(repr=False)
    author: int
    seen: Area
    picture: bytes = attrs.field(repr=False)
    state: str = NEW

    def fields(self) -> dict[str, Any]:
        """The fields of its record; id and author are in the record's key, and the state has a record of its own."""
        return {
            "time_ms": self.time_ms,
            "version": self.version,
            "area": self.area.as_json(),
            "text": self.text,
            "seen": self.seen.as_json(),
            "picture": base64.b64encode(self.picture).decode(),
        }

    @classmethod
    def of(cls, report_id: int, author: int, fields: Mapping[str, Any], state: str) -> Report:
        """The report that is stored in these fields, which have been checked."""
        return cls(
            id=report_id,
            time_ms=fields["time_ms"],
            version=fields["version"],
            area=Area(*fields["area"]),
            text=fields["text"],
            author=author,
            seen=Area(*fields["seen"]),
            picture=base64.b64decode(fields["picture"]),
            state=state,
        )

    def exported(self) -> dict[str, Any]:
        """The report for an export of its author's data: all but the picture, which shows only the canvas."""
        return {
            "id": self.id,
            "time_ms": self.time_ms,
            "v": self.version,
            "area": self.area.as_json(),
            "text": self.text,
            "state": self.state,
        }


def around(area: Area, width: int, height: int) -> Area:
    """The area that a picture of a place shows: the place's middle, and its surroundings within the canvas."""
    x, wide = _stretch(area.x, area.width, width)
    y, high = _stretch(area.y, area.height, height)
    return Area(x, y, wide, high)


def _stretch(begin: int, length: int, side: int) -> tuple[int, int]:
    shown = min(SEEN_PX, side)
    return min(max(0, begin + length // 2 - shown // 2), side - shown), shown
