"""The past that an act needs: from the history, or from the log if the history is incomplete or off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from placed.backends.memory import open_memory_log
from placed.canvas.events import Canvas
from placed.history.past import NotKept, Past
from placed.history.reading import ReadPast
from placed.moderation.present import CannotPaint
from placed.moderation.whole_past import TooFar, WholePast
from tests.history.indexing import fill
from tests.history.test_indexer import Server, lmdb_server
from tests.support.records import SMALL

if TYPE_CHECKING:
    from pathlib import Path

    from placed.history.walk import AnyPast

pytestmark = pytest.mark.usefixtures("small_segments")
PATIENCE_SECONDS = 20.0


async def _filled(server: Server) -> int:
    await server.log.append(Canvas(SMALL).encode())
    await fill(server.log, 60)
    return server.next()


def _canvas_of(past: AnyPast, version: int) -> bytes:
    return past.canvas(version)[1].tobytes()


async def test_a_history_that_is_whole_is_asked(tmp_path: Path) -> None:
    async with lmdb_server(tmp_path) as server:
        version = await _filled(server)
        async with server.history(tmp_path / "history") as indexer:
            found = await WholePast(server.log, indexer).ask(version, type)
    assert found is Past


async def test_without_a_history_the_log_tells_the_same(tmp_path: Path) -> None:
    async with lmdb_server(tmp_path) as server:
        version = await _filled(server)
        async with server.history(tmp_path / "history") as indexer:
            expected = await WholePast(server.log, indexer).ask(version, lambda past: _canvas_of(past, 40))
        with trio.fail_after(PATIENCE_SECONDS):
            past = WholePast(server.log)
            assert await past.ask(version, type) is ReadPast
            assert await past.ask(version, lambda past: _canvas_of(past, 40)) == expected


async def test_the_log_fills_in_for_a_segment_that_is_damaged(tmp_path: Path) -> None:
    async with lmdb_server(tmp_path) as server:
        version = await _filled(server)
        async with server.history(tmp_path / "history") as indexer:
            expected = _canvas_of(indexer.past, 20)
            damaged = indexer.past.kept[indexer.past.at(19)]
            damaged.path.write_bytes(bytes(damaged.path.stat().st_size))
            damaged.is_verified = False
            with trio.fail_after(PATIENCE_SECONDS):
                found = await WholePast(server.log, indexer).ask(version, lambda past: _canvas_of(past, 20))
    assert found == expected


async def test_what_a_question_raises_comes_as_it_is(tmp_path: Path) -> None:
    def cannot(_past: AnyPast) -> None:
        raise CannotPaint("no picture")

    async with lmdb_server(tmp_path) as server:
        version = await _filled(server)
        with trio.fail_after(PATIENCE_SECONDS), pytest.raises(CannotPaint, match="no picture"):
            await WholePast(server.log).ask(version, cannot)


async def test_a_log_that_is_too_long_is_refused_in_words(tmp_path: Path) -> None:
    async with lmdb_server(tmp_path) as server:
        version = await _filled(server)
        with trio.fail_after(PATIENCE_SECONDS), pytest.raises(TooFar, match="a server that keeps a history"):
            await WholePast(server.log, most_bytes=100).ask(version, lambda past: _canvas_of(past, 40))


async def test_a_log_whose_beginning_is_gone_is_refused_in_words() -> None:
    async with open_memory_log(max_bytes=5_000) as log:
        await fill(log, 200)
        first, version = await log.bounds()
        assert first > 0
        with trio.fail_after(PATIENCE_SECONDS), pytest.raises(NotKept, match="there is no history of the time before"):
            await WholePast(log).ask(version, lambda past: _canvas_of(past, version))


async def test_a_reader_of_the_log_ends_when_nobody_waits_any_more(tmp_path: Path) -> None:
    async with lmdb_server(tmp_path) as server:
        version = await _filled(server)
        started = trio.Event()
        token = trio.lowlevel.current_trio_token()

        def ask(past: AnyPast) -> None:
            parts = past.stretches(0, version)
            next(parts)
            token.run_sync_soon(started.set)
            list(parts)

        with trio.fail_after(PATIENCE_SECONDS):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(WholePast(server.log).ask, version, ask)
                await started.wait()
                nursery.cancel_scope.cancel()
        assert (await server.log.bounds())[1] == version
