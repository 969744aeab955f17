"""Parses columns of numbers out of lines of text, without a loop over the lines. Pure.

Each function returns values, and a mask of the good ones. The caller reads each other line again by itself with
`placed.commands.import_.values`, which says what is wrong. So these functions may refuse rare forms, but must never
accept what `values` refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from placed.commands.import_.blocks import Block

    Bytes = NDArray[np.uint8]
    Places = NDArray[np.int64]
    Mask = NDArray[np.bool_]
    Numbers = NDArray[np.int64]

_COMMA: Final = ord(",")
_MINUS: Final = ord("-")
_ZERO: Final = np.uint8(ord("0"))
_NO_DIGIT: Final = 255
_MS_DIGITS: Final = 13  # of a moment in ms since the epoch, from 2001 to 2286
_SECONDS_CHARACTERS: Final = 19  # 2022-04-04 00:53:51


def _hex_values() -> NDArray[np.uint8]:
    values = np.full(256, _NO_DIGIT, np.uint8)
    for digits in (b"0123456789abcdef", b"0123456789ABCDEF"):
        values[np.frombuffer(digits, np.uint8)] = np.arange(16)
    return values


_HEX_VALUES: Final = _hex_values()


def split(block: Block, commas: int) -> tuple[Places, Places]:
    """Find the lines with this number of commas, and where their fields are.

    Returns:
        The lines' indexes, shape (n,); and the bounds of the fields, shape (n, commas + 2): field k lies between
        `bounds[:, k]` and `bounds[:, k + 1]`, both excluded.
    """
    at = np.flatnonzero(block.buffer == _COMMA)
    first = np.searchsorted(at, block.begins)
    lines = np.flatnonzero(np.searchsorted(at, block.ends) - first == commas)
    inner = at[first[lines][:, None] + np.arange(commas)]
    bounds = np.concatenate([block.begins[lines, None] - 1, inner, block.ends[lines, None]], axis=1)
    return lines, bounds


def integers(buffer: Bytes, begins: Places, ends: Places, *, digits: int) -> tuple[Numbers, Mask]:
    """Parse whole numbers with at most this many digits, with or without a minus."""
    is_negative = buffer[np.minimum(begins, len(buffer) - 1)] == _MINUS
    begins = begins + is_negative
    sizes = ends - begins
    good = (sizes >= 1) & (sizes <= digits)
    values = np.zeros(len(begins), np.int64)
    for place in range(digits):
        has = place < sizes
        digit = buffer[np.where(has, ends - 1 - place, 0)] - _ZERO
        good &= ~has | (digit <= 9)
        values += np.where(has, digit, np.uint8(0)) * np.int64(10**place)
    return np.where(is_negative, -values, values), good


def hex_numbers(buffer: Bytes, begins: Places, ends: Places, *, digits: int) -> tuple[NDArray[np.uint64], Mask]:
    """Parse numbers with exactly this many hexadecimal digits."""
    good = ends - begins == digits
    begins = np.where(good, begins, 0)
    values = np.zeros(len(begins), np.uint64)
    if len(buffer) < digits:
        return values, np.zeros(len(begins), np.bool_)
    for place in range(digits):
        digit = _HEX_VALUES[buffer[begins + place]]
        good &= digit != _NO_DIGIT
        values = values << np.uint64(4) | digit
    return values, good


def moments_ms(buffer: Bytes, begins: Places, ends: Places) -> tuple[Numbers, Mask]:
    """Parse moments into ms since the epoch, from a number of ms or from text like `2022-04-04 00:53:51.577 UTC`.

    The first space may be a T. The last word may be a Z, or missing. The fraction has at most 3 digits.
    """
    values, good = integers(buffer, begins, ends, digits=_MS_DIGITS)
    good &= (ends - begins == _MS_DIGITS) & (values >= 0)
    if good.all():
        return values, good
    dated, is_date = _dates_ms(buffer, begins, ends)
    return np.where(good, values, dated), good | is_date


def _dates_ms(buffer: Bytes, begins: Places, ends: Places) -> tuple[Numbers, Mask]:
    good = ends - begins >= _SECONDS_CHARACTERS
    begins = np.where(good, begins, 0)
    ends = np.where(good, ends, min(_SECONDS_CHARACTERS, len(buffer)))
    if len(buffer) < _SECONDS_CHARACTERS:
        return np.zeros(len(begins), np.int64), np.zeros(len(begins), np.bool_)
    ends = _without(buffer, ends, b" UTC")
    ends = _without(buffer, ends, b"Z")
    for place, allowed in ((4, b"-"), (7, b"-"), (10, b" T"), (13, b":"), (16, b":")):
        good &= np.isin(buffer[begins + place], np.frombuffer(allowed, np.uint8))
    parts = []
    for place, digits in ((0, 4), (5, 2), (8, 2), (11, 2), (14, 2), (17, 2)):
        part, are_digits = integers(buffer, begins + place, begins + place + digits, digits=digits)
        good &= are_digits & (part >= 0)
        parts.append(part)
    year, month, day, hour, minute, second = parts
    good &= (year >= 1970) & (month >= 1) & (month <= 12) & (day >= 1) & (hour < 24) & (minute < 60) & (second < 60)
    months = np.where(good, (year - 1970) * 12 + month - 1, 0).astype("M8[M]")
    good &= day <= ((months + 1).astype("M8[D]") - months.astype("M8[D]")).astype(np.int64)
    seconds = (months.astype("M8[D]").astype(np.int64) + day - 1) * 86_400 + hour * 3600 + minute * 60 + second
    fraction_ms, is_fraction = _fractions_ms(buffer, begins + _SECONDS_CHARACTERS, ends)
    return seconds * 1000 + fraction_ms, good & is_fraction


def _without(buffer: Bytes, ends: Places, suffix: bytes) -> Places:
    has = ends > len(suffix)
    for place, character in enumerate(reversed(suffix), 1):
        has &= buffer[np.maximum(ends - place, 0)] == character
    return np.where(has, ends - len(suffix), ends)


def _fractions_ms(buffer: Bytes, begins: Places, ends: Places) -> tuple[Numbers, Mask]:
    """Parse the text behind the seconds: nothing, or a point and 1 to 3 digits."""
    sizes = ends - begins - 1
    digits, are_digits = integers(buffer, np.minimum(begins + 1, ends), ends, digits=3)
    is_fraction = (buffer[np.minimum(begins, len(buffer) - 1)] == ord(".")) & are_digits & (digits >= 0)
    scale = np.array([1, 100, 10, 1], np.int64)[np.clip(sizes, 0, 3)]
    is_nothing = ends == begins
    is_positive = buffer[np.minimum(begins + 1, len(buffer) - 1)] != _MINUS
    return np.where(is_nothing, 0, digits * scale), is_nothing | (is_fraction & is_positive & (sizes <= 3))
