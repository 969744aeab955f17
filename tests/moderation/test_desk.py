"""The desk: one act at a time, bounded, completely in the log before its answer; interrupted acts are on record."""

from __future__ import annotations

import json
import logging
import random
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from placed.backends import LogUnavailable, OutcomeUnknown
from placed.canvas.acts.record import record_of
from placed.canvas.area import Area
from placed.canvas.cooldown import Cooldowns, Rule
from placed.canvas.definition import Definition
from placed.canvas.events import Act, Canvas, Correction, Edits, decode_one
from placed.canvas.projection import Projection
from placed.canvas.refusal import RecordRefused
from placed.moderation import desk as desks
from placed.moderation.asked_act import Asked
from placed.moderation.desk import MOST_WAITING, Desk, DeskFull, Unfinished
from placed.moderation.whole_past import WholePast
from placed.moderation.wipe import Wipe
from placed.tasks.reader import LogReader
from placed.tasks.writer import Writer, WriterClosed
from tests.support.log_lines import logged
from tests.support.scripted_log import ScriptedLog

if TYPE_CHECKING:
    from placed.canvas.events import Event

CANVAS = Definition(8, 8, bytes(range(12)))
LIMIT_SECONDS = 20


class Server:
    """A server's writer, reader and desk."""

    def __init__(self) -> None:
        self.log = ScriptedLog()
        self.projection = Projection(CANVAS, 0, Cooldowns(Rule(10, 0)))
        self._applied = trio.Event()
        self.stop = trio.CancelScope()
        self.writer = Writer(self.log, append_seconds=LIMIT_SECONDS)
        self.reader = LogReader(self.log, self.projection, self._note)
        self.desk = Desk(self.projection, self.writer, WholePast(self.log), self._reach)

    def _note(self) -> None:
        self._applied.set()
        self._applied = trio.Event()

    async def _reach(self, version: int) -> None:
        while self.projection.version < version:
            await self._applied.wait()

    async def run(self) -> None:
        """Run all its tasks."""
        await self.log.append(Canvas(CANVAS).encode())
        with self.stop:
            await self._run()

    async def _run(self) -> None:
        async with trio.open_nursery() as nursery:
            for part in (self.reader, self.writer, self.desk):
                nursery.start_soon(part.run)

    def events(self) -> list[Event]:
        """The events appended after the canvas."""
        return [decode_one(value) for value in self.log.appended[1:]]


@pytest.fixture
async def server(nursery: trio.Nursery) -> Server:
    made = Server()
    nursery.start_soon(made.run)
    with trio.fail_after(LIMIT_SECONDS):
        await made._reach(1)
    return made


def wipe(color: int = 1, **area: int) -> Asked:
    """A wipe of the whole canvas, or of an area."""
    found = Area(**{"x": 0, "y": 0, "width": 8, "height": 8, **area})
    return Asked(Act("wipe", 7, {"area": found.as_json(), "color": color}), Wipe(found, color))


def kinds(server: Server) -> list[Any]:
    """The kinds of the acts, and the acts and sizes of the corrections."""
    return [it.kind if isinstance(it, Act) else (it.act, it.pixel_count) for it in server.events()]  # type: ignore[attr-defined]  # corrections


async def test_act_is_in_the_log_before_its_corrections_and_done_after_them(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desks, "MOST_PIXELS", 40)
    with trio.fail_after(LIMIT_SECONDS):
        done = await server.desk.do(wipe())
    assert kinds(server) == ["wipe", (1, 40), (1, 24), "done"]
    assert (done.act, done.version, done.pixels) == (1, 4, 64)
    assert (server.projection.canvas == 1).all()
    assert record_of(server.projection.kept.acts)["1"]["pixels"] == 64


async def test_more_than_wait_are_refused_and_those_that_wait_are_done_in_order(server: Server) -> None:
    server.log.gate = trio.Event()
    with trio.fail_after(LIMIT_SECONDS):
        async with trio.open_nursery() as doing:
            for color in range(MOST_WAITING + 1):  # the first act is being done
                doing.start_soon(server.desk.do, wipe(color % 4, width=1, height=1))
                await wait_all_tasks_blocked()
            with pytest.raises(DeskFull):
                await server.desk.do(wipe())
            server.log.gate.set()
        await server.desk.do(wipe(2))
    told = [json.loads(value[2:])["color"] for value in server.log.appended if b'"wipe"' in value]
    assert told == [*(color % 4 for color in range(MOST_WAITING + 1)), 2]


async def test_act_that_is_broken_off_is_on_record_as_unfinished_and_can_be_repeated(server: Server) -> None:
    server.log.append_errors = [None, LogUnavailable("gone")]
    with trio.fail_after(LIMIT_SECONDS):
        with pytest.raises(Unfinished) as broken:
            await server.desk.do(wipe())
        assert broken.value.act == 1
        assert record_of(server.projection.kept.acts)["1"]["done"] is False
        assert (await server.desk.do(wipe())).pixels == 64


async def test_act_whose_record_can_not_be_appended_is_not_done(server: Server) -> None:
    server.log.append_errors = [LogUnavailable("gone")]
    with trio.fail_after(LIMIT_SECONDS), pytest.raises(LogUnavailable):
        await server.desk.do(wipe())
    assert record_of(server.projection.kept.acts) == {}


