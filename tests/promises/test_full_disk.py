"""A full disk: edits are refused, reading goes on, and everything works again when there is room."""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING

import pytest
import trio

from tests.support.http_connection import connect, get, place
from tests.support.offline_log import read_records
from tests.support.painters import Load, each_pixel_once
from tests.support.placed_command import ran_placed
from tests.support.server_process import refusal, running
from tests.support.stream_client import Habits, StreamClient, served_pixels

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from tests.support.http_connection import HttpConnection, Response
    from tests.support.small_disk import SmallDisk

LIMIT_SECONDS = 60.0
WIDTH, HEIGHT, COLORS = 64, 48, 16


async def test_full_disk_refuses_edits_until_there_is_room_and_loses_nothing(
    small_disk: SmallDisk, chance: random.Random
) -> None:
    data = small_disk.folder / "data"
    load = Load(each_pixel_once(WIDTH, HEIGHT, COLORS))
    with trio.fail_after(LIMIT_SECONDS):
        async with running(data) as server, connect(server.port) as connection, trio.open_nursery() as nursery:
            client = StreamClient(server.port, Habits(), chance)
            nursery.start_soon(client.run)
            await _paint(connection, load, 20)
            small_disk.fill()
            refused = await _refusals(connection, load)
            assert [answer.status for answer in refused] == [503] * len(refused)
            assert {answer.json()["code"] for answer in refused} == {"log-unavailable"}
            assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
            # Reading goes on: answers and streams.
            info = (await get(server.port, "/info")).json()
            await client.wait_for(info["log"], info["version"])
            assert client.pixels == await served_pixels(server.port, info["version"])
            assert (await get(server.port, "/")).status == 200
            small_disk.make_room()
            acknowledged = len(load.acknowledged)
            await _paint(connection, load, 20)
            assert len(load.acknowledged) == acknowledged + 20
            info = (await get(server.port, "/info")).json()
            await client.wait_for(info["log"], info["version"])
            assert client.told.streams == 1
            await server.stop()
            assert "Traceback" not in server.output
            nursery.cancel_scope.cancel()
    records = await read_records(data / "log")
    assert [edit for edits in records for edit in edits] == [edit for edit, _ in load.acknowledged]
    assert all(edit in records[version - 1] for edit, version in load.acknowledged)


async def _paint(connection: HttpConnection, load: Load, count: int) -> None:
    for edit in islice(load.edits, count):
        answer = await place(connection, *edit)
        assert answer.status == 200, answer.body
        load.acknowledged.append((edit, answer.json()["v"]))


async def _refusals(connection: HttpConnection, load: Load) -> list[Response]:
    """Paint until ten edits in a row are refused: at first LMDB still has free pages to use."""
    refused: list[Response] = []
    for edit in load.edits:
        answer = await place(connection, *edit)
        if answer.status == 200:
            load.acknowledged.append((edit, answer.json()["v"]))
            refused.clear()
            continue
        refused.append(answer)
        if len(refused) == 10:
            break
    return refused


async def test_server_starts_on_a_full_disk_and_shows_the_canvas(small_disk: SmallDisk) -> None:
    data = small_disk.folder / "data"
    load = Load(each_pixel_once(WIDTH, HEIGHT, COLORS))
    async with running(data) as server, connect(server.port) as connection:
        await _paint(connection, load, 30)
        await server.kill()
    small_disk.fill()
    async with running(data) as server, connect(server.port) as connection:
        assert any(await served_pixels(server.port, 31))
        await _refusals(connection, load)
        small_disk.make_room()
        await _paint(connection, load, 1)
        await server.stop()
    records = await read_records(data / "log")
    assert [edit for edits in records for edit in edits] == [edit for edit, _ in load.acknowledged]


async def test_snapshot_that_finds_no_room_is_left_out_with_a_warning(small_disk: SmallDisk) -> None:
    data = small_disk.folder / "data"
    load = Load(each_pixel_once(WIDTH, HEIGHT, COLORS))
    async with running(data) as server, connect(server.port) as connection:
        await _paint(connection, load, 10)
        small_disk.fill()
        await server.stop()
        assert server.output.count("the snapshot can't be written") == 1
    small_disk.make_room()
    async with running(data) as server:
        assert any(await served_pixels(server.port, 11))


async def test_read_only_disk_is_refused_with_a_line_that_names_the_folder(small_disk: SmallDisk) -> None:
    async with running(small_disk.folder / "data") as server:
        await server.stop()
    small_disk.mount("remount,ro")
    code, output = await refusal(small_disk.folder / "data")
    assert code == 3
    assert f"the data folder {small_disk.folder / 'data'} can't be used: Read-only file system" in output
    assert "--data" in output


@pytest.mark.parametrize("missing", ["log/lock.mdb", "snapshot/lock.mdb"])
async def test_start_that_has_to_make_a_lock_on_a_full_disk_is_refused_with_a_line(
    small_disk: SmallDisk, missing: str
) -> None:
    data = small_disk.folder / "data"
    async with running(data) as server:
        await server.stop()
    (data / missing).unlink()
    small_disk.fill()
    code, output = await refusal(data)
    assert code == 3, output  # -7 is SIGBUS
    assert f"{data / missing}: No space left on device" in output
    assert len(output.splitlines()) == 1
    small_disk.make_room()
    async with running(data) as server:
        await server.stop()


async def test_lock_with_a_hole_is_filled_or_refused_on_a_full_disk(small_disk: SmallDisk) -> None:
    data = small_disk.folder / "data"
    lock = data / "log" / "lock.mdb"
    async with running(data) as server:
        await server.stop()
    lock.write_bytes(b"")
    os.truncate(lock, 8_192)  # as LMDB itself leaves the file until it has written to it
    small_disk.fill()
    code, output = await refusal(data)
    assert (code, len(output.splitlines())) == (3, 1), output
    small_disk.make_room()
    async with running(data) as server:
        assert lock.stat().st_blocks * 512 >= 8_192
        await server.stop()


async def test_first_start_on_a_full_disk_is_refused_with_a_line(small_disk: SmallDisk) -> None:
    small_disk.fill()
    code, output = await refusal(small_disk.folder)
    assert (code, len(output.splitlines())) == (3, 1), output
    assert "No space left on device" in output
    assert str(small_disk.folder) in output


async def test_backup_that_has_to_make_a_lock_on_a_full_disk_says_so(small_disk: SmallDisk, tmp_path: Path) -> None:
    data = small_disk.folder / "data"
    async with running(data) as server:
        await server.stop()
    (data / "log" / "lock.mdb").unlink()
    small_disk.fill()
    done = await ran_placed("backup", tmp_path / "backup", "--data", data)
    assert done.code == 3, done
    assert "No space left on device" in done.err
    assert not (tmp_path / "backup").exists()
