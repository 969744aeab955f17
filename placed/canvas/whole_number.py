"""Reads a whole number as JSON, a form or a query may spell it: one rule for everything that is asked for. Pure."""

from __future__ import annotations

import re
from typing import Final

_MOST_EXACT: Final = 2.0**53  # up to here a float is one integer and no other (RFC 8259, section 6)
# Python's int() takes more: spaces, `1_000`, the digits of all scripts, and as many as there are.
_DIGITS: Final = re.compile(r"-?[0-9]{1,20}", re.ASCII)


def whole(value: object) -> int | None:
    """The whole number that `value` is, given in decimal digits or as a JSON number; None if it is none.

    `1.0` is one: languages whose numbers are all floats write it so. JSON's `true` is none, though an int to Python.
    """
    if isinstance(value, str):
        return int(value) if _DIGITS.fullmatch(value) else None
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < _MOST_EXACT else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
