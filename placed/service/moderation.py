"""Puts together the parts that look after one server's canvas: the rules, the gatekeeper, the desk, the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from placed.canvas.clock import wall_clock_ms
from placed.http.acts import Acts
from placed.http.notices import status_members
from placed.http.report_desk import ReportDesk
from placed.moderation.desk import Desk
from placed.moderation.gate import Gatekeeper
from placed.moderation.older_acts import OlderActs
from placed.moderation.previews import Previews
from placed.moderation.rules import Rules
from placed.people.reports import Reports

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from placed.canvas.projection import Projection
    from placed.http.askers import Askers
    from placed.moderation.whole_past import WholePast
    from placed.tasks.writer import Writer


class Moderation:
    """The moderation of one server.

    Attributes:
        rules: who may paint where; they look at each batch that the reader has applied.
        desk: does acts.
    """

    def __init__(
        self,
        projection: Projection,
        writer: Writer,
        past: WholePast,
        reach: Callable[[int], Awaitable[None]],
    ) -> None:
        self._projection = projection
        self._past = past
        self._gatekeeper = Gatekeeper(writer, lambda: projection.kept.acts)
        self.rules = Rules(lambda: projection.kept.acts, changed=self._gatekeeper.look)
        self.desk = Desk(projection, writer, past, reach)

    def acts(self, askers: Askers) -> Acts:
        """The endpoints for moderators and hosts."""
        older = OlderActs(self._projection, self._past)
        return Acts(askers, self._projection, self.desk, Previews(self.desk, self._past), older)

    def report_desk(self, askers: Askers) -> ReportDesk:
        """The endpoints that take reports from everybody, and show them to moderators and hosts."""
        return ReportDesk(askers, self._projection, Reports(askers.store))

    def status_members(self) -> bytes:
        """The members that acts add to the status event now."""
        return status_members(self._projection.kept.acts, wall_clock_ms())

    async def run(self) -> None:
        """Do acts, and make plans come true, for ever."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.desk.run)
            nursery.start_soon(self._gatekeeper.run)
