"""A server that ends by a fault, or starts again on another log, still answers earlier requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from placed.backends import LogClosed
from placed.http.lanes import front
from placed.service import wiring
from tests.support.http_connection import Response, connect, place
from tests.support.scripted_log import ScriptedLog
from tests.support.serving import LANES, LIMIT_SECONDS, serving
from tests.support.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.http_connection import HttpConnection


@pytest.mark.parametrize("lane", LANES)
async def test_edits_under_way_are_answered_before_the_connections_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lane: str
) -> None:
    for module, name in ((front, "_WIND_DOWN_SECONDS"), (wiring, "_LAST_ANSWERS_SECONDS")):
        monkeypatch.setattr(module, name, LIMIT_SECONDS)  # enough for late events on a busy machine
    log = ScriptedLog()
    answers: list[Response] = []

    async def paint(connection: HttpConnection) -> None:
        answers.append(await place(connection, 1, 2, 3))

    with pytest.RaisesGroup(LogClosed, allow_unwrapped=True, flatten_subgroups=True):
        async with serving(lane, tmp_path, open_log=log) as server:
            async with connect(server.port) as one, connect(server.port) as two, connect(server.port) as late:
                assert (await place(late, 1, 2, 3)).status == 200
                async with server.follow("v=2") as stream:
                    log.gate, before = trio.Event(), len(log.appended)
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(paint, one)
                        await until(lambda: len(log.appended) == before + 1)  # the append is in flight
                        nursery.start_soon(paint, two)
                        while b"placed_edits_waiting 1.0" not in (await server.get("/metrics")).body:
                            await trio.lowlevel.checkpoint()
                        log.close()
                    assert sorted(answer.status for answer in answers) == [503, 503]
                    codes = {answer.json()["code"] for answer in answers}
                    assert codes == {"outcome-unknown", "log-unavailable"}
                    assert await stream.next() is None  # from now on each answer is its connection's last
                    refused = await place(late, 1, 2, 4)
                    assert (refused.status, refused.headers["connection"]) == (503, "close")
            await trio.sleep_forever()
