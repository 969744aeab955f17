"""Parses moments from the command line: dates, times, ages, ms since the epoch. Pure."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

from placed.commands.import_.values import BadValue, shown

_FROM_NOW: Final = re.compile(r"([0-9]{1,9})(s|m|h|d)", re.ASCII)
_UNIT_MS: Final = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_MS: Final = re.compile(r"[0-9]{10,15}", re.ASCII)
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def moment_of(text: str, now_ms: int, *, ahead: bool = False) -> int:
    """Parse a moment into ms since the epoch.

    Args:
        text: RFC 3339 (UTC if it names no zone), a date alone, a time from now such as 24h, or ms since the epoch.
        now_ms: the present time, ms since the epoch.
        ahead: whether a time from now lies in the future; otherwise it is an age, and counts back.

    Raises:
        BadValue: the text is none of these.
    """
    from_now = _FROM_NOW.fullmatch(text)
    if from_now:
        ms = int(from_now[1]) * _UNIT_MS[from_now[2]]
        return now_ms + ms if ahead else max(0, now_ms - ms)
    if _MS.fullmatch(text):
        return int(text)
    try:
        moment = dt.datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
        ms = (moment - _EPOCH) // dt.timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        ms = -1
    if ms < 0:
        raise BadValue(
            f"{shown(text)}; allowed are moments such as 2026-11-28T20:15:00Z or 2026-11-28, or times from now like 24h"
        )
    return ms
