"""docs/alerts.yml: the tests cause each alert, with a real server that a real Prometheus watches."""

from __future__ import annotations

import contextlib
import re
import subprocess
from contextlib import AsyncExitStack
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio

from bench.equipment.free_ports import free_ports
from placed.backends import LogUnavailable
from placed.backends.memory import open_memory_log
from tests.prometheus.prometheus import RULES, watching
from tests.support.exposition import metrics
from tests.support.http_connection import ConnectionCut, connect, get, place
from tests.support.offline_log import append_records, canvas_record, record_of
from tests.support.painters import at_random
from tests.support.parts import program
from tests.support.scripted_log import ScriptedLog
from tests.support.server_process import running, stopped_clock
from tests.support.serving import Server, serving

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from placed.backends import Log
    from tests.prometheus.prometheus import Prometheus
    from tests.support.server_process import ServerProcess
    from tests.support.small_disk import SmallDisk

TEXT = RULES.read_text(encoding="utf-8")
NAMES = re.findall(r"- alert: (\w+)", TEXT)
AWAY = LogUnavailable("the log is away")
SIDE = 1_000
AGAIN_SECONDS = 0.05  # pause of each task after each act: the resulting rates are above all in the rules
_SMALL_BUFFER_BYTES = 2_048

pytestmark = pytest.mark.timeout(240)


async def unexpected(prometheus: Prometheus) -> set[str]:
    """The alerts of a healthy server: a busy machine causes some of its own, and the log grows a lot within the seconds
    that the rules look back on here."""
    return set(await prometheus.firing()) - {
        *("PlacedLoopLate", "PlacedAppendsSlow", "PlacedDown"),
        *("PlacedDiskNearlyFull", "PlacedDiskFillsSoon"),
    }


@contextlib.asynccontextmanager
async def watched_process(
    folder: Path, *flags: str, data: Path | None = None, prefix: tuple[str, ...] = ()
) -> AsyncGenerator[tuple[ServerProcess, Prometheus]]:
    """A server process, and a Prometheus that watches it and has no alert yet."""
    async with (
        running(data or folder / "server", *flags, prefix=prefix) as server,
        watching(folder / "prometheus", server.port) as prometheus,
    ):
        assert await unexpected(prometheus) == set()
        yield server, prometheus


@contextlib.asynccontextmanager
async def watched(folder: Path, log: Log | None = None, **settings: Any) -> AsyncGenerator[tuple[Server, Prometheus]]:
    """A server in the test's own process and its Prometheus, for logs that fail as the test says."""
    async with (
        serving("fast", folder, open_log=log, **settings) as server,
        watching(folder / "prometheus", server.port) as prometheus,
    ):
        assert await unexpected(prometheus) == set()
        yield server, prometheus


@contextlib.asynccontextmanager
async def again_and_again(act: Callable[[], Awaitable[object]], tasks: int = 4) -> AsyncGenerator[None]:
    """Repeat `act` in `tasks` tasks while the block runs."""

    async def go_on() -> None:
        while True:
            with contextlib.suppress(ConnectionCut):
                await act()
            await trio.sleep(AGAIN_SECONDS)

    async with trio.open_nursery() as nursery:
        for _ in range(tasks):
            nursery.start_soon(go_on)
        yield
        nursery.cancel_scope.cancel()


def test_rules_are_rules() -> None:
    program("prometheus")  # promtool comes with it
    asked = subprocess.run([program("promtool"), "check", "rules", str(RULES)], capture_output=True, timeout=30)
    assert asked.returncode == 0, asked.stderr


def test_every_alert_is_brought_about_here() -> None:
    brought = re.findall(r'prometheus\.fires\("(\w+)"\)', Path(__file__).read_text(encoding="utf-8"))
    assert len(NAMES) == len(set(NAMES)) > 10
    assert sorted(brought) == sorted(NAMES)


async def test_server_that_works_has_no_alert_and_every_rule_can_be_asked(tmp_path: Path) -> None:
    async with watched_process(tmp_path) as (server, prometheus), connect(server.port) as connection:
        for x in range(20):
            assert (await place(connection, x, 0, 1)).status == 200
        await prometheus.has("placed_append_seconds_count >= 20")
        rules = await prometheus.rules()
        assert sorted(rule["name"] for rule in rules) == sorted(NAMES)
        assert {rule["health"] for rule in rules} <= {"ok", "unknown"}
        assert [rule["lastError"] for rule in rules if rule.get("lastError")] == []
        assert await unexpected(prometheus) == set()


