"""Reports as they are kept: bounded, durable, and with a picture of the place."""

from __future__ import annotations

import contextlib
import io
import sys
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
from placed.moderation.reports_file import ReportsBeside
from placed.people.changes import Forget, Name, SignIn, SignOutEverywhere
from placed.people.store import open_people
from placed.service.forgotten_reports import forget_reports, is_forgotten
from placed.storage.lmdb_environment import StoreError
from tests.support.server_process import ROOT

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


SECRET = attrs.evolve(REPORT, text="they who shall go", author=5)
KEY = bytes(32)
LIMIT_SECONDS = 30.0


@pytest.mark.parametrize("is_beside", [False, True])
async def test_what_an_author_said_goes_and_the_file_has_nothing_of_it(tmp_path: Path, is_beside: bool) -> None:
    folder = tmp_path / "reports"
    async with opened(folder, 2) as reports:
        for report in (SECRET, REPORT, SECRET):
            last = await reports.add(report)
            await reports.set_state(last.id, DONE)  # the first goes for the third, and stays in the file's free pages
        assert b"they who shall go" in (folder / "data.mdb").read_bytes()
        beside = ReportsBeside(folder)
        assert beside.exported(5) == reports.exported(5) == [attrs.evolve(SECRET, id=3, state=DONE).exported()]
        if is_beside:
            await _forget_in_another_process(folder)
            assert [one.author for one in await reports.newest(0, 100, None)] == [5, 2**63]  # it hasn't been told yet
        await reports.forget(5)
        assert beside.exported(5) == []
        assert b"they who shall go" not in (folder / "data.mdb").read_bytes()
        assert (await reports.add(REPORT)).id == 4  # it can still be written
    async with opened(folder) as reports:
        assert [(one.id, one.author) for one in await reports.newest(0, 100, None)] == [(4, 2**63), (2, 2**63)]


async def _forget_in_another_process(folder: Path) -> None:
    code = f"""
import pathlib, trio
from placed.moderation.reports_file import ReportsBeside
beside = ReportsBeside(pathlib.Path({str(folder)!r}))
trio.run(beside.forget, 5)
assert beside.exported(5) == []
"""
    with trio.fail_after(LIMIT_SECONDS):
        await trio.run_process([sys.executable, "-c", code], cwd=ROOT)
    assert b"they who shall go" not in (folder / "data.mdb").read_bytes()


async def test_beside_a_folder_without_reports_there_is_nothing_to_forget(tmp_path: Path) -> None:
    beside = ReportsBeside(tmp_path / "reports")
    assert beside.exported(5) == []
    await beside.forget(5)
    assert not (tmp_path / "reports").exists()


async def test_server_erases_those_of_somebody_whom_others_forgot(tmp_path: Path) -> None:
    async with open_people(tmp_path / "people", KEY) as people, opened(tmp_path / "reports", 10) as reports:
        for number, name in enumerate(("Ada", "Bob")):
            await people.change(SignIn(f"join:{number}", 5, Name(name, name.lower())))
        ada, bob = people.author_of("join:0"), people.author_of("join:1")
        for author in (ada, bob, 2**63):  # the last one has never signed in
            await reports.add(attrs.evolve(REPORT, author=author))
        await people.change(SignOutEverywhere(bob, 9))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(forget_reports, reports, people)
            await trio.sleep(0.2)
            assert await ids(reports) == [3, 2, 1]
            await people.change(Forget(ada, 9))
            with trio.fail_after(LIMIT_SECONDS):
                while await ids(reports) != [3, 2]:  # noqa: ASYNC110 - nobody tells when
                    await trio.sleep(0.1)
            nursery.cancel_scope.cancel()


async def test_who_came_again_keeps_what_they_reported_since(tmp_path: Path) -> None:
    async with open_people(tmp_path / "people", KEY) as people:
        await people.change(SignIn("join:0", 5, None))
        ada = people.author_of("join:0")
        await people.change(Forget(ada, 10))
        assert is_forgotten(people, attrs.evolve(REPORT, author=ada, time_ms=20))
        await people.change(SignIn("join:0", 15, None))
        assert is_forgotten(people, attrs.evolve(REPORT, author=ada, time_ms=10))
        assert not is_forgotten(people, attrs.evolve(REPORT, author=ada, time_ms=20))


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