async def test_act_goes_on_when_whoever_asked_has_left(server: Server, nursery: trio.Nursery) -> None:
    server.log.gate = trio.Event()
    with trio.move_on_after(0.01):
        await server.desk.do(wipe())
    server.log.gate.set()
    with trio.fail_after(LIMIT_SECONDS):
        await server._reach(4)
    assert (server.projection.canvas == 1).all()


async def ask_and_leave(server: Server) -> None:
    """Let a moderator ask for an act, and leave while its record is being appended."""
    server.log.gate = trio.Event()
    async with trio.open_nursery() as leaving:
        leaving.start_soon(server.desk.do, wipe())
        await wait_all_tasks_blocked()
        leaving.cancel_scope.cancel()
    server.log.gate.set()


async def test_bug_in_an_act_is_in_the_log_once_when_whoever_asked_has_left(
    server: Server, nursery: trio.Nursery, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(desks, "paint", broken)
    with trio.fail_after(LIMIT_SECONDS):
        await ask_and_leave(server)
        with pytest.raises(ZeroDivisionError):  # a moderator who still waits gets it, and a 500 logs it
            await server.desk.do(wipe())
    (line,) = logged(caplog, logging.ERROR)
    assert (line["event"], line["kind"], line["level"]) == ("an act failed", "wipe", "error")
    assert "a bug" in repr(line["exc_info"])


async def test_act_that_fails_as_acts_may_is_no_error_in_the_log_when_whoever_asked_has_left(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.log.append_errors = [LogUnavailable("gone")]
    with trio.fail_after(LIMIT_SECONDS):
        await ask_and_leave(server)
        await server.desk.do(wipe())
    assert logged(caplog, logging.ERROR) == []


async def test_server_that_stops_tells_each_who_waits_how_far_their_act_has_come(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    works_out = trio.Event()
    told: list[Exception] = []

    async def for_ever(*_told: object) -> Any:
        if not server.events():
            return None  # before its record is in the log
        works_out.set()
        await trio.sleep_forever()

    async def ask() -> None:
        with pytest.raises((Unfinished, WriterClosed)) as raised:
            await server.desk.do(wipe())
        told.append(raised.value)

    monkeypatch.setattr(Desk, "_work_out", for_ever)
    with trio.fail_after(LIMIT_SECONDS):
        async with trio.open_nursery() as asking:
            asking.start_soon(ask)
            await works_out.wait()
            asking.start_soon(ask)
            await wait_all_tasks_blocked()
            server.stop.cancel()
        await ask()
    assert sorted(type(error).__name__ for error in told) == ["Unfinished", "WriterClosed", "WriterClosed"]
    assert kinds(server) == ["wipe"]


async def test_server_that_stops_before_an_act_is_on_record_says_what_it_knows(server: Server) -> None:
    server.log.gate = trio.Event()

    before = len(server.log.appended)

    async def stop() -> None:
        while len(server.log.appended) == before:  # noqa: ASYNC110 - a task whose thread works counts as blocked
            await trio.sleep(0.001)
        server.stop.cancel()

    with trio.fail_after(LIMIT_SECONDS):
        async with trio.open_nursery() as stopping:
            stopping.start_soon(stop)
            with pytest.raises(OutcomeUnknown):
                await server.desk.do(wipe())


async def test_act_that_the_fold_would_refuse_is_not_recorded(server: Server) -> None:
    with trio.fail_after(LIMIT_SECONDS), pytest.raises(RecordRefused):
        await server.desk.do(Asked(Act("unprotect", 7, {"act": 9})))
    assert server.events() == []


async def test_what_is_painted_while_an_act_is_worked_out_stays(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    work_out = Desk._work_out

    async def slowly(*told: Any) -> Any:
        found: Any = await work_out(*told)
        if server.events():  # the act's own record is in the log: this call counts
            record = server.writer.add(Edits.one(3, 3, 2, 5))
            await record.wait()
            await server._reach(record.version())
        return found

    monkeypatch.setattr(Desk, "_work_out", slowly)
    with trio.fail_after(LIMIT_SECONDS):
        done = await server.desk.do(wipe())
    assert (done.pixels, server.projection.canvas[3, 3]) == (63, 2)
    assert [it.pixel_count for it in server.events() if isinstance(it, Correction)] == [63]


@pytest.mark.parametrize("seed", range(4))
async def test_what_is_painted_between_an_act_s_corrections_stays(
    server: Server, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(desks, "MOST_PIXELS", 5)
    chance, append = random.Random(seed), Desk._append
    painted: dict[tuple[int, int], int] = {}

    async def paint_behind(desk: Desk, event: Event) -> int:
        version = await append(desk, event)
        for _ in range(chance.randrange(3)):
            x, y, color = chance.randrange(8), chance.randrange(8), chance.choice([0, 2, 3])
            edit = server.writer.add(Edits.one(x, y, color, 5))
            await edit.wait()
            await server._reach(edit.version())
            painted[x, y] = color
        return version

    monkeypatch.setattr(Desk, "_append", paint_behind)
    with trio.fail_after(LIMIT_SECONDS):
        done = await server.desk.do(wipe())
    expected = [[painted.get((x, y), 1) for x in range(8)] for y in range(8)]
    assert server.projection.canvas.tolist() == expected
    corrected = [it.pixel_count for it in server.events() if isinstance(it, Correction)]
    assert (max(corrected), sum(corrected)) == (5, done.pixels)
