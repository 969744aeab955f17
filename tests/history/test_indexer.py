"""The indexer: whatever happens to its files, the history is that of the log."""

from __future__ import annotations

import contextlib
import errno
import os
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
import trio

from placed.backends import LogClosed, LogRefused, LogReplaced, LogUnavailable, OutcomeUnknown
from placed.backends.lmdb.log import open_lmdb_log
from placed.backends.memory import open_memory_log
from placed.canvas.definition import Definition
from placed.canvas.events import Canvas
from placed.commands.operations.backup import back_up
from placed.commands.settings.values import Settings
from placed.history.folder import list_folder
from placed.history.ground import Ground
from placed.history.indexer import Indexer, Live
from placed.history.past import NotIndexed, NotKept
from placed.history.records import records_of
from tests.history.indexing import fill, indexing
from tests.support.records import SMALL, record
from tests.support.scripted_log import ScriptedLog
from tests.support.waiting import PATIENCE_SECONDS, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from placed.backends import Log, LogError
    from placed.history.past import Past

pytestmark = pytest.mark.usefixtures("small_segments")


class Server:
    """A log, and the server's knowledge of its canvas."""

    def __init__(self, log: Log, next_: Callable[[], int]) -> None:
        self.log = log
        self.next = next_
        self.is_in_place = True
        self.ground = Ground(SMALL, 0)

    @contextlib.asynccontextmanager
    async def history(self, folder: Path) -> AsyncIterator[Indexer]:
        """Run the indexer; it has reached the log's end."""
        live = Live(self.next, lambda: SMALL, lambda: Ground(SMALL, 0), lambda: self.ground, lambda: self.is_in_place)
        async with indexing(folder, self.log, live, self.next()) as indexer:
            yield indexer


def _records(past: Past) -> list[bytes]:
    return [value for stretch, _ in past.stretches(past.first, past.version) for _, _, value in records_of(stretch)]


@contextlib.asynccontextmanager
async def lmdb_server(folder: Path) -> AsyncIterator[Server]:
    async with open_lmdb_log(folder / "log") as log:
        yield Server(log, lambda: log._tail.next)


async def test_a_history_goes_on_where_it_stopped(tmp_path: Path) -> None:
    async with lmdb_server(tmp_path) as server:
        values = [Canvas(SMALL).encode()]
        await server.log.append(values[0])
        for seed in range(3):
            values += await fill(server.log, 40, seed=seed)
            before = {path: path.stat().st_mtime_ns for path in (tmp_path / "history").glob("*.segment")}
            async with server.history(tmp_path / "history") as indexer:
                assert _records(indexer.past) == values
                values += await fill(server.log, 20, seed=9)
                assert await indexer.reach(server.next(), PATIENCE_SECONDS)
                assert _records(indexer.past) == values
            assert {path: path.stat().st_mtime_ns for path in before} == before


async def test_each_segment_is_there_before_the_next_one_fills(tmp_path: Path) -> None:
    async with lmdb_server(tmp_path) as server:
        await server.log.append(Canvas(SMALL).encode())
        await fill(server.log, 90)  # all in one batch
        seen: list[int] = []
        live = Live(server.next, lambda: SMALL, lambda: Ground(SMALL, 0), lambda: server.ground)
        indexer = Indexer(tmp_path / "history", server.log, live, give_back=lambda: seen.append(len(indexer.past.kept)))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(indexer.run)
            assert await indexer.reach(server.next(), PATIENCE_SECONDS)
            nursery.cancel_scope.cancel()
        assert len(seen) > 2
        assert seen == list(range(1, len(indexer.past.kept) + 1))


