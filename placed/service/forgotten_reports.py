"""Erases the reports of those whom somebody else has forgotten: `placed people` beside the server, or another server.

The people store counts how often somebody was forgotten, and keeps until when their sessions counted; not who it was.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import trio

from placed.storage.lmdb_environment import StoreError
from placed.telemetry.structured_logs import get_logger

if TYPE_CHECKING:
    from placed.moderation.report import Report
    from placed.moderation.reports import Reports
    from placed.people.store import PeopleStore

LOOK_SECONDS: Final = 1.0  # between looks whether the store has changed, 3 us


async def forget_reports(reports: Reports, people: PeopleStore) -> None:
    """Do so for ever; at first for those who were forgotten while no server ran here."""
    seen, metas, is_failing = -1, b"", False
    while True:
        try:
            await people.load()  # of a forgetting that another process has just written
            if people.metas != metas:
                metas, forgotten = people.metas, people.head.forgotten
                if forgotten != seen:
                    await reports.forget_where(partial(is_forgotten, people))
                seen = forgotten
            is_failing = False
        except StoreError as error:
            if not is_failing:
                get_logger(__name__).error("the reports of those forgotten can't be erased", reason=str(error))
            metas, is_failing = b"", True
        await trio.sleep(LOOK_SECONDS)


def is_forgotten(people: PeopleStore, report: Report) -> bool:
    """Whether who made it was forgotten since.

    An author who isn't among the people may as well be somebody who has never signed in. Somebody who was forgotten
    has signed out, too, and may be there again, as somebody new.
    """
    if report.author not in people.revoked:
        return False
    person, signed_out_ms = people.person(report.author), people.revoked[report.author]
    return person is None or report.time_ms <= signed_out_ms < person.created_ms
