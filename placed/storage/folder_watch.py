"""Watches a running server's folders, once a second, and says when one is no longer in its place.

    in place --moved, deleted, replaced, not mounted--> displaced: edits are refused, /readyz says 503
       ^                                                    |
       +--------------the same folder is back---------------+

Each change gets one log line. The log itself makes sure that it acknowledges no edit in a file that was taken away
(`placed.storage.lmdb_environment`). The watch looks after the files that nobody writes to just then, and after the
locks: without these a second server could start. If a file is gone from a folder that is in its place, and the server
knows its content, the watch puts it back. The watch also measures the room on the disks, for /metrics.
"""

from __future__ import annotations

import shutil
import threading
from typing import TYPE_CHECKING

import trio

from placed.storage.lmdb_environment import DATA_NAME
from placed.telemetry.structured_logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

LOOK_SECONDS = 1.0  # for so long, pages may believe that they can paint when they can't


class FolderWatch:
    """The task that watches the folders.

    Attributes:
        displaced: why a folder is not in its place; None while all are.
        log_bytes: the size of the log's file; None if there is none, or its size can't be read.
        free_bytes: folder name -> the free room on its disk, in bytes.
        disk_bytes: folder name -> the size of its disk, in bytes.
    """

    def __init__(
        self,
        looks: list[Callable[[], str | None]],
        folders: Mapping[str, Path],
        *,
        put_back: Callable[[], str | None] = lambda: None,
        seconds: float = LOOK_SECONDS,
    ) -> None:
        """Watch with `looks`, which each say why something is displaced, and measure the room of `folders`: `data`, and
        `log` if the log is in a folder. While nothing is displaced, `put_back` mends, and says what it has mended."""
        self._looks = looks
        self._folders = folders
        self._put_back = put_back
        self._mended: str | None = None
        self._seconds = seconds
        self._limiter = trio.CapacityLimiter(1)
        self._own_thread = trio.CapacityLimiter(1)
        self._looking = threading.Lock()  # two threads that put back the same file would be in each other's way
        self.displaced: str | None = None
        self.log_bytes: int | None = None
        self.free_bytes: dict[str, float] = {}
        self.disk_bytes: dict[str, float] = {}

    async def run(self) -> None:
        """Look for ever."""
        await self.look()
        ended = threading.Event()
        try:
            while True:
                # The thread comes back only with news. To hand it each look took 0.5 ms, a fifth of the time that an
                # idle server works in a second.
                found = await trio.to_thread.run_sync(
                    self._look_for_news, ended, limiter=self._own_thread, abandon_on_cancel=True
                )
                self._note(*found)
        finally:
            ended.set()

    async def look(self) -> None:
        """Look now, in a thread, and log the changes.

        Cancellation: at any time; the thread stays behind if its disk hangs.
        """
        self._note(*await trio.to_thread.run_sync(self._look, limiter=self._limiter, abandon_on_cancel=True))

    def _note(self, displaced: str | None, mended: str | None) -> None:
        if (displaced is None) != (self.displaced is None):
            _tell(displaced)
        self.displaced = displaced
        if mended is not None and mended != self._mended:
            get_logger(__name__).warning("a file was taken out of the data folder", reason=mended)
        self._mended = mended

    # All methods below run in a worker thread.

    def _look_for_news(self, ended: threading.Event) -> tuple[str | None, str | None]:
        """Look until something has changed, or nobody waits for it any more."""
        found = known = self.displaced, self._mended
        while found == known and not ended.wait(self._seconds):
            found, known = self._look(), (self.displaced, self._mended)
        return found

    def _look(self) -> tuple[str | None, str | None]:
        with self._looking:
            return self._look_at_all()

    def _look_at_all(self) -> tuple[str | None, str | None]:
        self.log_bytes = _size_of(self._folders.get("log"))
        disks = [(name, disk) for name, folder in self._folders.items() if (disk := _disk_of(folder)) is not None]
        self.free_bytes = {name: disk.free for name, disk in disks}
        self.disk_bytes = {name: disk.total for name, disk in disks}
        displaced = next((reason for look in self._looks if (reason := look()) is not None), None)
        return displaced, self._put_back() if displaced is None else None


def _tell(displaced: str | None) -> None:
    logger = get_logger(__name__)
    if displaced is None:
        logger.info("the data folder is back in its place; edits are taken again")
        return
    logger.error(
        "the data folder is not in its place; edits are refused",
        reason=displaced,
        way_out="put the same folder back, and edits go on; or start the server again, to serve what is there now",
    )


def _size_of(folder: Path | None) -> int | None:
    try:
        return None if folder is None else (folder / DATA_NAME).stat().st_size
    except OSError:
        return None


def _disk_of(folder: Path) -> shutil._ntuple_diskusage | None:
    try:
        return shutil.disk_usage(folder)
    except OSError:
        return None
