"""Parses one value of a text, or raises an error that names the value and what is allowed. Pure."""

from __future__ import annotations

import datetime as dt
import re
import reprlib
from typing import Final

_REPR: Final = reprlib.Repr()  # bounds what a message shows of a value
_REPR.maxstring = _REPR.maxother = 60
_NUMBER: Final = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_COLOR: Final = re.compile(r"#?([0-9A-Fa-f]{6})", re.ASCII)
_AUTHOR: Final = re.compile(r"[0-9A-Fa-f]{16}", re.ASCII)
_MOMENT: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[ T]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?(?: UTC|Z)?", re.ASCII
)
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MAX_MS: Final = 253_402_300_799_999  # the last of the year 9999
_SECONDS_UP_TO: Final = 100_000_000_000  # in ms this is 1973, in seconds 5138


class BadValue(ValueError):
    """A value can't be read or isn't allowed; the message names it."""


def shown(value: object) -> str:
    """A value for a message: in quotes, and shortened."""
    return _REPR.repr(value)


def whole_number(text: str, name: str) -> int:
    """A whole number of up to 18 digits."""
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        raise BadValue(f"{name} {shown(text)}; allowed is a whole number")
    return int(text)


def moment_ms(text: str, name: str = "time") -> int:
    """Parse a moment into ms since the epoch; finer digits are cut off."""
    text = text.strip()
    if _NUMBER.fullmatch(text):
        number = int(text)
        ms = number * 1000 if 0 <= number < _SECONDS_UP_TO else number
    else:
        ms = _date_ms(text, name)
    if not 0 <= ms <= _MAX_MS:
        raise BadValue(f"{name} {shown(text)}; allowed are moments of the years 1970 to 9999")
    return ms


def _date_ms(text: str, name: str) -> int:
    match = _MOMENT.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        whole = dt.datetime(*map(int, match.groups()[:6]), tzinfo=dt.UTC)  # type: ignore[arg-type, misc]
    except ValueError:
        raise BadValue(
            f"{name} {shown(text)}; allowed are moments such as '2022-04-04 00:53:51.577 UTC', or ms since 1970"
        ) from None
    fraction = (match[7] or "").ljust(3, "0")[:3]
    return (whole - _EPOCH) // dt.timedelta(milliseconds=1) + int(fraction)


def color_rgb(text: str) -> int:
    """A colour as red << 16 | green << 8 | blue."""
    match = _COLOR.fullmatch(text.strip())
    if match is None:
        raise BadValue(f"colour {shown(text)}; allowed are six hexadecimal digits, such as '#FF4500'")
    return int(match[1], 16)


def author_id(text: str) -> int:
    """Parse an author, 16 hexadecimal digits."""
    if not _AUTHOR.fullmatch(text):
        raise BadValue(f"author {shown(text)}; allowed are 16 hexadecimal digits")
    return int(text, 16)
