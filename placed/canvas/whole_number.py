"""Reads a whole number from JSON, a form or a query: one rule for all requests. Pure."""

from __future__ import annotations

import re
from typing import Final

_MOST_EXACT: Final = 2.0**53  # up to here a float is one integer and no other (RFC 8259, section 6)
# Python's int() takes more: spaces, `1_000`, the digits of all scripts, and any number of them.
_DIGITS: Final = re.compile(r"-?[0-9]{1,20}", re.ASCII)


def whole(value: object) -> int | None:
    """The whole number in `value`, a text of decimal digits or a JSON number; None if `value` is anything else.

    `1.0` is a whole number: languages whose numbers are all floats write it so. JSON's `true` isn't one, though Python
    takes it for an int.
    """
    if isinstance(value, str):
        return int(value) if _DIGITS.fullmatch(value) else None
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < _MOST_EXACT else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
