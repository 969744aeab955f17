"""The errors of a record that changes nothing.

    RecordRefused       its bytes don't fit its type, or it doesn't fit this canvas
    └── RecordUnknown   this server doesn't know its format or type, or the kind of its act; a newer server may

In both cases every server skips the record. Pure.
"""

from __future__ import annotations

import enum


class Reason(enum.Enum):
    """A word for each reason to refuse a record, for counts of them."""

    BROKEN = "broken"
    OUTSIDE = "outside"
    CANVAS = "canvas"
    FULL = "full"
    UNKNOWN = "unknown"


class RecordRefused(ValueError):
    """A record that changes nothing; the message says why."""

    def __init__(self, message: str, reason: Reason = Reason.BROKEN) -> None:
        super().__init__(message)
        self.reason = reason


class RecordUnknown(RecordRefused):
    """A record that this server doesn't know.

    Attributes:
        what: the unknown format, type or kind: `format 2`, `type 9` or `act ban`.
    """

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}, which this server doesn't know", Reason.UNKNOWN)
        self.what = what
