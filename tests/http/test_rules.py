"""Edits that acts forbid, in both lanes, and what the server tells everybody about acts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from placed.backends.memory import MemoryLog
from placed.canvas.clock import wall_clock_ms
from placed.canvas.events import Act
from tests.support.people import Host, post_json
from tests.support.serving import LIMIT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.support.serving import Server

    Start = Callable[..., AbstractAsyncContextManager[Server]]

UNTIL_MS = 4_000_000_000_000
UNTIL = "2096-10-02T07:06:40.000Z"
OPEN = {"open": True, "opens": None, "closes": None}


async def act(server: Server, log: MemoryLog, kind: str, **fields: Any) -> int:
    """Append an act, and wait until the server has read it; return its id."""
    offset = await log.append(Act(kind, 7, fields).encode())
    with trio.fail_after(LIMIT_SECONDS):
        await server.get(f"/edits?v={offset}&wait=20")
    return offset


def a_log() -> MemoryLog:
    """A new log."""
    return MemoryLog(max_bytes=1 << 20, clock_ms=wall_clock_ms)


async def own_author(server: Server) -> str:
    """The author of edits from this address."""
    author: str = (await server.get("/me")).json()["author"]
    return author


async def refused(server: Server, *headers: tuple[str, str]) -> dict[str, Any]:
    """The refusal of an edit; a list of edits must get the same one."""
    one = await server.place(1, 1, 1, *headers)
    several = await post_json(server, "/edits", {"edits": [[9, 9, 1], [1, 1, 1]]}, *headers)
    assert (one.status, several.status) == (403, 403)
    assert one.json() == several.json()
    told: dict[str, Any] = one.json()
    return told


@pytest.mark.parametrize("until", [UNTIL_MS, None])
async def test_banned_author_is_told_until_when(start: Start, until: int | None) -> None:
    log = a_log()
    async with start(open_log=log) as server:
        banned = await act(server, log, "ban", authors=[await own_author(server)], until=until)
        before = server.state()
        told = await refused(server)
        assert (told["code"], told["until"]) == ("banned", None if until is None else UNTIL)
        assert told["detail"].endswith("for good" if until is None else f"until {UNTIL}")
        await server.assert_well(before)
        await act(server, log, "undo", act=banned)
        assert (await server.place(1, 1, 1)).status == 200


async def test_refused_edit_costs_no_charge(start: Start) -> None:
    log = a_log()
    async with start(open_log=log, charges=5, charge_seconds=60.0) as server:
        closed = await act(server, log, "close")
        await refused(server)
        await act(server, log, "undo", act=closed)
        assert (await server.info())["cooldown"]["remaining"] == 5


async def test_protected_area_is_named_and_moderators_and_hosts_paint_there(start: Start, tmp_path: Path) -> None:
    log, host = a_log(), Host(tmp_path / "data")
    tokens = [await host.token(role, role) for role in ("moderator", "host")]
    bot = await host.token("robot", "bot")
    async with start(open_log=log) as server:
        protecting = await act(server, log, "protect", area=[1, 1, 2, 2])
        for headers in ((), (bot,)):
            told = await refused(server, *headers)
            assert (told["code"], told["area"], told["act"]) == ("protected", [1, 1, 2, 2], protecting)
            assert "[1, 1, 2, 2]" in told["detail"]
        assert (await server.place(3, 1, 1)).status == 200
        for token in tokens:
            assert (await server.place(1, 1, 1, token)).status == 200
        await act(server, log, "unprotect", act=protecting)
        assert (await server.place(2, 2, 1)).status == 200


async def test_closed_canvas_says_when_it_opens(start: Start) -> None:
    log = a_log()
    async with start(open_log=log) as server:
        await act(server, log, "close")
        told = await refused(server)
        assert (told["code"], told["opens"], told["detail"]) == ("closed", None, "the canvas is closed")
        await act(server, log, "open", at=UNTIL_MS)
        told = await refused(server)
        assert (told["opens"], told["detail"]) == (UNTIL, f"the canvas is closed; it opens at {UNTIL}")
        assert (await server.get("/canvas.png")).status == 200


async def test_info_tells_of_the_gate_and_what_is_announced(start: Start) -> None:
    log = a_log()
    async with start(open_log=log) as server:
        info = await server.info()
        assert (info["gate"], info["announcement"]) == (OPEN, None)
        await act(server, log, "close", at=UNTIL_MS)
        await act(server, log, "announce", text="It ends ✓", until=UNTIL_MS)
        info = await server.info()
        assert info["gate"] == {"open": True, "opens": None, "closes": UNTIL}
        assert info["announcement"] == {"text": "It ends ✓", "until": UNTIL}
        await act(server, log, "announce", text="It is over", until=0)
        assert (await server.info())["announcement"] is None


async def test_status_tells_at_once_when_the_gate_or_the_announcement_changes(start: Start) -> None:
    log = a_log()
    async with start(open_log=log) as server, server.follow("v=1") as stream:
        told = await stream.status()
        assert set(told) == {"v", "viewers", "writable"}

        async def changed() -> dict[str, Any]:
            """The notices of the next status that has others; one with the same may come, with a new `viewers`."""
            nonlocal told
            before = told
            while _notices(told := await stream.status()) == _notices(before):
                pass
            assert told["v"] > before["v"]
            return _notices(told)

        closed = await act(server, log, "close")
        assert await changed() == {"gate": {**OPEN, "open": False}}
        await act(server, log, "announce", text="Hello")
        assert (await changed())["announcement"] == {"text": "Hello", "until": None}
        await act(server, log, "undo", act=closed)
        assert await changed() == {"announcement": {"text": "Hello", "until": None}}


def _notices(status: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in status.items() if name not in {"v", "viewers", "writable"}}


async def test_planned_closing_comes_true_on_a_server_and_outlasts_it(start: Start) -> None:
    log = a_log()
    async with start(open_log=log) as server:
        await act(server, log, "close", at=1)
        async with server.follow("v=1") as stream:
            while "gate" not in (told := await stream.status()) or told["gate"]["open"]:
                pass
    async with start(open_log=log) as server:
        assert (await refused(server))["code"] == "closed"
