"""A start from the history without a snapshot gives the same projection as the whole log."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest

from placed.backends.lmdb.log import open_lmdb_log
from placed.canvas.clock import steady_clock_ms
from placed.canvas.cooldown import Rule
from placed.canvas.definition import Definition
from placed.canvas.events import Canvas
from placed.history.folder import list_folder
from placed.history.restoring import restore
from placed.tasks.recovery import Wanted, recover
from tests.history.test_indexer import Server
from tests.support.records import SMALL, record

if TYPE_CHECKING:
    from pathlib import Path

    from placed.backends.lmdb.log import LmdbLog
    from placed.canvas.projection import Projection

pytestmark = pytest.mark.usefixtures("small_segments")
RULE = Rule(charges=3, charge_ms=60_000)
AUTHORS = 9
LARGER = Definition(6, 4, SMALL.rgb)
LARGEST = Definition(9, 7, SMALL.rgb + bytes(3))


class NoStore:
    """A snapshot store without a snapshot."""

    damage = None

    async def load(self) -> None:
        return None


async def started(log: LmdbLog, folder: Path | None, begins: list[int]) -> Projection:
    """Start; `begins` gets the version at which the reading of the log begins."""
    projection, _ = await recover(
        log,
        NoStore(),  # type: ignore[arg-type]  # replaces a real store
        Wanted(None, None, None),
        default=SMALL,
        rule=RULE,
        where="here",
        progress=lambda begin, _at, _end: begins.append(begin),
        restore=None if folder is None else partial(restore, folder, log),
    )
    return projection


def assert_same(one: Projection, other: Projection) -> None:
    assert np.array_equal(one.canvas, other.canvas)
    assert one.version == other.version
    now_ms = steady_clock_ms()
    standings = [
        [each.cooldowns.standing(author, now_ms).remaining for author in range(AUTHORS)] for each in (one, other)
    ]
    assert standings[0] == standings[1]


async def painted(log: LmdbLog, count: int) -> None:
    rng = np.random.default_rng(count)
    await log.append(Canvas(SMALL).encode())
    for number in range(count):
        edit = (int(rng.integers(5)), int(rng.integers(3)), int(rng.integers(4)), int(rng.integers(AUTHORS)))
        await log.append(b"\x01\x63what" if number % 17 == 5 else record(edit))


@pytest.mark.parametrize("old_ms", [0, 3_600_000])
async def test_a_start_begins_at_the_last_segment(tmp_path: Path, old_ms: int) -> None:
    now = steady_clock_ms()
    ticks = iter(range(1_000_000))
    async with open_lmdb_log(tmp_path / "log", clock_ms=lambda: now - old_ms + next(ticks)) as log:
        await painted(log, 100)
        async with Server(log, lambda: log._tail.next).history(tmp_path / "history"):
            pass
        begins: list[int] = []
        restored = await started(log, tmp_path / "history", begins)
        assert begins[0] == list_folder(tmp_path / "history")[-1].end > 80
        assert_same(restored, await started(log, None, []))
        assert restored.feed.version == restored.version


@pytest.mark.parametrize("hurt", ["deleted", "header", "body"])
async def test_a_start_begins_where_the_history_is_whole(tmp_path: Path, hurt: str) -> None:
    async with open_lmdb_log(tmp_path / "log") as log:
        await painted(log, 100)
        async with Server(log, lambda: log._tail.next).history(tmp_path / "history"):
            pass
        segments = list_folder(tmp_path / "history")
        victim = segments[len(segments) // 2].path if hurt != "body" else segments[-1].path
        if hurt == "deleted":
            victim.unlink()
        else:
            data = bytearray(victim.read_bytes())
            data[20 if hurt == "header" else -1] ^= 1
            victim.write_bytes(data)
        begins: list[int] = []
        restored = await started(log, tmp_path / "history", begins)
        assert begins[0] == int(victim.name.split("-")[0])
        assert_same(restored, await started(log, None, []))


async def test_a_start_keeps_how_large_the_canvas_has_become(tmp_path: Path) -> None:
    async with open_lmdb_log(tmp_path / "log") as log:
        await log.append(Canvas(LARGER).encode())  # from another server, on an empty log: it makes nothing larger
        await painted(log, 30)
        await log.append(Canvas(LARGEST).encode())
        await painted(log, 50)
        async with Server(log, lambda: log._tail.next).history(tmp_path / "history"):
            pass
        begins: list[int] = []
        restored, replayed = await started(log, tmp_path / "history", begins), await started(log, None, [])
        assert begins[0] > 60
        assert_same(restored, replayed)
        assert restored.kept == replayed.kept
        assert restored.definition == LARGEST


async def test_a_start_without_a_history_reads_the_log(tmp_path: Path) -> None:
    async with open_lmdb_log(tmp_path / "log") as log:
        await painted(log, 30)
        begins: list[int] = []
        assert_same(await started(log, tmp_path / "history", begins), await started(log, None, []))
        assert begins[0] == 0
