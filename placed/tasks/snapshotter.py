"""Saves the projection every `EVERY_RECORDS` or `EVERY_SECONDS`, and at shutdown, so that a restart is quick.

When the store can't be written, the snapshotter tries again after a second, then after two, four and so on, at last
every `MAX_RETRY_SECONDS`. It tries no more often, because each try copies and writes the canvas and the cooldowns.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np
import trio

from placed.canvas.clock import steady_clock_ms, wall_clock_ms
from placed.canvas.cooldown import SAVED
from placed.canvas.snapshot import Snapshot
from placed.storage.snapshot_store import SnapshotUnwritable
from placed.telemetry.structured_logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from placed.canvas.projection import Projection
    from placed.storage.folder_watch import FolderWatch
    from placed.storage.snapshot_store import SnapshotStore

EVERY_RECORDS = 10_000  # replayed in 0.1 s at a restart
EVERY_SECONDS = 60.0
MAX_RETRY_SECONDS = 300.0  # a guess: after an operator has made room on a full disk, it is used within five minutes
_LOOK_SECONDS = 1.0


class Snapshotter:
    """The task that saves snapshots.

    Attributes:
        saved_version: the last snapshot's version.
        saved_at: when the last snapshot was saved, in s since the epoch; before the first one, when this was made.
        failures: how many attempts failed.
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
        folders: FolderWatch | None = None,
    ) -> None:
        self._store = store
        self._projection = projection
        self._log_id = log_id
        self._every_records = every_records
        self._every_seconds = every_seconds
        self._retry_seconds = 0.0  # how long to wait after the last failure; 0 after a success
        self._retry_at = -math.inf
        self._on_save = on_save
        self._folders = folders
        self.saved_version = saved_version
        self.saved_at = time.time()
        self.failures = 0

    async def run(self) -> None:
        """Save whenever a snapshot is due, for ever."""
        looked_at = trio.current_time()
        while True:
            await trio.sleep(_LOOK_SECONDS)
            late = trio.current_time() >= looked_at + self._every_seconds
            behind = self._projection.version - self.saved_version
            due = behind >= self._every_records or (behind and (late or self._retry_seconds))
            if due and trio.current_time() >= self._retry_at:
                await self.save()
                looked_at = trio.current_time()

    async def save(self) -> None:
        """Save now, unless the last snapshot is at the same version. A store that can't be written is logged once, and
        `run` tries again.

        Cancellation: waits for the write, so that at most one is under way.
        """
        if self._projection.version == self.saved_version and not self._retry_seconds:
            return
        if self._folders is not None and self._folders.displaced is not None:
            return  # the watch has logged it; a snapshot in another folder than the server's would never be found
        began = trio.current_time()
        snapshot = await self._snapshot()
        try:
            await self._store.save(snapshot)
        except SnapshotUnwritable as error:
            self._put_off(error)
        else:
            self._retry_seconds, self._retry_at = 0.0, -math.inf
            self.saved_version = snapshot.version
            self.saved_at = time.time()
            self._on_save(trio.current_time() - began)

    async def _snapshot(self) -> Snapshot:
        """Make a snapshot of the projection as it is now; in steps, with turns for other tasks in between."""
        projection = self._projection
        version, definition, kept = projection.version, projection.definition, projection.kept
        canvas = projection.canvas.copy()
        parts = [np.empty(0, SAVED)]
        now_ms, steady_ms = wall_clock_ms(), steady_clock_ms()
        for part in projection.cooldowns.save(steady_ms):
            # In the wall clock's time, with which the next server's steady clock begins. If somebody has set the wall
            # clock since this server began, steady times would mean other moments there, and debts would be forgotten.
            part["full_ms"] += now_ms - steady_ms
            parts.append(part)
            await trio.lowlevel.checkpoint()
        charge_ms = projection.cooldowns.rule.charge_ms
        return Snapshot(self._log_id, version, definition, kept, canvas, np.concatenate(parts), charge_ms)

    def _put_off(self, error: SnapshotUnwritable) -> None:
        if not self._retry_seconds:
            get_logger(__name__).warning("the snapshot can't be written; edits are safe in the log", reason=str(error))
        self._retry_seconds = min(2 * self._retry_seconds or _LOOK_SECONDS, MAX_RETRY_SECONDS)
        self._retry_at = trio.current_time() + self._retry_seconds
        self.failures += 1