async def test_server_that_is_gone_is_down(tmp_path: Path) -> None:
    async with watched_process(tmp_path) as (server, prometheus):
        await server.stop()
        alert = await prometheus.fires("PlacedDown")
    assert alert["annotations"]["summary"] == f"placed at 127.0.0.1:{server.port} doesn't answer"
    assert alert["labels"]["severity"] == "page"


async def test_server_that_starts_again_and_again_is_told_from_one_that_runs(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    async with AsyncExitStack() as stack:
        for start in range(4):
            async with running(tmp_path / "server", "--port", str(port)):
                if not start:
                    prometheus = await stack.enter_async_context(watching(tmp_path / "prometheus", port, window="90s"))
                began = (await metrics(port))["process_start_time_seconds"]
                await prometheus.has(f"process_start_time_seconds == {began}")
                if start < 3:
                    assert "PlacedRestarting" not in await prometheus.firing()
        await prometheus.fires("PlacedRestarting")


async def cut_off(log: ScriptedLog, server: Server) -> None:
    """Make the log unreadable from here on; appends still work."""
    log.receive_errors.append(AWAY)
    log.enter_errors += [AWAY] * 10_000
    await server.place(1, 1, 1)


async def test_log_that_cannot_be_read_is_told_until_it_can(tmp_path: Path) -> None:
    log = ScriptedLog()
    async with watched(tmp_path, log) as (server, prometheus):
        await cut_off(log, server)
        await prometheus.fires("PlacedLogUnreachable")
        log.enter_errors.clear()
        await prometheus.is_over("PlacedLogUnreachable")


async def test_full_disk_is_told_by_its_appends(tmp_path: Path, small_disk: SmallDisk, chance: random.Random) -> None:
    data = small_disk.folder / "data"
    async with watched_process(tmp_path, data=data) as (server, prometheus), connect(server.port) as connection:
        small_disk.fill()
        edits = at_random(chance, 64, 48, 16)

        async def paint() -> None:
            await place(connection, *next(edits))

        async with again_and_again(paint, tasks=1):
            await prometheus.fires("PlacedAppendsFailing")
            assert await prometheus.query('placed_append_errors_total{error="LogUnavailable"} > 0')
            small_disk.make_room()
            await prometheus.is_over("PlacedAppendsFailing")


async def test_data_folder_that_is_taken_away_is_told_until_it_is_back(tmp_path: Path) -> None:
    data, away = tmp_path / "server", tmp_path / "away"
    async with watched_process(tmp_path, data=data) as (_, prometheus):
        data.rename(away)
        await prometheus.fires("PlacedFolderDisplaced")
        away.rename(data)
        await prometheus.is_over("PlacedFolderDisplaced")


async def test_disk_with_little_room_is_told_until_it_has_some(tmp_path: Path, small_disk: SmallDisk) -> None:
    async with watched_process(tmp_path, data=small_disk.folder / "data") as (_, prometheus):
        small_disk.fill()
        alert = await prometheus.fires("PlacedDiskNearlyFull")
        assert alert["labels"]["folder"] in {"data", "log"}
        small_disk.make_room()
        await prometheus.is_over("PlacedDiskNearlyFull")


async def test_log_that_would_fill_its_disk_within_a_week_is_told(
    tmp_path: Path, small_disk: SmallDisk, chance: random.Random
) -> None:
    data = small_disk.folder / "data"
    async with watched_process(tmp_path, data=data) as (server, prometheus), connect(server.port) as connection:
        edits = at_random(chance, 64, 48, 16)

        async def paint() -> None:
            await place(connection, *next(edits))

        async with again_and_again(paint, tasks=1):
            await prometheus.fires("PlacedDiskFillsSoon")
        await prometheus.is_over("PlacedDiskFillsSoon")  # when nobody paints, the log doesn't grow


async def test_log_that_appends_slowly_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_memory_log() as log, watched(tmp_path, log) as (server, prometheus):
        append = log.append

        async def append_slowly(value: bytes) -> int:
            await trio.sleep(0.8)
            return await append(value)

        monkeypatch.setattr(log, "append", append_slowly)
        async with again_and_again(partial(server.place, 1, 1, 1)):
            await prometheus.fires("PlacedAppendsSlow")


async def test_server_that_is_behind_its_log_is_told(tmp_path: Path) -> None:
    log = ScriptedLog()
    async with watched(tmp_path, log) as (server, prometheus):
        await cut_off(log, server)
        for _ in range(1_001):
            await log.append(record_of([(1, 1, 1)]))
        assert (await server.place(1, 1, 1)).status == 200
        await prometheus.fires("PlacedLogLag")
        log.enter_errors.clear()
        await prometheus.is_over("PlacedLogLag")


async def test_records_of_others_are_told(tmp_path: Path) -> None:
    async with open_memory_log() as log, watched(tmp_path, log) as (_, prometheus):
        await log.append(b"hello from another program")
        await prometheus.fires("PlacedRecordsRefused")


async def test_snapshot_that_cannot_be_saved_is_told_until_it_can(tmp_path: Path, small_disk: SmallDisk) -> None:
    data, log = small_disk.folder / "data", tmp_path / "log"
    flags = ("--log", f"lmdb:{log}")
    async with running(data, *flags) as server:
        await server.stop()
    await append_records(log, [record_of([(1, 1, 1)])] * 10_000)
    small_disk.fill()
    async with (
        running(data, *flags) as server,
        watching(tmp_path / "prometheus", server.port, snapshot_seconds=3) as prometheus,
    ):
        await prometheus.fires("PlacedSnapshotOld")
        assert await prometheus.query("placed_snapshot_errors_total > 0")
        small_disk.make_room()
        await prometheus.is_over("PlacedSnapshotOld")


async def test_server_that_gets_too_little_of_its_processor_is_late(tmp_path: Path) -> None:
    async with watched_process(tmp_path) as (server, prometheus):

        async def halt() -> None:
            with stopped_clock(server):
                await trio.sleep(0.4)
            await trio.sleep(0.2)

        async with again_and_again(halt, tasks=1):
            await prometheus.fires("PlacedLoopLate")


async def test_mistake_of_ours_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> bytes:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr("placed.canvas.png.encode", fail)
    async with watched(tmp_path) as (server, prometheus):
        assert (await server.get("/canvas.png")).status == 500
        await prometheus.fires("PlacedFaults")


async def test_flood_of_wrong_requests_is_told(tmp_path: Path) -> None:
    async with watched_process(tmp_path) as (server, prometheus):

        async def ask() -> None:
            async with connect(server.port) as connection:
                for _ in range(5):
                    assert (await place(connection, -1, 1, 1)).status == 400

        async with again_and_again(ask):
            await prometheus.fires("PlacedManyRefusals")


async def test_people_who_find_no_room_are_told(tmp_path: Path) -> None:
    few = ("sh", "-c", 'ulimit -n 80; exec "$0" "$@"')  # 16 connections, one of them Prometheus's
    async with watched_process(tmp_path, prefix=few) as (server, prometheus), AsyncExitStack() as stack:
        for _ in range(16):
            await stack.enter_async_context(connect(server.port))
        async with again_and_again(partial(get, server.port, "/info"), tasks=1):
            alert = await prometheus.fires("PlacedConnectionsRefused")
    assert alert["labels"]["reason"] == "server-full"


async def test_descriptors_that_are_nearly_all_used_are_told(tmp_path: Path) -> None:
    few = ("sh", "-c", 'ulimit -n 300; exec "$0" "$@"')
    async with watched_process(tmp_path, prefix=few) as (server, prometheus), AsyncExitStack() as stack:
        for _ in range(230):
            await stack.enter_async_context(connect(server.port))
        await prometheus.fires("PlacedDescriptorsScarce")


async def test_many_streams_that_take_nothing_are_told(tmp_path: Path, chance: random.Random) -> None:
    data, edits = tmp_path / "server", at_random(chance, SIDE, SIDE, 16)
    await append_records(data / "log", [canvas_record(SIDE, SIDE, 16)])
    await append_records(data / "log", [record_of(list(islice(edits, 100))) for _ in range(1_000)])
    flags = ("--width", str(SIDE), "--height", str(SIDE))
    async with watched_process(tmp_path, *flags, data=data) as (server, prometheus), AsyncExitStack() as stack:
        for _ in range(15):
            stalled = await stack.enter_async_context(connect(server.port, receive_buffer_bytes=_SMALL_BUFFER_BYTES))
            await stalled.send("/edits?v=1&format=json")
        await prometheus.fires("PlacedLaggards")
        await stack.aclose()
        await prometheus.is_over("PlacedLaggards")


async def test_herd_that_is_sent_back_to_the_image_is_told(tmp_path: Path) -> None:
    async with (
        watched_process(tmp_path) as (server, prometheus),
        again_and_again(partial(get, server.port, "/edits?v=99999999")),
    ):
        await prometheus.fires("PlacedManyReloads")
