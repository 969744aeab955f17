"""`placed backup`: a canvas copied while people paint, complete or not at all; and how a backup lives on."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import trio

from placed.backends.lmdb.log import open_lmdb_log
from placed.commands.operations.backup import CannotBackUp, back_up
from placed.commands.settings.values import Settings
from placed.process.exit_codes import ExitCode
from tests.commands.operations.conftest import EDITS, Canvas, harm_record
from tests.support.handing_over import Crowd
from tests.support.http_connection import connect, get, place
from tests.support.offline_log import read_records, values_of
from tests.support.painters import each_pixel_once
from tests.support.placed_command import ran_placed
from tests.support.server_process import running, starting
from tests.support.stream_client import Habits, StreamClient, served_pixels

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.small_disk import SmallDisk

    Placed = Callable[..., tuple[int, str, str]]

LIMIT_SECONDS = 90.0
WIDTH, HEIGHT, COLORS = 1000, 1000, 16
SIZE = ("--width", str(WIDTH), "--height", str(HEIGHT))


async def _back_up(data: Path, destination: Path) -> str:
    """Run the command as an operator does, and return its output."""
    done = await ran_placed("backup", destination, "--data", data)
    assert (done.code, done.err) == (0, "")
    return done.out


def _silent(_begin: int, _at: int, _end: int) -> None:
    pass


@pytest.mark.timeout(150)
async def test_every_edit_acknowledged_before_it_began_is_there_when_the_original_is_gone(
    tmp_path: Path,
) -> None:
    original, copy = tmp_path / "original", tmp_path / "copy"
    crowd = Crowd(each_pixel_once(WIDTH, HEIGHT, COLORS))
    with trio.fail_after(LIMIT_SECONDS):
        async with running(original, *SIZE) as server, trio.open_nursery() as nursery:
            for _ in range(6):
                nursery.start_soon(crowd.paint, server.port)
            await crowd.painted(200)
            before = list(crowd.acknowledged)
            said = await _back_up(original, copy)
            after = len(crowd.acknowledged)
            await server.kill()
            nursery.cancel_scope.cancel()
        assert after > len(before), "nobody painted meanwhile"
        assert "all is well" in said
        assert f"placed --data {copy}" in said
        shutil.rmtree(original)
        async with starting(copy) as restored:
            await restored.ready()
            version = (await get(restored.port, "/info")).json()["version"]
            pixels = await served_pixels(restored.port, version)
    assert max(version for _, version in before) <= version
    assert [edit for edit, _ in before if pixels[edit[1] * WIDTH + edit[0]] != edit[2]] == []


async def test_it_begins_with_the_snapshot_that_it_has_and_keeps_authors_cooldowns(
    canvas: Canvas, placed: Placed, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    assert (await trio.to_thread.run_sync(lambda: placed("backup", copy, "--data", canvas.data)))[0] == 0
    key = copy / "author.key"
    assert key.read_bytes() == (canvas.data / "author.key").read_bytes()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    async with starting(copy) as server:
        await server.ready()
        assert "records=0" in server.output
        assert "snapshot" not in server.output
        await server.stop()
    assert await read_records(copy / "log") == canvas.records


async def test_each_server_on_it_has_a_log_id_of_its_own_which_it_keeps(
    canvas: Canvas, placed: Placed, tmp_path: Path
) -> None:
    async def log_id(folder: Path) -> str:
        async with open_lmdb_log(folder / "log") as log:
            return log.id

    copy = tmp_path / "copy"
    assert (await trio.to_thread.run_sync(lambda: placed("backup", copy, "--data", canvas.data)))[0] == 0
    shutil.copytree(copy, tmp_path / "second")
    ids = [await log_id(folder) for folder in (canvas.data, copy, tmp_path / "second")]
    assert len(set(ids)) == 3
    assert [await log_id(folder) for folder in (canvas.data, copy, tmp_path / "second")] == ids


async def test_client_of_the_original_is_sent_to_the_image_also_when_the_backup_has_overtaken_it(
    tmp_path: Path, chance: random.Random
) -> None:
    original, copy = tmp_path / "original", tmp_path / "copy"
    client = StreamClient(0, Habits(), chance)
    with trio.fail_after(LIMIT_SECONDS):
        async with running(original) as server, connect(server.port) as painter:
            await place(painter, 1, 1, 1)
            await _back_up(original, copy)
            await place(painter, 2, 2, 2)  # this one isn't in the backup
            client.port = server.port
            await client.load()
            await server.kill()
            async with starting(copy, "--charge-seconds", "0") as restored:
                await restored.ready()
                async with connect(restored.port) as again:
                    for x in range(5):
                        assert (await place(again, x, 5, 3)).status == 200
                    client.port = restored.port
                    await client.follow()  # until the server tells it to reload
    assert client.told.reloads == ["other-log"]


def test_it_has_its_name_only_when_it_is_whole_and_checked(canvas: Canvas, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    seen: list[bool] = []

    def look(_begin: int, _at: int, _end: int) -> None:
        seen.append(copy.exists())

    made = back_up(Settings(data=canvas.data), copy, look, look)
    assert seen
    assert not any(seen)
    assert made.report.is_well
    assert sorted(path.name for path in copy.iterdir()) == ["author.key", "log", "people", "snapshot"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["canvas", "copy"]


def test_empty_folder_is_taken_and_any_other_is_left_alone(canvas: Canvas, placed: Placed, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert placed("backup", tmp_path / "empty", "--data", canvas.data)[0] == 0
    before = sorted(tmp_path.rglob("*"))
    for taken in (tmp_path / "empty", canvas.log, tmp_path / "no" / "folder"):
        code, out, err = placed("backup", taken, "--data", canvas.data)
        assert (code, out) == (ExitCode.BAD_USAGE, "")
        assert str(taken.parent if "no" in taken.parts else taken) in err
    assert sorted(tmp_path.rglob("*")) == before


def test_damaged_log_gives_no_backup(canvas: Canvas, placed: Placed, tmp_path: Path) -> None:
    record = next(record for record in _values(canvas) if len(record) == 15)
    harm_record(canvas.log, record)
    code, _, err = placed("backup", tmp_path / "copy", "--data", canvas.data)
    assert code == ExitCode.UNUSABLE
    assert "the copy is damaged, and was removed again: log: " in err
    assert "doesn't match its checksum" in err
    assert [path.name for path in tmp_path.iterdir()] == ["canvas"]


def _values(canvas: Canvas) -> list[bytes]:
    async def read() -> list[bytes]:
        async with open_lmdb_log(canvas.data / "log") as log:
            return await values_of(log)

    return trio.run(read)


@pytest.mark.parametrize("flags", [("--log", "memory:"), ()], ids=["memory", "nothing"])
def test_without_a_canvas_there_is_no_backup(placed: Placed, tmp_path: Path, flags: tuple[str, ...]) -> None:
    code, _, err = placed("backup", tmp_path / "copy", "--data", tmp_path / "data", *flags)
    assert code == ExitCode.UNUSABLE
    assert err.startswith("placed backup: ")
    assert list(tmp_path.iterdir()) == []


def test_kafka_servers_keep_their_snapshot_and_key(canvas: Canvas, placed: Placed, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    code, out, _ = placed("backup", copy, "--data", canvas.data, "--log", "kafka://127.0.0.1:1/topic")
    assert code == 0
    assert "the log is a Kafka topic, and isn't in this backup" in out
    assert sorted(path.name for path in copy.iterdir()) == ["author.key", "people", "snapshot"]


def test_shared_author_key_comes_along(canvas: Canvas, placed: Placed, tmp_path: Path) -> None:
    shared = tmp_path / "authors.key"
    shared.write_bytes(os.urandom(32))
    assert placed("backup", tmp_path / "copy", "--data", canvas.data, "--author-key-file", shared)[0] == 0
    assert (tmp_path / "copy" / "author.key").read_bytes() == shared.read_bytes()


def test_too_small_a_disk_is_told_before_anything_is_copied(
    canvas: Canvas, placed: Placed, small_disk: SmallDisk
) -> None:
    code, _, err = placed("backup", small_disk.folder / "copy", "--data", canvas.data)
    assert code == ExitCode.UNUSABLE
    assert f"are free in {small_disk.folder}" in err
    assert list(small_disk.folder.iterdir()) == []


def test_mount_point_is_no_destination(canvas: Canvas, placed: Placed, small_disk: SmallDisk) -> None:
    code, _, err = placed("backup", small_disk.folder, "--data", canvas.data)
    assert code == ExitCode.BAD_USAGE
    assert "is a mount point; name a new folder inside it" in err


def test_whoever_copies_a_stopped_canvas_leaves_it_startable(canvas: Canvas, tmp_path: Path) -> None:
    back_up(Settings(data=canvas.data), tmp_path / "copy", _silent, _silent)
    assert trio.run(read_records, canvas.data / "log") == canvas.records
    with pytest.raises(CannotBackUp, match="no canvas"):
        back_up(Settings(data=tmp_path / "empty"), tmp_path / "copy2", _silent, _silent)
    assert len(canvas.records) == EDITS + 1


# Keeps a read transaction open, as a backup does while it copies.
_READER = """
import sys, lmdb
with lmdb.open(sys.argv[1], readonly=True, max_dbs=1, lib_version=0) as environment, environment.begin():
    print("reading", flush=True)
    sys.stdin.read()
"""


async def test_backup_that_was_killed_does_not_make_the_log_grow_for_ever(tmp_path: Path) -> None:
    step_bytes, commits = 1 << 20, 1_000
    with trio.fail_after(LIMIT_SECONDS):
        async with open_lmdb_log(tmp_path, map_step_bytes=step_bytes) as log:
            await log.append(b"before")
            command = [sys.executable, "-c", _READER, str(tmp_path)]
            reader = await trio.lowlevel.open_process(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            assert reader.stdout is not None
            assert await reader.stdout.receive_some()  # it prints that it has begun
            reader.kill()
            await reader.wait()
            await trio.aclose_forcefully(reader.stdout)
            assert reader.stdin is not None
            await trio.aclose_forcefully(reader.stdin)
            for number in range(commits):
                await log.append(b"%d" % number)
    size_bytes = (tmp_path / "data.mdb").stat().st_size
    assert size_bytes < 3 * step_bytes  # its 1,000 commits touch 12 MB of pages
