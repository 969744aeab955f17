"""Promise 2: two servers at the same version of the same log have byte-identical canvases."""

from __future__ import annotations

import contextlib
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import trio

from placed.backends import CannotStart, Log
from placed.backends.lmdb.log import open_lmdb_log
from placed.backends.memory import open_memory_log
from placed.canvas.cooldown import Rule
from placed.canvas.definition import Definition
from placed.canvas.events import Canvas, decode_one
from placed.commands.settings.values import Settings
from placed.service.wiring import Running, serve
from placed.storage.snapshot_store import open_snapshot_store
from placed.tasks.recovery import Wanted, recover
from placed.tasks.snapshotter import Snapshotter
from tests.support.http_connection import connect, place
from tests.support.offline_log import ModelCanvas, edits_in, record_of, values_of
from tests.support.painters import Load, at_random
from tests.support.stream_client import served_pixels

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncGenerator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from placed.canvas.batch import Batch
    from placed.canvas.projection import Projection
    from placed.storage.snapshot_store import SnapshotStore

LIMIT_SECONDS = 60.0
WIDTH, HEIGHT, COLORS = 64, 48, 16
DEFINITION = Definition(WIDTH, HEIGHT, b"".join(bytes([n, n, n]) for n in range(COLORS)))


def _settings(data: Path, width: int = WIDTH) -> Settings:
    return Settings(data=data, port=0, width=width, height=HEIGHT, charge_seconds=0, allowed_hosts=("placed.test",))


def _port(running: Running) -> int:
    port = urlsplit(running.urls[0]).port
    assert port
    return port


@contextlib.asynccontextmanager
async def _two_servers(log: Log, folder: Path) -> AsyncGenerator[tuple[Running, Running]]:
    """Two servers in this process on one log, started at once and stopped in order at the end."""
    ready: list[Running] = []
    stop = trio.Event()
    async with trio.open_nursery() as nursery:

        async def start(name: str) -> None:
            settings = _settings(folder / name)
            ready.append(await nursery.start(partial(serve, settings, stop=stop, log=log)))

        async with trio.open_nursery() as starting:
            starting.start_soon(start, "a")
            starting.start_soon(start, "b")
        yield ready[0], ready[1]
        stop.set()


async def test_two_servers_on_one_log_serve_the_same_bytes_while_people_paint_on_both(
    tmp_path: Path, chance: random.Random
) -> None:
    load = Load(islice(at_random(chance, WIDTH, HEIGHT, COLORS), 1_000))
    with trio.fail_after(LIMIT_SECONDS):
        async with open_lmdb_log(tmp_path / "log") as log:
            async with _two_servers(log, tmp_path) as (one, other):
                async with trio.open_nursery() as people:
                    for server in (one, other):
                        people.start_soon(load.paint, _port(server), 6)
                _, end = await log.bounds()
                images = [await served_pixels(_port(server), end) for server in (one, other)]
            values = await values_of(log)
            replayed = await _replayed(log, tmp_path / "c", end)
    assert load.refused == []
    assert len(load.acknowledged) == 1_000
    assert images[0] == images[1] == replayed.canvas.tobytes()
    records = [edits_in(value) for value in values]
    assert ModelCanvas.of(records, WIDTH, HEIGHT).pixels == images[0]
    assert all(edit in records[version - 1] for edit, version in load.acknowledged)


async def test_edit_placed_on_one_server_is_told_by_the_other(tmp_path: Path) -> None:
    with trio.fail_after(LIMIT_SECONDS):
        async with open_memory_log() as log, _two_servers(log, tmp_path) as (one, other):
            async with connect(_port(one)) as connection:
                answer = await place(connection, 3, 4, 5)
            assert (await served_pixels(_port(other), answer.json()["v"]))[4 * WIDTH + 3] == 5


async def _recovered(log: Log, store: SnapshotStore, width: int | None = None) -> Projection:
    projection, _ = await recover(
        log,
        store,
        Wanted(width, None, None),
        default=DEFINITION,
        rule=Rule(1, 0),
        where="the test's log",
        progress=lambda begin, at, end: None,
    )
    return projection


async def _replayed(log: Log, folder: Path, end: int) -> Projection:
    """The projection that a new server makes from the whole log."""
    async with open_snapshot_store(folder) as store:
        projection = await _recovered(log, store)
    assert projection.version == end
    return projection


