"""Refuses a start that would forget a canvas: the data folder has a painted one, and the settings' log is empty.

An operator who adds `--log kafka://...` to a server with a painted canvas may expect that the canvas comes along. It
doesn't, so the start says so, instead of serving an empty one. If the log elsewhere has records, the server serves it
without a question.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from placed.backends import CannotStart
from placed.backends.lmdb.about_log import newest_about
from placed.backends.opening import place_of
from placed.storage.lmdb_environment import DATA_NAME
from placed.storage.lmdb_pages import DamagedPages, PageFile
from placed.telemetry.structured_logs import get_logger

if TYPE_CHECKING:
    from pathlib import Path

    from placed.backends import Log
    from placed.commands.settings.values import Settings


async def refuse_to_forget(settings: Settings, log: Log) -> None:
    """Refuse to serve `log` if it is empty and the data folder holds a canvas.

    For a log in memory there is only a line in the server's log, because such a log always begins empty.

    Raises:
        CannotStart: the canvas would be forgotten; the message has the ways out.
        LogError: the log can't be read.
    """
    own = settings.data / "log"
    place = place_of(settings)
    if (await log.bounds())[1] or (place.folder is not None and place.folder.resolve() == own.resolve()):
        return
    records = _records_in(own)
    if records is None:
        return
    what = f"{own} holds a canvas of {records}, and the log {place.url} is empty, without it"
    if not place.lasts:
        get_logger(__name__).warning("a new canvas is served, not the one of the data folder", reason=what)
        return
    raise CannotStart(
        f"{what}. To serve the canvas that there is, start without --log; to begin a new one, give another --data, or "
        f"move {own} away"
    )


def _records_in(folder: Path) -> str | None:
    """How many records the log in `folder` has; None if nobody has painted, and only the canvas's size is in it."""
    try:
        descriptor = os.open(folder / DATA_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"unknown size ({error.strerror})"
    try:
        records = newest_about(PageFile(descriptor)).next_offset
    except (DamagedPages, OSError) as damage:
        return f"unknown size ({damage})"
    finally:
        os.close(descriptor)
    if records < 2:
        return None
    return "1 record" if records == 2 else f"{records - 1:,} records"
