"""Keeps reports in the data folder, in an LMDB environment of their own: at most `MOST_REPORTS`. (`reports_file`).

When it is full, the oldest that is *done* goes for a new one; where none is done, new ones are refused, so that nobody
can flood away what moderators haven't seen. All are in memory, too: at 7 KB each, 7 MB at most.

What is in them is personal, so it goes nowhere else: no log line, no metric, no feed. They are this server's own. When
somebody is forgotten, theirs are erased.
A folder that can't be used is told in the log once, and stops nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs
import trio

from placed.moderation.report import DONE, Report, ReportDamaged
from placed.moderation.reports_file import all_stored, erase, replace
from placed.storage.lmdb_environment import StoreError, StoreUnavailable
from placed.storage.lmdb_shared import open_shared_environment
from placed.telemetry.structured_logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

    from placed.storage.lmdb_shared import SharedEnvironment

MOST_REPORTS: Final = 1_000


class ReportsFull(Exception):
    """There are as many as are kept, and none of them is done."""


class Reports:
    """Those of one server; `run` opens them.

    Args:
        folder: where they are, made if it isn't there. The data folder above it is locked.
        most: how many are kept.
    """

    def __init__(self, folder: Path, most: int = MOST_REPORTS) -> None:
        self._folder = folder
        self._most = most
        self._environment: SharedEnvironment | None = None
        self._failure: StoreError = StoreUnavailable("the reports are being opened")
        self._tried = trio.Event()
        self._writing = trio.Lock()
        self._reports: dict[int, Report] = {}  # in the order of their ids
        self._last = 0

    async def run(self) -> None:
        """Open them, and close them when cancelled."""
        try:
            await trio.to_thread.run_sync(_make, self._folder)
            async with open_shared_environment(self._folder, None, whole=False) as environment:
                await self._load(environment)
                self._environment = environment
                self._tried.set()
                await trio.sleep_forever()
        except StoreError as error:
            get_logger(__name__).error("reports can't be kept", reason=str(error))
            self._environment, self._failure = None, error
            self._tried.set()

    async def add(self, report: Report) -> Report:
        """Store a new one; durable when this returns.

        Returns:
            It with its id.

        Raises:
            ReportsFull: see above; nothing was stored.
            StoreError: it can't be written.
        """
        environment = await self._open()
        async with self._writing:
            gone = self._to_go()
            stored = attrs.evolve(report, id=self._last + 1)
            await environment.write(lambda transaction, _: replace(transaction, gone, stored))
            for old in gone:
                del self._reports[old]
            self._reports[stored.id] = stored
            self._last = stored.id
        return stored

    async def set_state(self, report_id: int, state: str) -> Report | None:
        """Say how far moderators are with one; None if there is no such report.

        Raises:
            StoreError: it can't be written.
        """
        environment = await self._open()
        async with self._writing:
            before = self._reports.get(report_id)
            if before is None:
                return None
            after = attrs.evolve(before, state=state)
            await environment.write(lambda transaction, _: replace(transaction, (), after))
            self._reports[report_id] = after
        return after

    async def newest(self, after: int, before: int, state: str | None) -> Iterator[Report]:
        """Those with ids between `after` and `before`, both not included, in this state, if one is given; newest first.

        Raises:
            StoreError: they can't be read.
        """
        await self._open()
        found = reversed(list(self._reports.values()))
        return (one for one in found if after < one.id < before and state in (None, one.state))

    def exported(self, author: int) -> list[dict[str, Any]]:
        """Those of an author, as JSON.

        Raises:
            StoreError: they can't be read.
        """
        if self._environment is None:
            raise self._failure
        return [one.exported() for one in self._reports.values() if one.author == author]

    async def forget(self, author: int) -> None:
        """Erase those of an author, and what the file still has of earlier ones.

        Raises:
            StoreError: they can't be written.
        """
        await self.forget_where(lambda one: one.author == author)

    async def forget_where(self, is_gone: Callable[[Report], bool]) -> None:
        """Likewise, those of which this is true; raises StoreError."""
        environment = await self._open()
        async with self._writing:
            gone = [one.id for one in self._reports.values() if is_gone(one)]
            await erase(environment, gone)
            for old in gone:
                del self._reports[old]

    def _to_go(self) -> tuple[int, ...]:
        """Who makes room for one more."""
        if len(self._reports) < self._most:
            return ()
        done = next((one.id for one in self._reports.values() if one.state == DONE), None)
        if done is None:
            raise ReportsFull(f"{self._most:,} reports wait for a moderator, and more aren't kept; try again later")
        return (done,)

    async def _open(self) -> SharedEnvironment:
        await self._tried.wait()
        if self._environment is None:
            raise self._failure
        return self._environment

    async def _load(self, environment: SharedEnvironment) -> None:
        for report_id, value in await environment.read(all_stored):
            try:
                self._reports[report_id] = Report.decode(value)
            except ReportDamaged as error:  # of another version of placed, perhaps: the others are of use all the same
                get_logger(__name__).error("a report can't be read", report=report_id, reason=str(error))
            self._last = report_id


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(f"the reports' folder {folder} can't be made: {error.strerror}") from error
