"""The exclusive use of a folder."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from placed.storage.folder_lock import LOCK_NAME, FolderBusy, lock_folder

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_is_for_one_at_a_time_also_within_a_process(tmp_path: Path) -> None:
    with lock_folder(tmp_path), pytest.raises(FolderBusy) as raised, lock_folder(tmp_path):
        pass
    assert raised.value.folder == tmp_path
    assert raised.value.holder == str(os.getpid())
    assert str(tmp_path) in str(raised.value)


def test_a_folder_is_free_again_when_the_block_ended_even_by_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError), lock_folder(tmp_path):
        raise KeyError
    with lock_folder(tmp_path):
        pass


def test_a_process_killed_with_9_lets_go(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys; from placed.storage.folder_lock import lock_folder\n"
        "with lock_folder(pathlib.Path(sys.argv[1])): print('locked', flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"locked\n"
        with pytest.raises(FolderBusy, match=rf"process {process.pid}\)"), lock_folder(tmp_path):
            pass
        process.kill()
        process.wait(10)
        with lock_folder(tmp_path):
            pass


def test_what_an_older_lock_file_holds_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).write_bytes(b"\xff" * 100)
    with lock_folder(tmp_path):
        assert (tmp_path / LOCK_NAME).read_bytes() == b"%d\n" % os.getpid()


def test_a_missing_folder_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), lock_folder(tmp_path / "missing"):
        pass
