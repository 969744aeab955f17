"""Promise 1: an edit answered 200 is in the log after kill -9, at any moment."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
import trio

from tests.support.http_connection import connect, get
from tests.support.offline_log import append_records, read_records, record_of
from tests.support.painters import Load, each_pixel_once
from tests.support.server_process import running, starting
from tests.support.stream_client import json_edits
from tests.support.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from tests.support.offline_log import Edit
    from tests.support.server_process import ServerProcess

ROUNDS = 8
PEOPLE = 24
WIDTH, HEIGHT, COLORS = 1000, 1000, 16
_CREATED_WITH = ("--width", str(WIDTH), "--height", str(HEIGHT))


async def _kill_under_load(server: ServerProcess, load: Load, edits: int) -> None:
    """Kill -9 once `edits` more have been acknowledged, while others are under way."""
    enough = trio.Event()
    wanted = len(load.acknowledged) + edits

    def count() -> None:
        if len(load.acknowledged) >= wanted:
            enough.set()

    load.on_acknowledged = count
    with trio.fail_after(PATIENCE_SECONDS):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(load.paint, server.port, PEOPLE)
            await enough.wait()
            await server.kill()


def _check_accounted_for(load: Load, records: list[list[Edit]]) -> None:
    """Check that each acknowledged edit is in the record just before its version, and no edit is in the log twice."""
    missing = [(edit, version) for edit, version in load.acknowledged if edit not in records[version - 1]]
    assert missing == []
    twice = {edit: count for edit, count in Counter(edit for edits in records for edit in edits).items() if count > 1}
    assert twice == {}


async def _check_stream_has_all(port: int, load: Load) -> None:
    version = (await get(port, "/info")).json()["version"]
    first = (await get(port, "/info")).json()["limits"]["feed_first"]
    assert version >= max((version for _, version in load.acknowledged), default=0)
    seen = dict(await json_edits(port, first, until=version))
    lost = [edit for edit, version in load.acknowledged if version > first and edit not in seen]
    assert lost == []
    early = [edit for edit, version in load.acknowledged if version > first and seen[edit] < version]
    assert early == []


@pytest.mark.timeout(120)
async def test_every_acknowledged_edit_is_in_the_log_after_kill_9_in_a_loop(
    tmp_path: Path, chance: random.Random
) -> None:
    load = Load(each_pixel_once(WIDTH, HEIGHT, COLORS))
    for _ in range(ROUNDS):
        last = max((version for _, version in load.acknowledged), default=0)
        async with running(tmp_path, *_CREATED_WITH) as server:
            info = (await get(server.port, "/info")).json()
            assert info["version"] >= last
            await _check_stream_has_all(server.port, load)
            done = len(load.acknowledged)
            await _kill_under_load(server, load, chance.choice([1, 10, 100, 500]))
        assert min(version for _, version in load.acknowledged[done:]) > info["version"] - 1
        _check_accounted_for(load, await read_records(tmp_path / "log"))
    assert load.refused == []


@pytest.mark.timeout(120)
async def test_log_and_snapshot_survive_kill_9_while_starting_and_while_stopping(
    tmp_path: Path, chance: random.Random
) -> None:
    load = Load(each_pixel_once(WIDTH, HEIGHT, COLORS))
    for _ in range(4):
        async with starting(tmp_path, *_CREATED_WITH, "--charge-seconds", "0") as server:
            await trio.sleep(chance.uniform(0.1, 1.2))  # any moment of a start is right
            await server.kill()
        async with running(tmp_path, *_CREATED_WITH) as server, connect(server.port) as connection:
            with trio.move_on_after(0.3):
                await load.paint(server.port, PEOPLE)
            assert (await connection.request("/healthz")).status == 200
            server.terminate()
            await trio.sleep(chance.uniform(0, 0.15))  # any moment of a stop is right
            await server.kill()
    assert load.acknowledged
    _check_accounted_for(load, await read_records(tmp_path / "log"))
    async with running(tmp_path, *_CREATED_WITH) as server:
        assert "snapshot can't be used" not in server.output
        await _check_stream_has_all(server.port, load)


async def test_version_goes_on_where_the_log_ends_after_records_of_others(tmp_path: Path) -> None:
    async with running(tmp_path, *_CREATED_WITH) as server, connect(server.port) as connection:
        await connection.request("/edit?x=1&y=2&color=3", method="POST")
        await server.stop()
    await append_records(tmp_path / "log", [record_of([(5, 6, 7)])])
    async with running(tmp_path, *_CREATED_WITH) as server, connect(server.port) as connection:
        answer = await connection.request("/edit?x=1&y=2&color=4", method="POST")
        assert answer.json() == {"v": 4}
        assert await json_edits(server.port, 1, until=4) == [((1, 2, 3), 4), ((5, 6, 7), 4), ((1, 2, 4), 4)]
