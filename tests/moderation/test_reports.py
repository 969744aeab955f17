"""Reports as they are kept: bounded, durable, and with a picture of the place."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING

import attrs
import numpy as np
import pytest
import trio
from PIL import Image

from placed.canvas.area import Area
from placed.canvas.palette import SEED
from placed.moderation.report import DONE, Report, ReportDamaged, around, picture_of
from placed.moderation.reports import Reports, ReportsFull
from placed.storage.lmdb_environment import StoreError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

PLACE = Area(3, 4, 1, 1)
REPORT = Report(time_ms=5, version=7, area=PLACE, text="öh\n🎨", author=2**63, seen=PLACE, picture=b"\x89PNG")


@contextlib.asynccontextmanager
async def opened(folder: Path, most: int = 3) -> AsyncGenerator[Reports]:
    """Reports at work."""
    reports = Reports(folder, most)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reports.run)
        yield reports
        nursery.cancel_scope.cancel()


async def ids(reports: Reports, after: int = 0, before: int = 100, state: str | None = None) -> list[int]:
    return [one.id for one in await reports.newest(after, before, state)]


async def test_what_is_kept_is_there_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path / "reports") as reports:
        first = await reports.add(REPORT)
        await reports.add(REPORT)
        assert await reports.set_state(2, "seen") is not None
    async with opened(tmp_path / "reports") as reports:
        kept = list(await reports.newest(0, 100, None))
        assert kept == [attrs.evolve(first, id=2, state="seen"), first]
        assert (await reports.add(REPORT)).id == 3


async def test_a_full_store_lets_the_oldest_that_is_done_go_and_nothing_else(tmp_path: Path) -> None:
    async with opened(tmp_path / "reports") as reports:
        for _ in range(3):
            await reports.add(REPORT)
        with pytest.raises(ReportsFull, match="3 reports"):
            await reports.add(REPORT)
        await reports.set_state(1, "seen")
        with pytest.raises(ReportsFull):
            await reports.add(REPORT)
        await reports.set_state(3, DONE)
        await reports.set_state(2, DONE)
        assert (await reports.add(REPORT)).id == 4
        assert await ids(reports) == [4, 3, 1]
    async with opened(tmp_path / "reports") as reports:
        assert await ids(reports) == [4, 3, 1]


async def test_they_are_found_by_id_and_state(tmp_path: Path) -> None:
    async with opened(tmp_path / "reports", 10) as reports:
        for _ in range(5):
            await reports.add(REPORT)
        await reports.set_state(2, DONE)
        assert await ids(reports, before=3) == [2, 1]
        assert await ids(reports, after=3) == [5, 4]
        assert await ids(reports, state="new") == [5, 4, 3, 1]
        assert await reports.set_state(9, DONE) is None


async def test_many_at_once_each_have_an_id(tmp_path: Path) -> None:
    async with opened(tmp_path / "reports", 100) as reports, trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(reports.add, REPORT)
    async with opened(tmp_path / "reports", 100) as reports:
        assert await ids(reports) == list(range(20, 0, -1))


async def test_a_folder_that_is_none_is_told_to_who_asks_and_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file")
    async with opened(tmp_path / "reports") as reports:
        with pytest.raises(StoreError, match="can't be"):
            await reports.add(REPORT)


@pytest.mark.parametrize(
    ("area", "expected"),
    [
        (Area(500, 500, 1, 1), Area(468, 468, 64, 64)),
        (Area(0, 0, 1, 1), Area(0, 0, 64, 64)),
        (Area(999, 999, 1, 1), Area(936, 936, 64, 64)),
        (Area(0, 0, 1000, 1000), Area(468, 468, 64, 64)),
    ],
)
def test_the_picture_shows_the_middle_and_what_is_around_it(area: Area, expected: Area) -> None:
    assert around(area, 1000, 1000) == expected
    assert around(Area(0, 0, 1, 1), 5, 1) == Area(0, 0, 5, 1)


def test_the_picture_is_of_that_part() -> None:
    canvas = np.arange(100, dtype=np.uint8).reshape(10, 10) % 16
    shown = Image.open(io.BytesIO(picture_of(Area(2, 3, 4, 5), canvas, SEED.rgb)))
    assert (np.asarray(shown) == canvas[3:8, 2:6]).all()


@pytest.mark.parametrize("stored", [b"", b"[]", b"{}", b'{"id":1}', b"\xff"])
def test_what_is_no_report_is_refused(stored: bytes) -> None:
    with pytest.raises(ReportDamaged):
        Report.decode(stored)
