"""The reports for moderators. They are in the people store, and so the same on all servers of a Kafka log."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import attrs
import trio

from placed.people.found_reports import reports_in
from placed.people.records import report_in
from placed.people.report_changes import MOST_REPORTS, AddReport, SetReportState, full

if TYPE_CHECKING:
    from placed.people.report import Report
    from placed.people.store import PeopleStore
    from placed.people.view import View


class Reports:
    """The reports in `store`. Each method raises StoreError if the store can't be read or written.

    Args:
        store: the people store.
        most: the most reports that the store keeps.
    """

    def __init__(self, store: PeopleStore, most: int = MOST_REPORTS) -> None:
        self._store = store
        self._most = most
        # One after the other: if two reports of one server took the next id at once, one would have to try again.
        self._adding = trio.Lock()

    async def add(self, report: Report, *, is_person: bool) -> Report:
        """Store a new report; it is durable when this returns.

        Returns:
            The report with its id.

        Raises:
            Refused: see `AddReport`; nothing was stored.
        """
        head = self._store.head
        if head.reports >= self._most and not head.done_reports:
            raise full(self._most)  # here already: to look through all reports takes 20 ms, and many may send some
        async with self._adding:
            puts = await self._store.change(AddReport(report, is_person, self._most))
        return attrs.evolve(report, id=report_in(puts[-1].key)[0])

    async def set_state(self, report_id: int, state: str) -> None:
        """Set the state of a report.

        Raises:
            Refused: there is no such report.
        """
        await self._store.change(SetReportState(report_id, state))

    async def newest(self, after: int, before: int, state: str | None, limit: int) -> list[Report]:
        """The reports with ids between `after` and `before`, both not included, in this state; None is any state.

        Returns:
            At most `limit`, the newest first.
        """

        def look(view: View, _key: bytes) -> list[Report]:
            found = (one for one in reports_in(view, after, before) if state in (None, one.state))
            return [one.read() for one in reversed(deque(found, limit))]

        return await self._store.see(look)