def _junk(chance: random.Random) -> bytes:
    """A record that means nothing, at least here; all servers have to agree about it."""
    edit = record_of([(chance.randrange(2**16), chance.randrange(2**16), chance.randrange(256))])
    kinds = (
        chance.randbytes(chance.randint(1, 60)),
        b"\x01\x01" + chance.randbytes(chance.randint(0, 60)),
        b"\x01\x02" + chance.randbytes(chance.randint(0, 60)),
        edit,
        edit[: chance.randint(1, len(edit))],
    )
    return chance.choice(kinds)


def _record(chance: random.Random) -> bytes:
    if chance.random() < 0.1:
        return _junk(chance)
    return record_of(list(islice(at_random(chance, WIDTH, HEIGHT, COLORS), chance.choice([1, 1, 3, 200]))))


async def test_replay_from_any_snapshot_equals_the_replay_from_the_start(tmp_path: Path, chance: random.Random) -> None:
    """The test takes snapshots all the time; each one, and a start without, leads to the same canvas, despite junk."""
    with trio.fail_after(LIMIT_SECONDS):
        async with open_memory_log() as log:
            await log.append(Canvas(DEFINITION).encode())
            for _ in range(8):
                for _ in range(chance.randint(1, 150)):
                    await log.append(_record(chance))
                _, end = await log.bounds()
                async with open_snapshot_store(tmp_path / "along") as store:
                    along = await _recovered(log, store)
                    await Snapshotter(store, along, log.id).save()
                scratch = await _replayed(log, tmp_path / f"scratch-{end}", end)
                assert along.version == scratch.version == end
                assert along.canvas.tobytes() == scratch.canvas.tobytes()
                model = ModelCanvas(WIDTH, HEIGHT)
                for value in await values_of(log):
                    edits = edits_in(value)
                    model.paint(edits if all(_fits(edit) for edit in edits) else [])
                assert model.pixels == scratch.canvas.tobytes()
                # From any version that both feeds reach back to, both feeds send the same.
                for version in range(max(along.feed.first, scratch.feed.first), end):
                    assert along.feed.since(version) == scratch.feed.since(version)


def _fits(edit: tuple[int, int, int]) -> bool:
    x, y, color = edit
    return x < WIDTH and y < HEIGHT and color < COLORS


async def test_two_servers_that_want_another_canvas_on_an_empty_log_cannot_both_have_it(tmp_path: Path) -> None:
    """Both find the log empty, and both write its first record: only one of them can be the canvas."""
    log_is_empty = _Rendezvous(2)
    results: list[Projection | CannotStart] = []

    async def start(log: Log, width: int) -> None:
        async with open_snapshot_store(tmp_path / str(width)) as store:
            try:
                projection = await _recovered(_Together(log, log_is_empty), store, width)
            except CannotStart as refusal:
                results.append(refusal)
            else:
                results.append(projection)

    with trio.fail_after(LIMIT_SECONDS):
        async with open_memory_log() as log:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(start, log, WIDTH)
                nursery.start_soon(start, log, WIDTH + 1)
            first = decode_one((await values_of(log))[0])
    (refused,) = [result for result in results if isinstance(result, CannotStart)]
    (projection,) = [result for result in results if not isinstance(result, CannotStart)]
    assert Canvas(projection.definition) == first
    assert "--width" in str(refused)


class _Rendezvous:
    """Lets nobody pass until `parties` tasks have arrived."""

    def __init__(self, parties: int) -> None:
        self._missing = parties
        self._all_here = trio.Event()

    async def meet(self) -> None:
        self._missing -= 1
        if self._missing <= 0:
            self._all_here.set()
        await self._all_here.wait()


class _Together(Log):
    """A log whose first append waits until all logs with the same rendezvous are about to append."""

    def __init__(self, log: Log, rendezvous: _Rendezvous) -> None:
        self._log = log
        self._rendezvous = rendezvous

    @property
    def id(self) -> str:
        return self._log.id

    async def bounds(self) -> tuple[int, int]:
        return await self._log.bounds()

    async def append(self, value: bytes) -> int:
        await self._rendezvous.meet()
        return await self._log.append(value)

    def read(self, offset: int) -> AbstractAsyncContextManager[trio.abc.ReceiveChannel[Batch]]:
        return self._log.read(offset)
