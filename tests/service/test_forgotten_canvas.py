"""A canvas that a start with another, empty log would leave behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from placed.backends import CannotStart
from placed.backends.lmdb.log import open_lmdb_log
from placed.canvas.events import Canvas
from placed.commands.settings.values import Settings
from placed.service.forgotten_canvas import refuse_to_forget
from tests.support.log_lines import logged
from tests.support.offline_log import append_records
from tests.support.records import SMALL, record
from tests.support.scripted_log import ScriptedLog
from tests.support.server_process import refusal, running

if TYPE_CHECKING:
    from pathlib import Path

KAFKA = "kafka://broker.test:9092/canvas"


async def _painted(data: Path, edits: int = 3) -> None:
    await append_records(data / "log", [Canvas(SMALL).encode(), *[record((1, 1, 1, 9))] * edits])


@pytest.mark.parametrize("log", [KAFKA, "lmdb:/elsewhere/log"])
async def test_painted_canvas_is_not_passed_over_for_an_empty_log(tmp_path: Path, log: str) -> None:
    await _painted(tmp_path)
    with pytest.raises(CannotStart, match="holds a canvas of 3 records") as refused:
        await refuse_to_forget(Settings(data=tmp_path, log=log), ScriptedLog())
    for words in (str(tmp_path / "log"), log, "start without --log", "another --data", "move "):
        assert words in str(refused.value)


async def test_damaged_log_may_hold_a_canvas(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "data.mdb").write_bytes(b"\xff" * 10_000)
    with pytest.raises(CannotStart, match="a canvas of unknown size"):
        await refuse_to_forget(Settings(data=tmp_path, log=KAFKA), ScriptedLog())


async def test_log_that_has_records_is_served(tmp_path: Path) -> None:
    await _painted(tmp_path)
    log = ScriptedLog()
    await log.append(Canvas(SMALL).encode())
    await refuse_to_forget(Settings(data=tmp_path, log=KAFKA), log)


@pytest.mark.parametrize("edits", [None, 0], ids=["no log", "nothing painted"])
async def test_folder_that_nobody_painted_in_holds_nobody_up(tmp_path: Path, edits: int | None) -> None:
    if edits is not None:
        await _painted(tmp_path, edits)
    await refuse_to_forget(Settings(data=tmp_path, log=KAFKA), ScriptedLog())


@pytest.mark.parametrize("named", [False, True])
async def test_the_folder_s_own_log_is_no_other_one(tmp_path: Path, named: bool) -> None:
    settings = Settings(data=tmp_path, log=f"lmdb:{tmp_path}/../{tmp_path.name}/log" if named else None)
    async with open_lmdb_log(tmp_path / "log") as log:
        await refuse_to_forget(settings, log)


async def test_log_in_memory_begins_empty_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await _painted(tmp_path)
    await refuse_to_forget(Settings(data=tmp_path, log="memory:"), ScriptedLog())
    (line,) = logged(caplog)
    assert line["event"] == "a new canvas is served, not the one of the data folder"
    assert "a canvas of 3 records" in line["reason"]


async def test_server_is_refused_in_a_line_and_makes_no_canvas(tmp_path: Path) -> None:
    data, other = tmp_path / "data", tmp_path / "other"
    await append_records(data / "log", [Canvas(SMALL).encode(), record((1, 1, 1, 9))])
    for _ in range(2):  # a second try may not find a canvas made by the first one either
        code, output = await refusal(data, "--log", f"lmdb:{other}")
        assert code == 3
        assert len(output.splitlines()) == 1
        assert "holds a canvas of 1 record," in output
    await trio.Path(data / "log").rename(tmp_path / "aside")  # as the log line says
    async with running(data, "--log", f"lmdb:{other}") as server:
        await server.stop()
