"""`placed check`: says that all is well only if it is, names every fault, and changes nothing."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import attrs
import pytest
import trio

from placed.canvas.snapshot import encode
from placed.process.exit_codes import ExitCode
from placed.storage.folder_lock import LOCK_NAME, lock_folder
from placed.storage.snapshot_store import open_snapshot_store, read_snapshot
from tests.commands.operations.conftest import EDITS, Canvas, harm_record
from tests.support.offline_log import append_records, canvas_record, record_of, stored_snapshot
from tests.support.placed_command import run_placed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from placed.canvas.snapshot import Snapshot
    from tests.support.small_disk import SmallDisk

    Placed = Callable[..., tuple[int, str, str]]


def _problem(out: str) -> str:
    """The line of the only problem."""
    (line,) = [line for line in out.splitlines() if line.startswith("PROBLEM: ")]
    return line


def test_canvas_that_is_well_gets_0_and_is_described(canvas: Canvas, placed: Placed) -> None:
    code, out, err = placed("check", "--data", canvas.data)
    assert (code, err) == (ExitCode.OK, "")
    assert f"{EDITS + 1} records, offsets 0 up to {EDITS + 1}, {EDITS} edits" in out
    assert "40 x 30 pixels, 16 colours" in out
    assert f"version {EDITS + 1}" in out
    assert "its canvas is the log's at that version" in out
    assert out.endswith("all is well\n")


def test_json_has_the_same_on_one_line(canvas: Canvas, placed: Placed) -> None:
    code, out, _ = placed("check", "--json", "--data", canvas.data)
    told = json.loads(out)
    assert (code, out.count("\n"), told["well"], told["problems"]) == (0, 1, True, [])
    assert (told["log"]["first"], told["log"]["next"], told["log"]["records"]) == (0, EDITS + 1, EDITS + 1)
    assert told["snapshot"]["equals_log"] is True
    assert len(told["log"]["id"]) == 32


def test_it_writes_nothing_but_the_lock(canvas: Canvas, placed: Placed) -> None:
    def files() -> dict[str, bytes]:
        found = [path for path in canvas.data.rglob("*") if path.is_file() and path.name != LOCK_NAME]
        return {str(path): path.read_bytes() for path in found}

    before = files()
    assert placed("check", "--data", canvas.data)[0] == 0
    canvas.harm(canvas.log, -100)
    harmed = files()
    placed("check", "--data", canvas.data)
    assert files() == harmed
    assert before.keys() == harmed.keys()


def test_settings_come_from_variables_and_file_too(
    canvas: Canvas, placed: Placed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "placed.toml"
    config.write_text(f'data = "{canvas.data}"\nwidth = 40\n')
    assert placed("check", "--config", config)[0] == 0
    monkeypatch.setenv("PLACED_DATA", str(canvas.data))
    assert placed("check")[0] == 0
    monkeypatch.setenv("PLACED_DATA", "")
    monkeypatch.setenv("PLACED_CONFIG", str(config))
    assert placed("check")[0] == 0


def test_log_elsewhere_is_checked_where_it_is(canvas: Canvas, placed: Placed, tmp_path: Path) -> None:
    shutil.move(canvas.data / "log", tmp_path / "elsewhere")
    code, out, _ = placed("check", "--data", canvas.data, "--log", f"lmdb:{tmp_path / 'elsewhere'}")
    assert code == 0
    assert str(tmp_path / "elsewhere") in out


def test_canvas_of_a_running_server_is_refused_with_the_way_out(canvas: Canvas, placed: Placed) -> None:
    with lock_folder(canvas.data):
        code, out, err = placed("check", "--json", "--data", canvas.data)
    assert code == ExitCode.UNUSABLE
    assert f"in use by a server (process {os.getpid()})" in err
    assert f"placed backup DEST --data {canvas.data}" in err
    assert json.loads(out)["well"] is False


def test_folder_without_a_canvas_is_refused(placed: Placed, tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nothing"):
        code, _, err = placed("check", "--data", folder)
        assert code == ExitCode.UNUSABLE
        assert "there is no canvas in" in err
        assert "--data" in err
    assert list(tmp_path.iterdir()) == []


def test_log_in_memory_is_refused(placed: Placed, tmp_path: Path) -> None:
    assert placed("check", "--log", "memory:", "--data", tmp_path)[0] == ExitCode.UNUSABLE


def test_canvas_on_a_disk_that_may_only_be_read_is_checked(
    canvas: Canvas, placed: Placed, small_disk: SmallDisk
) -> None:
    shutil.copytree(canvas.data, small_disk.folder / "canvas")
    (small_disk.folder / "canvas" / "log" / LOCK_NAME).unlink()
    small_disk.mount("remount,ro")
    assert placed("check", "--data", small_disk.folder / "canvas")[0] == 0


def test_damaged_record_is_named(canvas: Canvas, placed: Placed) -> None:
    data = canvas.log.read_bytes()
    begin = data.index(record_of([(5, 0, 6)])[:7])
    harm_record(canvas.log, data[begin : begin + len(record_of([(5, 0, 6)]))])
    code, out, _ = placed("check", "--data", canvas.data)
    assert code == ExitCode.UNUSABLE
    assert "record 6 doesn't match its checksum" in _problem(out)
    assert "--repair" in _problem(out)


def test_log_cut_short_is_found(canvas: Canvas, placed: Placed) -> None:
    canvas.log.write_bytes(canvas.log.read_bytes()[: canvas.log.stat().st_size // 2])
    code, out, _ = placed("check", "--data", canvas.data)
    assert code == ExitCode.UNUSABLE
    assert "log: " in _problem(out)


def test_damaged_snapshot_is_found(canvas: Canvas, placed: Placed) -> None:
    canvas.harm(canvas.snapshot, canvas.snapshot.read_bytes().index(stored_snapshot(canvas.snapshot)) + 1_000)
    code, out, _ = placed("check", "--data", canvas.data)
    assert code == ExitCode.UNUSABLE
    assert "snapshot: its checksum doesn't match" in _problem(out)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda one: attrs.evolve(one, log_id="0" * 32), "of another log"),
        (lambda one: attrs.evolve(one, version=one.version + 1), f"at version {EDITS + 2}, and the log ends at"),
        (lambda one: attrs.evolve(one, canvas=one.canvas ^ 1), "differs from the log's at version 301 in 1,200 pixels"),
    ],
    ids=["another log's", "newer", "another canvas"],
)
async def test_snapshot_that_says_something_else_than_the_log_is_found(
    canvas: Canvas, placed: Placed, change: Callable[[Snapshot], Snapshot], words: str
) -> None:
    before = read_snapshot(canvas.data / "snapshot")
    assert before is not None
    assert encode(change(before)) != encode(before)
    async with open_snapshot_store(canvas.data / "snapshot") as store:
        await store.save(change(before))
    code, out, _ = await trio.to_thread.run_sync(lambda: placed("check", "--data", canvas.data))
    assert code == ExitCode.UNUSABLE
    assert words in _problem(out)


def test_author_key_of_another_length_is_found(canvas: Canvas, placed: Placed) -> None:
    (canvas.data / "author.key").write_bytes(b"short")
    code, out, _ = placed("check", "--data", canvas.data)
    assert code == ExitCode.UNUSABLE
    assert "author key" in _problem(out)


async def test_records_that_mean_nothing_are_no_problem_and_are_told(placed: Placed, tmp_path: Path) -> None:
    junk = [b"\x02\x01abc", record_of([(64, 1, 1)])]
    await append_records(tmp_path / "log", [canvas_record(64, 48, 16), *junk, record_of([(1, 2, 3)])])
    code, out, _ = await trio.to_thread.run_sync(lambda: placed("check", "--data", tmp_path))
    assert code == 0
    assert "note: 2 records mean nothing and are skipped, the first at offset 1" in out


def test_process_ends_with_the_same_code(canvas: Canvas) -> None:
    assert run_placed("check", "--data", canvas.data).code == 0
    canvas.log.write_bytes(b"")
    assert run_placed("check", "--data", canvas.data).code == ExitCode.UNUSABLE
