"""The changes of reports: a new report, and a new state of one. Pure.

Their limits are here, and count the reports of all servers: `MOST_AN_HOUR` of an author, `MOST_REPORTS` in all. At the
limit, a new report replaces the oldest one that is done. If none is done, new reports are refused, so that nobody can
push out reports that moderators haven't seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from placed.people.changes import Refused, erased
from placed.people.records import Put, report_key
from placed.people.report import DONE

if TYPE_CHECKING:
    from placed.people.found_reports import FoundReport
    from placed.people.report import Report
    from placed.people.view import People

MOST_REPORTS: Final = 1_000  # 7 MB at most
MOST_AN_HOUR: Final = 5
_HOUR_MS: Final = 3_600_000


class TooMany(Refused):
    """An author has made as many reports within an hour as are allowed.

    Attributes:
        wait_ms: how long the author has to wait before the next one.
    """

    def __init__(self, wait_ms: int) -> None:
        super().__init__("too-many", f"you have made {MOST_AN_HOUR} reports within an hour; wait before the next one")
        self.wait_ms = wait_ms


def full(most: int) -> Refused:
    """The refusal of a new report when `most` are stored, and none of them is done."""
    return Refused("full", f"{most:,} reports wait for a moderator, and more aren't kept; try again later")


@attrs.frozen
class AddReport:
    """Somebody reports a place.

    Attributes:
        report: the report, without an id; the change gives it one.
        is_person: whether the reporter has signed in. Then they have to be in the store still: if they are forgotten
            meanwhile, their report would stay behind.
        most: the most reports that the store keeps.
    """

    report: Report
    is_person: bool = False
    most: int = MOST_REPORTS

    def puts(self, people: People) -> list[Put]:
        """See `placed.people.changes.Change`."""
        author = self.report.author
        if self.is_person and people.person(author) is None:
            raise Refused("unknown-person", "nobody has this author")
        found = list(people.reports())
        self._check_pace([one for one in found if one.author == author])
        # No id is given twice, though its report may be gone: a client may know it.
        report_id = max([people.head.last_report, *(one.id for one in found)]) + 1
        new = Put(report_key(report_id, author, "i"), self.report.fields())
        return [*erased(self._to_go(found)), new]

    def _check_pace(self, own: list[FoundReport]) -> None:
        if len(own) >= MOST_AN_HOUR:
            wait_ms = own[-MOST_AN_HOUR].read().time_ms + _HOUR_MS - self.report.time_ms
            if wait_ms > 0:
                raise TooMany(min(wait_ms, _HOUR_MS))  # another server's clock may be ahead

    def _to_go(self, found: list[FoundReport]) -> list[FoundReport]:
        """The reports to remove, so that there is room for one more."""
        excess = max(0, len(found) + 1 - self.most)
        gone = [one for one in found if one.state == DONE][:excess]
        if len(gone) < excess:
            raise full(self.most)
        return gone


@attrs.frozen
class SetReportState:
    """A moderator sets the state of a report."""

    id: int
    state: str

    def puts(self, people: People) -> list[Put]:
        """See `placed.people.changes.Change`."""
        found = list(people.reports(self.id - 1, self.id + 1))
        if not found:
            raise Refused("unknown-report", "there is no report with this id")
        return [Put(report_key(one.id, one.author, "s"), {"state": self.state}) for one in found]
