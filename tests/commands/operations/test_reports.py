"""The reports in backups and checks: they come along, damage to them is told, and a restored server shows them."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import lmdb
import pytest
import trio

from placed.canvas.area import Area
from placed.commands.operations.backup import back_up
from placed.commands.settings.values import Settings
from placed.moderation.report import Report
from placed.moderation.reports import Reports
from placed.process.exit_codes import ExitCode
from tests.support.people import Host
from tests.support.serving import serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.commands.operations.conftest import Canvas

    Placed = Callable[..., tuple[int, str, str]]

PLACE = Area(1, 2, 3, 4)
REPORT = Report(time_ms=5, version=7, area=PLACE, text="look here", author=5, seen=PLACE, picture=b"PNG")


@pytest.fixture
def reported(canvas: Canvas) -> Canvas:
    """A canvas with two reports."""

    async def fill() -> None:
        reports = Reports(canvas.data / "reports")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(reports.run)
            for _ in range(2):
                await reports.add(REPORT)
            await reports.set_state(2, "done")
            nursery.cancel_scope.cancel()

    trio.run(fill)
    (canvas.data / "reports" / "lock.mdb").unlink()
    return canvas


def test_sound_reports_are_counted_and_no_file_is_left(reported: Canvas, placed: Placed) -> None:
    code, out, _ = placed("check", "--json", "--data", reported.data)
    told = json.loads(out)
    assert (code, told["problems"]) == (0, [])
    assert told["reports"] == {"new": 1, "seen": 0, "done": 1}
    assert [path.name for path in (reported.data / "reports").iterdir()] == ["data.mdb"]


async def test_restored_backup_shows_them(reported: Canvas, tmp_path: Path) -> None:
    (tmp_path / "restored").mkdir()
    copy = tmp_path / "restored" / "data"

    def quietly(_first: int, _reached: int, _end: int) -> None:
        pass

    made = await trio.to_thread.run_sync(back_up, Settings(data=reported.data), copy, quietly, quietly)
    assert made.report.reports == {"new": 1, "seen": 0, "done": 1}
    assert "reports      1 new, 0 seen, 1 done" in made.report.as_text()
    moderator = await Host(copy).token("mo", "moderator")
    async with serving("fast", tmp_path / "restored", log=None) as server:
        told = (await server.get("/reports", moderator)).json()["reports"]
    assert [(one["id"], one["text"], one["state"]) for one in told] == [
        (2, "look here", "done"),
        (1, "look here", "new"),
    ]


@pytest.mark.parametrize(("old", "new"), [(b'"text"', b'"test"'), (b'"id": 2', b'"id": 3'), (b'"done"', b'"gone"')])
def test_damage_that_the_pages_do_not_show_is_a_problem_and_gives_no_backup(
    reported: Canvas, placed: Placed, tmp_path: Path, old: bytes, new: bytes
) -> None:
    file = reported.data / "reports" / "data.mdb"
    assert old in file.read_bytes()
    file.write_bytes(file.read_bytes().replace(old, new))
    code, out, _ = placed("check", "--data", reported.data)
    assert code == ExitCode.UNUSABLE
    assert "PROBLEM: reports: " in out
    assert "reports/data.mdb is damaged" in out
    code, _, err = placed("backup", tmp_path / "copy", "--data", reported.data)
    assert (code, (tmp_path / "copy").exists()) == (ExitCode.UNUSABLE, False)
    assert "reports" in err


def test_cut_file_is_a_problem(reported: Canvas, placed: Placed) -> None:
    file = reported.data / "reports" / "data.mdb"
    file.write_bytes(file.read_bytes()[: 2 * 4096])
    assert "PROBLEM: reports: " in placed("check", "--data", reported.data)[1]


def test_missing_reports_are_no_problem_and_an_empty_file_is_none(canvas: Canvas, placed: Placed) -> None:
    shutil.rmtree(canvas.data / "reports")
    code, out, _ = placed("check", "--json", "--data", canvas.data)
    assert (code, json.loads(out)["reports"]) == (0, None)
    assert not (canvas.data / "reports").exists()
    (canvas.data / "reports").mkdir()
    with lmdb.open(str(canvas.data / "reports"), lib_version=0) as environment, environment.begin(write=True):
        pass
    code, out, _ = placed("check", "--json", "--data", canvas.data)
    assert (code, json.loads(out)["reports"]) == (0, {"new": 0, "seen": 0, "done": 0})
