"""A report: somebody says that a place on the canvas should be looked at. Pure.

It is kept with the version at which it was made and a picture of the place as it was then, since what is reported is
often gone when a moderator looks, and a server may keep no history.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

import attrs

from placed.canvas import png
from placed.canvas.area import Area

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_TEXT: Final = 500  # characters
SEEN_PX: Final = 64  # the picture's sides, at most: 5 KB with 256 colours
STATES: Final = ("new", "seen", "done")
NEW, _SEEN, DONE = STATES


class ReportDamaged(ValueError):
    """What is stored is no report."""


@attrs.frozen(kw_only=True)
class Report:
    """One of them.

    Attributes:
        id: counts up from 1; 0 for one that isn't stored yet.
        time_ms: when it was made, since the epoch.
        version: the canvas's then.
        area: the place.
        text: what was said.
        author: who said it.
        seen: what the picture shows of the canvas.
        picture: a PNG.
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

    def encode(self) -> bytes:
        """As it is stored."""
        fields = attrs.asdict(self, recurse=False)
        fields |= {"area": self.area.as_json(), "seen": self.seen.as_json()}
        return json.dumps(fields | {"picture": base64.b64encode(self.picture).decode()}).encode()

    def exported(self) -> dict[str, Any]:
        """As whoever wrote it may ask to have it: all but the picture, which shows the canvas alone."""
        return {
            "id": self.id,
            "time_ms": self.time_ms,
            "v": self.version,
            "area": self.area.as_json(),
            "text": self.text,
            "state": self.state,
        }

    @classmethod
    def decode(cls, stored: bytes) -> Report:
        """The report that was stored.

        Raises:
            ReportDamaged: it is none.
        """
        try:
            fields = json.loads(stored)
            fields |= {"area": Area(*fields["area"]), "seen": Area(*fields["seen"])}
            report = cls(**fields | {"picture": base64.b64decode(fields["picture"])})
        except (TypeError, KeyError, ValueError) as error:
            raise ReportDamaged(f"no report: {error}") from error
        if report.state not in STATES:
            raise ReportDamaged(f"its state is {report.state!r}")
        return report


def around(area: Area, width: int, height: int) -> Area:
    """What a picture of the place shows: its middle, and what lies around it, as far as the canvas goes."""
    x, wide = _stretch(area.x, area.width, width)
    y, high = _stretch(area.y, area.height, height)
    return Area(x, y, wide, high)


def _stretch(begin: int, length: int, side: int) -> tuple[int, int]:
    shown = min(SEEN_PX, side)
    return min(max(0, begin + length // 2 - shown // 2), side - shown), shown


def picture_of(seen: Area, canvas: NDArray[np.uint8], rgb: bytes) -> bytes:
    """The PNG of a part of the canvas."""
    return png.encode(canvas[seen.y : seen.y + seen.height, seen.x : seen.x + seen.width], rgb)
