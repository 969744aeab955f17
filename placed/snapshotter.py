"""The snapshotter: saves the projection every so many records or seconds, and at shutdown, so that a restart
is quick."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import trio

from placed.reader import wall_clock_ms
from placed.snapshot import Snapshot
from placed.snapshot_store import SnapshotUnwritable
from placed.structured_logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from placed.projection import Projection
    from placed.snapshot_store import SnapshotStore

EVERY_RECORDS = 10_000  # replayed in 0.1 s at a restart
EVERY_SECONDS = 60.0
_LOOK_SECONDS = 1.0


class Snapshotter:
    """The task that saves.

    Attributes:
        saved_version: the last snapshot's.
        saved_at: when that was saved, or this was made, in s since the epoch.
        failures: attempts that failed.
    """

    def __init__(
        self,
        store: SnapshotStore,
        projection: Projection,
        log_id: str,
        *,
        saved_version: int = 0,
        every_records: int = EVERY_RECORDS,
        every_seconds: float = EVERY_SECONDS,
        on_save: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        self._store = store
        self._projection = projection
        self._log_id = log_id
        self._every_records = every_records
        self._every_seconds = every_seconds
        self._failing = False
        self._on_save = on_save
        self.saved_version = saved_version
        self.saved_at = time.time()
        self.failures = 0

    async def run(self) -> None:
        """Save when it's time, for ever."""
        looked_at = trio.current_time()
        while True:
            await trio.sleep(_LOOK_SECONDS)
            late = trio.current_time() >= looked_at + self._every_seconds
            behind = self._projection.version - self.saved_version
            if behind >= self._every_records or (late and behind):
                await self.save()
                looked_at = trio.current_time()

    async def save(self) -> None:
        """Save now, unless the last snapshot says the same. A store that can't be written is logged once, and
        tried again.

        Cancellation: waits for the write, so that at most one is under way.
        """
        projection = self._projection
        version = projection.version
        if version == self.saved_version and not self._failing:
            return
        cooldowns = projection.cooldowns.save(wall_clock_ms())
        snapshot = Snapshot(self._log_id, version, projection.definition, projection.canvas.copy(), cooldowns)
        began = trio.current_time()
        try:
            await self._store.save(snapshot)
        except SnapshotUnwritable as error:
            if not self._failing:
                get_logger(__name__).warning(
                    "the snapshot can't be written; edits are safe in the log", reason=str(error)
                )
            self._failing = True
            self.failures += 1
        else:
            self._failing = False
            self.saved_version = version
            self.saved_at = time.time()
            self._on_save(trio.current_time() - began)
