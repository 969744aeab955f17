"""The files that an interrupted backup leaves, and who removes them; and that a check leaves nothing."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import lmdb
import pytest

from placed.commands.operations.part_folder import part_folder
from placed.process.exit_codes import ExitCode
from tests.support.server_process import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.commands.operations.conftest import Canvas

    Placed = Callable[..., tuple[int, str, str]]

# Backs up, and prints when the key is in the part; then it waits for its end.
_PROGRAM = """
import sys, time
from placed.commands.cli import main
from placed.commands.operations import backup
copy_key = backup._copy_key
def copy_and_wait(settings, part):
    copy_key(settings, part)
    print(part, flush=True)
    time.sleep(60)
backup._copy_key = copy_and_wait
sys.exit(main(["backup", *sys.argv[1:]], serve=print))
"""


def _ended(data: Path, destination: Path, number: signal.Signals) -> tuple[int, Path]:
    """Run a backup and end it by a signal while its part is nearly complete; its exit code, and where the part was."""
    command = [sys.executable, "-c", _PROGRAM, str(destination), "--data", str(data)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            part = destination.with_name(process.stdout.readline().strip().rpartition("/")[2])
            assert (part / "author.key").exists()
            process.send_signal(number)
            return process.wait(20), part
        finally:
            process.kill()


def test_next_backup_removes_what_one_that_was_killed_has_left(canvas: Canvas, placed: Placed, tmp_path: Path) -> None:
    code, part = _ended(canvas.data, tmp_path / "monday", signal.SIGKILL)
    assert (code, part.exists()) == (-9, True)
    assert stat.S_IMODE(part.stat().st_mode) == 0o700
    assert placed("backup", tmp_path / "tuesday", "--data", canvas.data)[0] == 0
    assert not part.exists()
    assert (tmp_path / "tuesday" / "author.key").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_backup_that_is_ended_removes_its_part(canvas: Canvas, tmp_path: Path, number: signal.Signals) -> None:
    code, part = _ended(canvas.data, tmp_path / "backup", number)
    assert code == ExitCode.INTERRUPTED
    assert not part.exists()
    assert not (tmp_path / "backup").exists()


def test_part_of_a_backup_that_runs_and_what_is_none_stay(canvas: Canvas, placed: Placed, tmp_path: Path) -> None:
    others = tmp_path / "film.part-2"
    others.mkdir()
    (others / "scene.mp4").write_bytes(b"")
    (tmp_path / "file.part-3").write_bytes(b"")
    (tmp_path / "link.part-4").symlink_to(others)
    with part_folder(tmp_path / "other") as running:
        (running / "author.key").write_bytes(b"")
        assert placed("backup", tmp_path / "backup", "--data", canvas.data)[0] == 0
        assert (running / "author.key").exists()
        running.rename(tmp_path / "other")
    assert (others / "scene.mp4").exists()
    assert (tmp_path / "file.part-3").exists()
    assert (tmp_path / "link.part-4").is_symlink()


def test_part_of_an_ended_process_of_our_number_is_in_nobody_s_way(
    canvas: Canvas, placed: Placed, tmp_path: Path
) -> None:
    part = tmp_path / f"backup.part-{os.getpid()}"
    part.mkdir()
    (part / "author.key").write_bytes(b"old")
    assert placed("backup", tmp_path / "backup", "--data", canvas.data)[0] == 0
    assert not part.exists()


def test_check_of_a_backup_leaves_nothing_in_it(canvas: Canvas, placed: Placed, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    assert placed("backup", backup, "--data", canvas.data)[0] == 0
    before = sorted((path, path.stat().st_mtime_ns) for path in [backup, *backup.rglob("*")])
    assert placed("check", "--data", backup)[0] == 0
    assert sorted((path, path.stat().st_mtime_ns) for path in [backup, *backup.rglob("*")]) == before


def test_backup_of_a_folder_leaves_nothing_in_it(canvas: Canvas, placed: Placed, tmp_path: Path) -> None:
    locks = list(canvas.data.rglob("lock.mdb"))
    assert len(locks) == 3  # those of the log, the snapshot and the people
    for lock in locks[:-1]:  # as in a folder that was restored
        lock.unlink()
    before = sorted(canvas.data.rglob("*"))
    assert placed("backup", tmp_path / "backup", "--data", canvas.data)[0] == 0
    assert sorted(canvas.data.rglob("*")) == before
    assert list((tmp_path / "backup").rglob("lock.mdb")) == []


def test_lock_that_somebody_has_begun_to_use_meanwhile_stays(tmp_path: Path) -> None:
    with lmdb.open(str(tmp_path), lock=True):
        program = "import sys; from pathlib import Path; from placed.storage import lmdb_lock as of"
        program += "; of.remove_unused_lock(Path(sys.argv[1]))"
        command = [sys.executable, "-c", program, str(tmp_path / "lock.mdb")]
        assert subprocess.run(command, cwd=ROOT, check=False, capture_output=True).returncode == 1
        assert (tmp_path / "lock.mdb").exists()
    subprocess.run(command, cwd=ROOT, check=True)
    assert not (tmp_path / "lock.mdb").exists()
