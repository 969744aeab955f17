"""Why a server may refuse to start: each time with an exit code, and a line that names the place and the way out."""

from __future__ import annotations

import shutil
import socket
from typing import TYPE_CHECKING

import pytest

from placed.backends.lmdb.log import open_lmdb_log
from placed.process.exit_codes import ExitCode
from tests.support.http_connection import connect, get, place
from tests.support.offline_log import (
    append_records,
    canvas_record,
    read_records,
    record_of,
    stored_snapshot,
    values_of,
)
from tests.support.server_process import refusal, running, starting
from tests.support.stream_client import served_pixels

if TYPE_CHECKING:
    import random
    from pathlib import Path

WIDTH, HEIGHT = 64, 48


async def _canvas_of(data: Path, edits: int) -> bytes:
    """Paint a new canvas in `data`, stop the server in order, and return its pixels."""
    async with running(data) as server, connect(server.port) as connection:
        for number in range(edits):
            assert (await place(connection, number % WIDTH, number // WIDTH, 1 + number % 15)).status == 200
        pixels = await served_pixels(server.port, edits + 1)
        await server.stop()
    return pixels


def _check_line(output: str, *parts: str) -> None:
    """Check that there is one error line with all these parts, and no traceback."""
    (line,) = [line for line in output.splitlines() if "[error" in line]
    assert [part for part in parts if part not in line] == []
    assert "Traceback" not in output


async def test_data_folder_in_use_by_another_server(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        code, output = await refusal(tmp_path)
        assert code == ExitCode.UNUSABLE
        _check_line(output, str(tmp_path), "in use by another server", f"process {server.pid}", "another folder")
        assert (await get(server.port, "/readyz")).status == 200


async def test_log_in_use_by_another_server(tmp_path: Path) -> None:
    log = f"lmdb:{tmp_path / 'log'}"
    async with running(tmp_path / "a", "--log", log) as server:
        code, output = await refusal(tmp_path / "b", "--log", log)
        assert code == ExitCode.UNUSABLE
        _check_line(output, str(tmp_path / "log"), "in use by another server", f"process {server.pid}")


async def test_data_folder_that_is_a_file(tmp_path: Path) -> None:
    place = tmp_path / "data"
    place.write_text("not a folder")
    code, output = await refusal(place)
    assert code == ExitCode.UNUSABLE
    _check_line(output, f"the data folder {place} can't be used", "give a writable one with --data")
    assert place.read_text() == "not a folder"


async def test_data_folder_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, output = await refusal(tmp_path / "file" / "data")
    assert code == ExitCode.UNUSABLE
    _check_line(output, str(tmp_path / "file" / "data"), "--data")


@pytest.mark.parametrize("name", ["log", "snapshot"])
async def test_file_in_the_place_of_a_folder_inside(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("not a folder")
    code, output = await refusal(tmp_path)
    assert code == ExitCode.UNUSABLE
    _check_line(output, f"the {name}'s folder {tmp_path / name} can't be made")


async def test_folder_in_the_place_of_the_author_key(tmp_path: Path) -> None:
    (tmp_path / "author.key").mkdir()
    code, output = await refusal(tmp_path)
    assert code == ExitCode.UNUSABLE
    _check_line(output, str(tmp_path / "author.key"))


async def test_author_key_of_another_length(tmp_path: Path) -> None:
    (tmp_path / "author.key").write_bytes(b"short")
    code, output = await refusal(tmp_path)
    assert code == ExitCode.UNUSABLE
    _check_line(output, str(tmp_path / "author.key"), "5 bytes", "Delete it")


async def test_canvas_of_another_size_keeps_its_own(tmp_path: Path) -> None:
    pixels = await _canvas_of(tmp_path, 3)
    code, output = await refusal(tmp_path, "--width", "65")
    assert code == ExitCode.UNUSABLE
    _check_line(output, str(tmp_path), "64 x 48", "start without --width 65", "--data")
    async with running(tmp_path) as server:
        assert await served_pixels(server.port, 4) == pixels


async def test_canvas_of_another_palette_keeps_its_own(tmp_path: Path) -> None:
    await _canvas_of(tmp_path, 3)
    code, output = await refusal(tmp_path, "--palette", "reddit-2022", "--height", "48")
    assert code == ExitCode.UNUSABLE
    _check_line(output, str(tmp_path), "start without --palette")


async def test_flags_left_out_take_what_the_canvas_was_created_with(tmp_path: Path) -> None:
    log = f"lmdb:{tmp_path / 'log'}"
    await append_records(tmp_path / "log", [canvas_record(7, 5, 3), record_of([(6, 4, 2)])])
    async with starting(tmp_path, "--log", log) as server:
        await server.ready()
        info = (await get(server.port, "/info")).json()
        assert (info["width"], info["height"], len(info["palette"])) == (7, 5, 3)
        assert await served_pixels(server.port, 2) == bytes(34) + b"\x02"


async def test_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, output = await refusal(tmp_path, "--port", str(port))
    assert code == ExitCode.CANNOT_LISTEN
    _check_line(output, f"127.0.0.1:{port}", "in use", "--port")


async def test_address_of_another_machine(tmp_path: Path) -> None:
    code, output = await refusal(tmp_path, "--host", "192.0.2.1")
    assert code == ExitCode.CANNOT_LISTEN
    _check_line(output, "192.0.2.1", "--host")
    assert "in use" not in output


async def test_log_of_an_unknown_kind(tmp_path: Path) -> None:
    code, output = await refusal(tmp_path, "--log", "sqlite:x")
    assert code == ExitCode.BAD_USAGE
    assert "--log" in output
    assert "lmdb:" in output


@pytest.mark.parametrize("damage", ["flipped", "cut short", "cut to nothing", "overwritten"])
async def test_damaged_snapshot_is_rebuilt_from_the_log_with_a_warning(
    tmp_path: Path, chance: random.Random, damage: str
) -> None:
    pixels = await _canvas_of(tmp_path, 100)
    path = tmp_path / "snapshot" / "data.mdb"
    _damage(path, damage, stored_snapshot(path), chance)
    async with running(tmp_path) as server:
        assert "the snapshot can't be used; the canvas is rebuilt from the log" in server.output
        assert await served_pixels(server.port, 101) == pixels
        await server.stop()
    async with running(tmp_path) as server:  # the snapshot was replaced by a sound one
        assert "snapshot can't be used" not in server.output
        assert "records=0" in server.output
        assert await served_pixels(server.port, 101) == pixels


def _damage(path: Path, how: str, value: bytes, chance: random.Random) -> None:
    """Damage the file where it holds `value`: damage to free pages, or pages of an older state, would go unnoticed."""
    data = bytearray(path.read_bytes())
    assert data.count(value) == 1
    begin, end = data.index(value), data.index(value) + len(value)
    if how == "flipped":
        for _ in range(20):
            data[chance.randrange(begin, end)] ^= 1 << chance.randrange(8)
    elif how == "cut short":
        del data[chance.randrange(1, end) :]
    elif how == "cut to nothing":
        data.clear()
    else:
        data[:] = chance.randbytes(len(data))
    path.write_bytes(data)


async def test_damaged_log_is_refused_and_left_as_it_is(tmp_path: Path, chance: random.Random) -> None:
    await _canvas_of(tmp_path, 100)
    async with open_lmdb_log(tmp_path / "log") as log:
        newest = (await values_of(log))[-1]
    path = tmp_path / "log" / "data.mdb"
    _damage(path, "cut short", newest, chance)
    damaged = path.read_bytes()
    code, output = await refusal(tmp_path)
    assert code == ExitCode.UNUSABLE
    _check_line(output, str(tmp_path / "log"), "damaged", "Restore a backup", "move it away")
    assert path.read_bytes() == damaged


async def test_log_that_is_not_ours_is_refused_and_left_as_it_is(tmp_path: Path, chance: random.Random) -> None:
    path = tmp_path / "log" / "data.mdb"
    path.parent.mkdir()
    foreign = chance.randbytes(100_000)
    path.write_bytes(foreign)
    code, output = await refusal(tmp_path)
    assert code == ExitCode.UNUSABLE
    _check_line(output, str(tmp_path / "log"), "isn't placed's")
    assert path.read_bytes() == foreign


async def test_damaged_record_inside_the_log_is_found_in_the_replay(tmp_path: Path) -> None:
    marked = record_of([(number % WIDTH, 1, 3) for number in range(200)])
    await append_records(tmp_path / "log", [canvas_record(WIDTH, HEIGHT, 16), marked, record_of([(1, 1, 1)])])
    path = tmp_path / "log" / "data.mdb"
    data = bytearray(path.read_bytes())
    data[data.index(marked) + 100] ^= 4
    path.write_bytes(data)
    code, output = await refusal(tmp_path)
    assert code == ExitCode.UNUSABLE
    _check_line(output, str(tmp_path / "log"), "checksum", "Restore a backup")


async def test_log_moved_away_starts_a_new_canvas_and_says_that_the_snapshot_is_of_another(tmp_path: Path) -> None:
    await _canvas_of(tmp_path, 3)
    shutil.move(tmp_path / "log", tmp_path / "log.old")
    async with running(tmp_path) as server:
        assert "it is of another log" in server.output
        assert not any(await served_pixels(server.port, 1))


async def test_older_backup_of_the_log_wins_over_a_newer_snapshot(tmp_path: Path) -> None:
    pixels = await _canvas_of(tmp_path, 3)
    shutil.copytree(tmp_path / "log", tmp_path / "backup")
    async with running(tmp_path) as server, connect(server.port) as connection:
        assert (await place(connection, 9, 9, 9)).status == 200
        await server.stop()
    shutil.rmtree(tmp_path / "log")
    shutil.move(tmp_path / "backup", tmp_path / "log")
    async with running(tmp_path) as server:
        assert "it is at version 5, and the log ends at 4" in server.output
        assert await served_pixels(server.port, 4) == pixels


async def test_records_that_are_not_understood_are_skipped_with_one_warning_for_each_kind(tmp_path: Path) -> None:
    junk = [b"\x02\x01abc", b"\x01\x09", b"junk", record_of([(64, 1, 1)]), record_of([(1, 1, 16)])]
    values = [canvas_record(WIDTH, HEIGHT, 16), *junk, record_of([(1, 2, 3)])]
    await append_records(tmp_path / "log", values)
    async with running(tmp_path) as server:
        assert server.output.count("not understood") == 4  # the two edits outside the canvas count as one kind
    assert len(await read_records(tmp_path / "log")) == len(values)
