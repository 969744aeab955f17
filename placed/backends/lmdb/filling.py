"""Fills a new LMDB log with records that have their times already: for a salvage, an import or a copy.

Nobody reads the log meanwhile, so a transaction takes many records, and there is no tail. Nobody looks at the folder
before it is complete; the caller then gives it its name. May import numpy and the modules that write LMDB.
"""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING, Final

import attrs
import numpy as np

from placed.backends.lmdb.about_log import ABOUT_KEY, RECORDS, About
from placed.backends.lmdb.stored_records import encode_all
from placed.storage.lmdb_environment import open_environment

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from lmdb import Transaction
    from lmdb import _Database as Database
    from numpy.typing import NDArray

    from placed.storage.lmdb_environment import Environment

# Each time that the map has to grow, a transaction runs twice; with 64 GB of records that happens a thousand times.
_MAP_STEP_BYTES: Final = 64 << 20


class LmdbFilling:
    """A log that a caller fills; made by `fill_lmdb_log`.

    Attributes:
        id: the log's id.
        next: the log's next offset.
    """

    def __init__(self, environment: Environment, log_id: bytes) -> None:
        self._environment = environment
        self._last_ms = 0
        self.id = log_id.hex()
        self.next = 0

    async def extend(self, times_ms: NDArray[np.int64], values: Sequence[bytes]) -> NDArray[np.int64]:
        """Append records, durably, and return their times in the log.

        A log's times don't fall: a record with an earlier time gets the time of the record before it.

        Args:
            times_ms: the records' times, int64, shape (n,), each from 0 on.
            values: n values.

        Raises:
            StoreError: the records can't be written.
        """
        if not len(values):
            return times_ms
        times_ms = np.maximum.accumulate(np.maximum(times_ms, self._last_ms))
        items = encode_all(self.next, times_ms, values)
        after = self.next + len(values)

        def put(transaction: Transaction[bytes], records: Database | None) -> None:
            with transaction.cursor(records) as cursor:
                cursor.putmulti(items, append=True)
            about = About.decode(transaction.get(ABOUT_KEY))
            changed = attrs.evolve(about, transaction=transaction.id(), next_offset=after, last_ms=int(times_ms[-1]))
            transaction.put(ABOUT_KEY, changed.encode())

        await self._environment.write(put)
        self.next, self._last_ms = after, int(times_ms[-1])
        return times_ms


@contextlib.asynccontextmanager
async def fill_lmdb_log(folder: Path, *, created_ms: int) -> AsyncGenerator[LmdbFilling]:
    """A new log in `folder`, to fill; closed when the block ends.

    Args:
        folder: the log's own folder: it exists, is empty, and nobody else uses it.
        created_ms: when the log, or the log that its records come from, was created, in ms since the epoch.

    Raises:
        StoreError: the log can't be written.
    """
    log_id = secrets.token_bytes(16)

    def fill(transaction: Transaction[bytes], _records: Database | None) -> None:
        transaction.put(ABOUT_KEY, About(log_id, created_ms, transaction.id(), 0, 0).encode())

    async with open_environment(folder, fill=fill, appended=RECORDS, map_step_bytes=_MAP_STEP_BYTES) as environment:
        yield LmdbFilling(environment, log_id)
