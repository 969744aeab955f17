"""More edits than the log can take: an edit that would wait too long gets 503, over each lane; then all is well."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import trio

from placed.backends.memory import open_memory_log
from placed.tasks.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    import pytest

    from tests.support.http_connection import Response
    from tests.support.serving import Server

LIMIT_SECONDS = 10.0


async def test_edits_beyond_what_may_wait_get_503_and_the_others_are_placed(
    start: Callable[..., AbstractAsyncContextManager[Server]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("placed.service.wiring.Writer", partial(Writer, max_waiting=3))
    in_flight, release, refused = trio.Event(), trio.Event(), trio.Event()
    answers: list[Response] = []
    async with open_memory_log() as log, start(open_log=log) as server:
        append = log.append

        async def held(value: bytes) -> int:
            in_flight.set()
            await release.wait()
            return await append(value)

        async def place(x: int) -> None:
            answer = await server.place(x, 0, 1)
            answers.append(answer)
            if answer.status == 503:
                refused.set()

        monkeypatch.setattr(log, "append", held)
        with trio.fail_after(LIMIT_SECONDS):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(place, 0)
                await in_flight.wait()
                for x in range(1, 5):  # three of them wait, one too many
                    nursery.start_soon(place, x)
                await refused.wait()
                release.set()
        (full,) = [answer for answer in answers if answer.status == 503]
        assert full.json()["code"] == "writer-full"
        assert int(full.headers["retry-after"]) >= 1
        assert [answer.status for answer in answers].count(200) == 4
        assert (await server.place(9, 0, 1)).status == 200


async def test_log_that_hangs_is_answered_503_within_the_limit(
    start: Callable[..., AbstractAsyncContextManager[Server]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("placed.service.wiring.Writer", partial(Writer, append_seconds=0.2))
    async with open_memory_log() as log, start(open_log=log) as server:
        append, release = log.append, trio.Event()

        async def held(value: bytes) -> int:
            await release.wait()
            return await append(value)

        monkeypatch.setattr(log, "append", held)
        with trio.fail_after(LIMIT_SECONDS):
            answer = await server.place(1, 2, 3)
        assert (answer.status, answer.json()["code"]) == (503, "outcome-unknown")
        release.set()