@pytest.mark.parametrize("seed", range(8))
async def test_damage_anywhere_costs_reading_that_part_again(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    async with lmdb_server(tmp_path) as server:
        await server.log.append(Canvas(SMALL).encode())
        values = [Canvas(SMALL).encode(), *await fill(server.log, 90)]
        async with server.history(tmp_path / "history"):
            pass
        whole = {path: path.read_bytes() for path in (tmp_path / "history").glob("*.segment")}
        for path in rng.choice(sorted(whole), 3, replace=False):
            _damage(path, rng)
        async with server.history(tmp_path / "history") as indexer:
            await until(lambda: all(each.is_verified for each in indexer.past.kept))
            assert _records(indexer.past) == values
        assert {path: path.read_bytes() for path in (tmp_path / "history").glob("*.segment")} == whole


def _damage(path: Path, rng: np.random.Generator) -> None:
    match rng.integers(3):
        case 0:
            path.unlink()
        case 1:
            os.truncate(path, int(rng.integers(path.stat().st_size)))
        case _:
            data = bytearray(path.read_bytes())
            data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
            path.write_bytes(data)


async def test_damage_under_a_running_server_is_found_by_who_asks_and_mended(tmp_path: Path) -> None:
    async with lmdb_server(tmp_path) as server:
        await server.log.append(Canvas(SMALL).encode())
        values = [Canvas(SMALL).encode(), *await fill(server.log, 60)]
        async with server.history(tmp_path / "history") as indexer:
            indexer.past.kept[1].path.unlink()
            with pytest.raises(NotIndexed, match="has to be read again"):
                indexer.past.canvas(indexer.past.kept[1].end)
            indexer.tell_damage()
            await until(lambda: indexer.mended == 1)
            assert _records(indexer.past) == values


async def test_a_disk_without_room_stops_the_history_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with lmdb_server(tmp_path) as server:
        await server.log.append(Canvas(SMALL).encode())
        async with server.history(tmp_path / "history") as indexer:
            monkeypatch.setattr("placed.history.indexer._RETRY_SECONDS", 0.01)
            with monkeypatch.context() as full:

                def refuse(*_: object) -> None:
                    raise OSError(errno.ENOSPC, "No space left on device")

                full.setattr("placed.history.keeping.write_segment", refuse)
                values = [Canvas(SMALL).encode(), *await fill(server.log, 60)]
                await until(lambda: indexer.stopped is not None)
                assert str(indexer.stopped) == "No space left on device"
                assert _records(indexer.past) == values[: indexer.past.version]
            assert await indexer.reach(server.next(), PATIENCE_SECONDS)
            assert not indexer.stopped
            assert _records(indexer.past) == values


async def test_a_data_folder_that_is_not_in_place_is_not_written(tmp_path: Path) -> None:
    async with lmdb_server(tmp_path) as server:
        await server.log.append(Canvas(SMALL).encode())
        async with server.history(tmp_path / "history") as indexer:
            server.is_in_place = False
            await fill(server.log, 30)
            await until(lambda: indexer.stopped is not None)
            assert list_folder(tmp_path / "history") == []


async def test_a_history_of_another_log_is_put_aside(tmp_path: Path) -> None:
    async with lmdb_server(tmp_path / "one") as server:
        await server.log.append(Canvas(SMALL).encode())
        await fill(server.log, 30)
        async with server.history(tmp_path / "history"):
            old = server.log.id
    async with lmdb_server(tmp_path / "two") as server:
        await server.log.append(Canvas(SMALL).encode())
        values = [Canvas(SMALL).encode(), *await fill(server.log, 40, seed=5)]
        async with server.history(tmp_path / "history") as indexer:
            assert _records(indexer.past) == values
    assert len(list_folder(tmp_path / "history" / f"of-{old}")) > 0


async def test_a_restored_backup_keeps_the_history_up_to_it_and_puts_the_rest_aside(tmp_path: Path) -> None:
    history = tmp_path / "history"
    values = [Canvas(SMALL).encode()]
    async with lmdb_server(tmp_path / "one") as server:
        await server.log.append(values[0])
        values += await fill(server.log, 60)
    settings = Settings(data=tmp_path / "one")
    await trio.to_thread.run_sync(back_up, settings, tmp_path / "two", lambda *_: None, lambda *_: None)
    async with lmdb_server(tmp_path / "one") as server:
        await fill(server.log, 60, seed=1)  # edits that the backup doesn't have
        async with server.history(history):
            old = server.log.id
    shared = {each.path: each.path.stat().st_mtime_ns for each in list_folder(history) if each.end <= len(values)}
    assert len(shared) > 2
    async with lmdb_server(tmp_path / "two") as server:
        values += await fill(server.log, 40, seed=2)
        async with server.history(history) as indexer:
            assert _records(indexer.past) == values
    assert {path: path.stat().st_mtime_ns for path in shared} == shared
    assert len(list_folder(history / f"of-{old}")) > 2


async def test_a_log_whose_beginning_is_gone_has_a_history_from_the_canvas_as_it_is(tmp_path: Path) -> None:
    async with open_memory_log(max_bytes=2_000) as log:
        server = Server(log, lambda: log._tail.next)
        await log.append(Canvas(SMALL).encode())
        await fill(log, 40)
        canvas = np.full((SMALL.height, SMALL.width), 2, np.uint8)
        server.ground = Ground(SMALL, log._tail.next, canvas)
        async with server.history(tmp_path / "history") as indexer:
            assert indexer.past.first == 41
            assert np.array_equal(indexer.past.canvas(41)[1], canvas)
            await log.append(record((0, 0, 3, 1)))
            assert await indexer.reach(42, PATIENCE_SECONDS)
            assert indexer.past.canvas(42)[1][0, 0] == 3
            with pytest.raises(NotKept):
                indexer.past.canvas(40)


async def test_a_canvas_that_grows_has_its_size_at_each_version(tmp_path: Path) -> None:
    larger = Definition(9, 4, SMALL.rgb + bytes(3))
    async with lmdb_server(tmp_path) as server:
        await server.log.append(Canvas(SMALL).encode())
        await fill(server.log, 20)
        await server.log.append(Canvas(larger).encode())
        await server.log.append(record((8, 3, 4, 1)))
        async with server.history(tmp_path / "history") as indexer:
            assert indexer.past.canvas(21)[0] == SMALL
            assert indexer.past.canvas(22)[0] == larger
            assert indexer.past.canvas(23)[1][3, 8] == 4


async def test_the_history_waits_for_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "history").write_text("a file")
    async with lmdb_server(tmp_path) as server:
        await server.log.append(Canvas(SMALL).encode())
        live = Live(server.next, lambda: SMALL, lambda: Ground(SMALL, 0), lambda: server.ground)
        indexer = Indexer(tmp_path / "history", server.log, live)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(indexer.run))
            await until(lambda: indexer.stopped is not None)
            assert not await indexer.reach(1, 0.05)
            nursery.cancel_scope.cancel()


