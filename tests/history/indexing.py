"""An indexer that reads a log, for the tests of its files."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import numpy as np
import trio

from placed.history.indexer import Indexer
from tests.support.records import record
from tests.support.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from placed.backends import Log
    from placed.history.indexer import Live


@contextlib.asynccontextmanager
async def indexing(folder: Path, log: Log, live: Live, end: int) -> AsyncGenerator[Indexer]:
    """Run the indexer; it has read everything before `end`."""
    indexer = Indexer(folder, log, live, every_seconds=0.0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(indexer.run)
        assert await indexer.reach(end, PATIENCE_SECONDS)
        yield indexer
        nursery.cancel_scope.cancel()


async def fill(log: Log, count: int, *, seed: int = 0) -> list[bytes]:
    """Append `count` edits, drawn from a seed, one in each record; return the records."""
    rng = np.random.default_rng(seed)
    values = [record((int(rng.integers(5)), int(rng.integers(3)), int(rng.integers(4)), n)) for n in range(count)]
    for value in values:
        await log.append(value)
    return values
