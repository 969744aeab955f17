"""Lines of the tables that can be imported, and their meaning, written out again."""

from __future__ import annotations

import datetime as dt
import gzip
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

USER: Final = "ovTZk4GyTS1mDQnTbV+vDOCu1f+u6w+CkIZ6445vD4XN8alFy/6GtNkYp5MSic6Tjo/fBCCGe6oZKMAN3rEZHw=="
HEADERS: Final = {
    2017: "ts,user_hash,x_coordinate,y_coordinate,color",
    2022: "timestamp,user_id,pixel_color,coordinate",
    2023: "timestamp,user,coordinate,pixel_color",
}
# The colours of the test's pixels, all of them in Reddit's palette of 2022, by index.
RGB: Final = ("#FFFFFF", "#6D001A", "#BE0039", "#FF4500", "#FFA800", "#FFD635")


@attrs.frozen
class Placed:
    """One line: a pixel, by somebody, at a time in ms since the epoch."""

    time_ms: int
    user: str
    x: int
    y: int
    color: int


def moment(time_ms: int) -> str:
    """A moment as Reddit writes it: without zeros at the fraction's end, and without a fraction of 0."""
    whole = dt.datetime.fromtimestamp(time_ms // 1000, dt.UTC).strftime("%Y-%m-%d %H:%M:%S")
    fraction = f".{time_ms % 1000:03}".rstrip("0").rstrip(".")
    return f"{whole}{fraction} UTC"


def line_of(year: int, one: Placed) -> str:
    """The line for it in a table of that year."""
    if year == 2017:
        return f"{one.time_ms},{one.user},{one.x},{one.y},{one.color}"
    if year == 2022:
        return f'{moment(one.time_ms)},{one.user},{RGB[one.color]},"{one.x},{one.y}"'
    return f'{moment(one.time_ms)},{one.user},"{one.x},{one.y}",{RGB[one.color]}'


def write_table(path: Path, year: int, lines: Iterable[str], end: str = "\n") -> Path:
    """Write a table of that year, gzipped if its name ends in .gz."""
    data = "".join(f"{line}{end}" for line in (HEADERS[year], *lines)).encode()
    path.write_bytes(gzip.compress(data, 1) if path.suffix == ".gz" else data)
    return path
