"""Reads and writes moments in requests and answers: RFC 3339, or ms since the epoch. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from placed.http.answer import invalid_parameter

ALLOWED: Final = "a moment such as 2017-04-01T12:00:00Z, or the ms since 1970 such as 1491048000000"
_MS: Final = re.compile(r"[0-9]{1,15}", re.ASCII)
# An unescaped + in a query is read as a space.
_RFC3339: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+\- ])(\d\d):(\d\d))", re.ASCII
)
_MOST_MS: Final = 253_402_300_799_999  # the last one of the year 9999
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def moment_of(name: str, text: str) -> int:
    """The moment that a parameter names, in ms since the epoch.

    Raises:
        Problem: 400, it's no moment, or not in the years 1970 to 9999.
    """
    if _MS.fullmatch(text):
        ms = int(text)
    else:
        match = _RFC3339.fullmatch(text)
        if match is None:
            raise invalid_parameter(name, text, ALLOWED, "is no moment")
        ms = _ms(name, text, match)
    if not 0 <= ms <= _MOST_MS:
        raise invalid_parameter(name, text, ALLOWED, "is out of range")
    return ms


def _ms(name: str, text: str, match: re.Match[str]) -> int:
    date, time, fraction, sign, hours, minutes = match.groups()
    try:
        moment = datetime.fromisoformat(f"{date}T{time}+00:00")
        zone = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    except ValueError:
        raise invalid_parameter(name, text, ALLOWED, "is no moment") from None
    since = moment - _EPOCH - (-zone if sign == "-" else zone)
    return since // timedelta(milliseconds=1) + int((fraction or "0")[:3].ljust(3, "0"))


def in_words(ms: int) -> str:
    """A moment as RFC 3339, in UTC with ms."""
    moment = _EPOCH + timedelta(milliseconds=ms)
    # This takes a fifth of strftime's time: a pixel's past has a hundred moments.
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
