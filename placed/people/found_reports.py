"""Finds reports in the store, the oldest first. Pure.

The store has them in the order of their ids. Each is found undecoded: callers mostly want just a report's author or
state, and its picture is 7 KB to decode.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

import attrs

from placed.people.records import decode_stored, report_in, report_key, report_prefix
from placed.people.report import NEW, Report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from placed.people.view import View

MOST_ID: Final = 2**53 - 1  # JavaScript's greatest exact whole number


@attrs.frozen
class FoundReport:
    """One report, not yet decoded.

    Attributes:
        id: its id.
        author: the reporter's author.
        state: one of `placed.people.report.STATES`.
    """

    id: int
    author: int
    state: str
    _value: bytes = attrs.field(repr=False)

    def read(self) -> Report:
        """Decode the report.

        Raises:
            RecordDamaged: its checksum is wrong.
        """
        stored = decode_stored(report_key(self.id, self.author, "i"), self._value)
        return Report.of(self.id, self.author, stored.fields, self.state)


def reports_in(view: View, after: int = 0, before: int = MOST_ID + 1) -> Iterator[FoundReport]:
    """The reports whose ids are greater than `after` and smaller than `before`."""
    scanned = view.scan(b"r", report_prefix(after + 1))
    for prefix, found in groupby(scanned, key=lambda each: each[0][:-1]):
        number, author = report_in(prefix)
        if number >= before:
            return
        values = {key[-1:]: value for key, value in found}
        if b"i" in values:
            state = decode_stored(prefix + b"s", values[b"s"]).fields["state"] if b"s" in values else NEW
            yield FoundReport(number, author, state, values[b"i"])
