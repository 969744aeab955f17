"""With a real broker: a check of a topic while its servers run, and a server of it that hands over like any other."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import pytest
import trio
from kafka import KafkaAdminClient

from placed.process.exit_codes import ExitCode
from tests.support.handing_over import Crowd, generations
from tests.support.http_connection import connect, place
from tests.support.kafka_servers import records_of, url_of
from tests.support.painters import each_pixel_once
from tests.support.placed_command import run_placed
from tests.support.server_process import refusal, running

if TYPE_CHECKING:
    from pathlib import Path

    from bench.equipment.kafka.cluster import Cluster

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

LIMIT_SECONDS = 120.0
WIDTH, HEIGHT, COLORS = 1000, 1000, 16


async def _check(data: Path, log: str) -> tuple[int, dict[str, object]]:
    done = await trio.to_thread.run_sync(partial(run_placed, "check", "--json", "--data", data, "--log", log))
    told: dict[str, object] = json.loads(done.out)
    return done.code, told


async def test_topic_and_snapshot_are_checked_against_each_other(kafka: Cluster, tmp_path: Path) -> None:
    log = url_of(kafka, "operations-checked")
    async with running(tmp_path, "--log", log) as server, connect(server.port) as painter:
        for x in range(5):
            assert (await place(painter, x, 2, 3)).status == 200
        await server.stop()
    code, told = await _check(tmp_path, log)
    assert (code, told["well"]) == (0, True), told
    assert isinstance(told["log"], dict)
    assert (told["log"]["edits"], told["log"]["first"]) == (5, 0)
    assert isinstance(told["snapshot"], dict)
    assert told["snapshot"]["equals_log"] is True


async def test_topic_that_is_not_there_is_told_and_not_made(kafka: Cluster, tmp_path: Path) -> None:
    code, told = await _check(tmp_path, url_of(kafka, "operations-nowhere"))
    assert code == ExitCode.UNUSABLE
    assert "there is no such topic" in json.dumps(told["problems"])
    admin = KafkaAdminClient(bootstrap_servers=kafka.addresses())
    try:
        assert "operations-nowhere" not in admin.list_topics()
    finally:
        admin.close()


async def test_empty_topic_is_not_served_in_the_place_of_a_painted_canvas(kafka: Cluster, tmp_path: Path) -> None:
    data, log = tmp_path / "data", url_of(kafka, "operations-moved-to")
    async with running(data) as server, connect(server.port) as painter:
        assert (await place(painter, 1, 2, 3)).status == 200
        await server.stop()
    code, output = await refusal(data, "--log", log)
    assert code == ExitCode.UNUSABLE
    assert f"{data / 'log'} holds a canvas of 1 record, and the log {log} is empty" in output
    await trio.Path(data / "log").rename(tmp_path / "kept")
    for _ in range(2):  # an operator who moves a server does only that
        async with running(data, "--log", log) as server, connect(server.port) as painter:
            assert (await place(painter, 1, 2, 3)).status == 200
            await server.stop()
    await trio.Path(tmp_path / "kept").rename(data / "log")
    async with running(data, "--log", log) as server:  # it has records
        await server.stop()


async def test_server_of_a_topic_hands_over_without_refusing_anybody(kafka: Cluster, tmp_path: Path) -> None:
    log = url_of(kafka, "operations-handed-over")
    crowd = Crowd(each_pixel_once(WIDTH, HEIGHT, COLORS))
    size = ("--width", str(WIDTH), "--height", str(HEIGHT))
    async with generations(tmp_path, "--log", log, *size) as served:
        with trio.fail_after(LIMIT_SECONDS):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(crowd.visit, served.port)
                for _ in range(3):
                    nursery.start_soon(crowd.paint, served.port)
                await crowd.painted(50)
                await served.hand_over()
                await crowd.painted(len(crowd.acknowledged) + 50)
                nursery.cancel_scope.cancel()
        await served.stop()
    assert crowd.broken == []
    assert set(crowd.refused) <= {(503, "shutting-down")}
    records = await records_of(log)
    assert [edit for edit, version in crowd.acknowledged if edit not in records[version - 1]] == []
