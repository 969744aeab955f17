"""The reports in their LMDB environment, in the data folder: read, erased and checked, also beside a server.

    a report's id, 8 bytes, big-endian    Report.encode()

What is erased is overwritten, too (`placed.storage.lmdb_scrub`): LMDB would leave it in pages that are free.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import attrs
import trio

from placed.moderation.report import Report, ReportDamaged
from placed.storage.lmdb_beside import look_beside
from placed.storage.lmdb_check import check_file
from placed.storage.lmdb_environment import DATA_NAME, StoreDamaged, explained
from placed.storage.lmdb_lock import LOCK_NAME
from placed.storage.lmdb_shared import open_shared_environment
from placed.storage.ownership import give_to_folders_owner
from placed.telemetry.structured_logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import Any

    from lmdb import Transaction

    from placed.storage.lmdb_pages import PageFile
    from placed.storage.lmdb_shared import SharedEnvironment

FOLDER_NAME: Final = "reports"
_ID_BYTES: Final = 8
_NO_REPORT: Final = bytes([0xFF]) * _ID_BYTES  # a key that no report has
_SCRUB_TRIES: Final = 20  # 5 s, where a backup reads the file meanwhile
_SCRUB_SECONDS: Final = 0.25


def all_stored(pages: PageFile) -> list[tuple[int, bytes]]:
    """Every report, by its id, as it is stored."""
    return [
        (int.from_bytes(key), pages.value(page, index))
        for page in pages.leaves(pages.newest.main)
        for index, key in enumerate(page.keys())
    ]


def replace(transaction: Transaction[bytes], gone: Iterable[int], stored: Report) -> None:
    """Remove some, and write one."""
    _delete(transaction, gone)
    transaction.put(stored.id.to_bytes(_ID_BYTES), stored.encode())


async def erase(environment: SharedEnvironment, gone: Iterable[int]) -> None:
    """Remove these, and overwrite whatever was removed up to now.

    Raises:
        StoreError: they can't be written.
    """
    await environment.write(lambda transaction, _: _delete(transaction, gone))
    await environment.write(lambda transaction, _: _touch(transaction))
    for _ in range(_SCRUB_TRIES):
        if await environment.scrub():
            return
        await trio.sleep(_SCRUB_SECONDS)
    get_logger(__name__).warning(
        "what was erased of reports may still be in the file until the next time", reason="a backup reads the file"
    )


def read_reports(folder: Path, *, whole: bool = False) -> list[Report] | None:
    """All reports in `folder`, also while a server writes there; None if there is no file.

    Args:
        folder: `FOLDER_NAME` in the data folder.
        whole: whether one that can't be read is damage; without, it is left out.

    Raises:
        StoreUnavailable: the file can't be read.
        StoreDamaged: it is damaged.

    Thread: blocks, for 7 MB at most.
    """
    with explained(folder):
        try:
            descriptor = os.open(folder / DATA_NAME, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            stored = look_beside(descriptor, lambda _: all_stored(check_file(descriptor)))
        finally:
            os.close(descriptor)
    reports = [_decoded(folder, report_id, value, whole=whole) for report_id, value in stored]
    return [report for report in reports if report is not None]


def _decoded(folder: Path, report_id: int, value: bytes, *, whole: bool) -> Report | None:
    try:
        report = Report.decode(value)
        if report.id != report_id:
            raise ReportDamaged(f"it says that it is report {report.id}")
    except ReportDamaged as damage:
        if whole:
            raise StoreDamaged(f"{folder / DATA_NAME} is damaged: report {report_id}: {damage}") from damage
        return None
    return report


@attrs.frozen
class ReportsBeside:
    """The reports of a data folder, for a command, whether or not a server runs there.

    Attributes:
        folder: `FOLDER_NAME` in the data folder.
    """

    folder: Path

    def exported(self, author: int) -> list[dict[str, Any]]:
        """Those of an author, as JSON; raises StoreError."""
        return [report.exported() for report in read_reports(self.folder) or [] if report.author == author]

    async def forget(self, author: int) -> None:
        """Erase those of an author; raises StoreError. A running server drops them when it sees who was forgotten."""
        reports = read_reports(self.folder)
        if reports is None:
            return
        gone = [report.id for report in reports if report.author == author]
        async with open_shared_environment(self.folder, None, whole=False) as environment:
            give_to_folders_owner(self.folder / LOCK_NAME)
            await erase(environment, gone)


def _delete(transaction: Transaction[bytes], gone: Iterable[int]) -> None:
    for report_id in gone:
        transaction.delete(report_id.to_bytes(_ID_BYTES))


def _touch(transaction: Transaction[bytes]) -> None:
    """Change nothing, in a transaction that is written: a crash falls back to this one, not to one that has them."""
    transaction.put(_NO_REPORT, b"")
    transaction.delete(_NO_REPORT)