async def test_a_log_that_does_not_answer_is_waited_for_from_the_first_question_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Brokers hung just after a start; the indexer then ended, and with it its server and all connections."""
    monkeypatch.setattr("placed.history.indexer._RETRY_SECONDS", 0.01)
    log = ScriptedLog()
    values = [Canvas(SMALL).encode(), record((0, 0, 3, 1))]
    for value in values:
        await log.append(value)
    log.bounds_errors = [LogUnavailable("no answer"), LogRefused("no"), OutcomeUnknown("no answer")]
    log.enter_errors = [LogUnavailable("no answer")]
    server = Server(log, lambda: len(values))
    async with server.history(tmp_path / "history") as indexer:
        assert _records(indexer.past) == values


@pytest.mark.parametrize("error", [LogClosed("closed"), LogReplaced("another one")], ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("when", ["bounds", "enter", "receive", "mend"])
async def test_of_a_log_that_is_over_the_reader_of_the_canvas_is_to_tell(
    tmp_path: Path, error: LogError, when: str
) -> None:
    log = ScriptedLog()
    await log.append(Canvas(SMALL).encode())
    await fill(log, 40)
    server = Server(log, lambda: 41)
    if when == "mend":
        async with server.history(tmp_path / "history"):
            pass
        list_folder(tmp_path / "history")[1].path.write_bytes(b"damaged")
        log.enter_errors = [LogUnavailable("the one who follows waits"), error]
    else:
        getattr(log, f"{when}_errors").append(error)
    live = Live(server.next, lambda: SMALL, lambda: Ground(SMALL, 0), lambda: server.ground)
    with trio.fail_after(PATIENCE_SECONDS):
        await Indexer(tmp_path / "history", log, live).run()
