"""A data folder that is moved, deleted or replaced under a server: no acknowledged edit is lost with it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import trio

from tests.support.http_connection import connect, get, place
from tests.support.offline_log import read_records
from tests.support.parts import require
from tests.support.server_process import refusal, running

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.http_connection import HttpConnection, Response
    from tests.support.server_process import ServerProcess

LIMIT_SECONDS = 60.0
LANES = pytest.mark.parametrize("lane", [(), ("--no-fast-lane",)], ids=["fast lane", "slow lane"])
TOLD = "the data folder is not in its place; edits are refused"
BACK = "the data folder is back in its place; edits are taken again"


def _move(data: Path) -> None:
    data.rename(data.with_name("away"))


def _replace_by_an_empty_one(data: Path) -> None:
    shutil.rmtree(data)
    data.mkdir()


def _replace_by_a_link_to_a_copy(data: Path) -> None:
    shutil.copytree(data, data.with_name("copy"))
    _move(data)
    data.symlink_to(data.with_name("copy"))


def _restore_one_file(data: Path) -> None:
    path = data / "log" / "data.mdb"
    shutil.copy(path, data / "copy")
    (data / "copy").replace(path)


def _move_the_log(data: Path) -> None:
    (data / "log").rename(data / "old-log")


DISPLACED: dict[str, Callable[[Path], object]] = {
    "moved": _move,
    "deleted": shutil.rmtree,
    "made anew, empty": _replace_by_an_empty_one,
    "a link to a copy in its place": _replace_by_a_link_to_a_copy,
    "the log's folder moved": _move_the_log,
    "the log's file restored": _restore_one_file,
    "the log's lock deleted": lambda data: (data / "log" / "placed.lock").unlink(),
    "LMDB's lock deleted": lambda data: (data / "log" / "lock.mdb").unlink(),
    "the folder's lock deleted": lambda data: (data / "placed.lock").unlink(),
}


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=10)


async def _place(connection: HttpConnection, number: int) -> Response:
    return await place(connection, number % 64, number // 64 % 48, 1 + number % 15)


async def _until_refused(connection: HttpConnection, begin: int) -> tuple[int, list[Response]]:
    """Paint until the server surely refuses; return the number of placed edits, and the answers other than 200."""
    placed, refused = 0, list["Response"]()
    while not refused or refused[-1].json()["code"] != "log-unavailable":
        answer = await _place(connection, begin + placed + len(refused))
        if answer.status == 200:
            placed += 1
        else:
            refused.append(answer)
    return placed, refused


async def _readiness(server: ServerProcess, status: int) -> None:
    while (await get(server.port, "/readyz")).status != status:  # noqa: ASYNC110 - another process gives no signal
        await trio.sleep(0.02)


async def _told_to_pages(server: ServerProcess) -> None:
    while (await get(server.port, "/info")).json()["writable"]:  # noqa: ASYNC110 - as above
        await trio.sleep(0.02)


@pytest.mark.parametrize(("way", "lane"), [*((way, ()) for way in DISPLACED), ("moved", ("--no-fast-lane",))])
async def test_edits_are_refused_and_the_operator_told_once(tmp_path: Path, way: str, lane: tuple[str, ...]) -> None:
    data = tmp_path / "data"
    with trio.fail_after(LIMIT_SECONDS):
        async with running(data, *lane) as server, connect(server.port) as connection:
            for number in range(5):
                assert (await _place(connection, number)).status == 200
            DISPLACED[way](data)
            await server.writes(TOLD)
            await _readiness(server, 503)
            for number in range(5, 10):
                answer = await _place(connection, number)
                assert (answer.status, answer.json()["code"]) == (503, "log-unavailable")
                assert int(answer.headers["retry-after"]) >= 1
            # Reading still works.
            await _told_to_pages(server)
            assert (await get(server.port, "/info")).json()["version"] == 6
            assert (await get(server.port, "/canvas.png")).headers["x-canvas-version"] == "6"
            await server.stop()
            assert server.output.count(TOLD) == 1
            assert "edits can't be appended" not in server.output
            assert "the snapshot can't be written" not in server.output
            assert "Traceback" not in server.output


@LANES
async def test_no_edit_is_acknowledged_that_the_path_doesn_t_hold(tmp_path: Path, lane: tuple[str, ...]) -> None:
    data = tmp_path / "data"
    with trio.fail_after(LIMIT_SECONDS):
        async with running(data, *lane) as server, connect(server.port) as connection:
            for number in range(20):
                assert (await _place(connection, number)).status == 200
            await trio.to_thread.run_sync(_replace_by_a_link_to_a_copy, data)
            placed, refused = await _until_refused(connection, 20)
            assert placed == 0
            assert {answer.json()["code"] for answer in refused} <= {"outcome-unknown", "log-unavailable"}
            await server.kill()
        assert len(await read_records(data / "log")) == 21
        async with running(data) as server:
            assert (await get(server.port, "/info")).json()["version"] == 21


async def test_when_the_same_folder_is_back_it_goes_on(tmp_path: Path) -> None:
    data, away = tmp_path / "data", tmp_path / "away"
    with trio.fail_after(LIMIT_SECONDS):
        async with running(data) as server, connect(server.port) as connection:
            acknowledged, perhaps = 0, 0
            for turn in range(3):
                for number in range(5):
                    assert (await _place(connection, number)).status == 200
                    acknowledged += 1
                data.rename(away)
                placed, refused = await _until_refused(connection, 100)
                assert placed == 0
                perhaps += sum(answer.json()["code"] == "outcome-unknown" for answer in refused)
                await server.writes(TOLD)
                away.rename(data)
                while server.output.count(BACK) <= turn:  # noqa: ASYNC110 - as above
                    await trio.sleep(0.02)
                await _readiness(server, 200)
            assert (await _place(connection, 7)).status == 200
            await server.stop()
            assert server.output.count(TOLD) == server.output.count(BACK) == 3
        # The uncertain edits were placed: into the folder that is back.
        assert len(await read_records(data / "log")) == 1 + acknowledged + perhaps + 1


async def test_author_key_that_is_deleted_is_written_again_so_that_a_restart_gives_nothing_back(tmp_path: Path) -> None:
    slowly = ("--charges", "1", "--charge-seconds", "86400")
    with trio.fail_after(LIMIT_SECONDS):
        async with running(tmp_path, *slowly) as server, connect(server.port) as connection:
            assert (await _place(connection, 1)).status == 200
            (tmp_path / "author.key").unlink()
            await server.writes("author.key was gone, and was written again")
            await server.stop()
        async with running(tmp_path, *slowly) as server, connect(server.port) as connection:
            assert (await _place(connection, 2)).status == 429
            await server.stop()


async def test_second_server_can_t_have_the_folder_though_its_locks_are_deleted(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with trio.fail_after(LIMIT_SECONDS):
        async with running(data) as server:
            for lock in data.rglob("*.lock"):
                lock.unlink()
            (data / "log" / "lock.mdb").unlink()
            code, output = await refusal(data)
            assert code == 3
            assert f"{data} is in use by another server" in output
            data.rename(tmp_path / "away")
            code, output = await refusal(tmp_path / "away")
            assert code == 3
            assert f"{tmp_path / 'away'} is in use by another server" in output
            # The path is free: a new folder there is another folder.
            async with running(data) as other:
                assert (await get(other.port, "/info")).json()["version"] == 1
                await _readiness(other, 200)
            assert not server.ended


async def test_server_on_a_displaced_folder_doesn_t_hand_over_to_one_on_another(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with trio.fail_after(LIMIT_SECONDS):
        async with running(data) as server:
            data.rename(tmp_path / "away")
            await server.writes(TOLD)
            server.send(signal.SIGUSR2)
            await server.writes("not handing over")
            assert "another canvas" in server.output
            assert not data.exists()
            assert (await get(server.port, "/healthz")).status == 200


async def test_file_that_is_written_over_in_place_is_not_written_to(tmp_path: Path) -> None:
    data = tmp_path / "data"
    path = data / "log" / "data.mdb"
    with trio.fail_after(LIMIT_SECONDS):
        async with running(data) as server, connect(server.port) as connection:
            assert (await _place(connection, 1)).status == 200
            old = path.read_bytes()
            for number in range(2, 300):
                assert (await _place(connection, number)).status == 200
            path.write_bytes(old)  # as `cp backup/log/data.mdb data/log/` does
            for number in range(3):
                answer = await _place(connection, number)
                assert (answer.status, answer.json()["code"]) == (503, "log-unavailable")
            assert path.read_bytes() == old
            await server.writes("another file was written over it while it was open")
            path.write_bytes(b"")  # LMDB would read its map past the file's end
            assert (await _place(connection, 4)).status == 503
            assert not server.ended


async def test_deleted_snapshot_costs_no_edit(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with trio.fail_after(LIMIT_SECONDS):
        async with running(data) as server, connect(server.port) as connection:
            assert (await _place(connection, 1)).status == 200
            shutil.rmtree(data / "snapshot")
            assert (await _place(connection, 2)).status == 200
            await _readiness(server, 200)
            await server.stop()
            assert server.output.count("the snapshot can't be written") == 1
            assert not (data / "snapshot").exists()
        async with running(data) as server:
            assert (await get(server.port, "/info")).json()["version"] == 3


async def test_disk_that_is_no_longer_mounted_is_noticed(tmp_path: Path) -> None:
    may_mount = sys.platform == "linux" and os.geteuid() == 0
    require("a disk to mount", may_mount, "run the tests as root, in a container")
    real, data = tmp_path / "real", tmp_path / "data"
    real.mkdir()
    data.mkdir()
    with trio.fail_after(LIMIT_SECONDS):
        _run("mount", "--bind", str(real), str(data))
        try:
            async with running(data) as server, connect(server.port) as connection:
                assert (await _place(connection, 1)).status == 200
                _run("umount", "--lazy", str(data))
                placed, _ = await _until_refused(connection, 2)
                assert placed == 0
                await server.writes(TOLD)
                _run("mount", "--bind", str(real), str(data))
                await server.writes(BACK)
                assert (await _place(connection, 3)).status == 200
                await server.stop()
        finally:
            _run("umount", "--lazy", str(data))
