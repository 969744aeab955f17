"""kill -9 at any moment: acknowledged records are there, and the log opens again, even one that was just being made."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import trio

from placed.backends.lmdb.log import open_lmdb_log
from tests.backends.logs import read

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 6
STEPS = 15  # one more than it takes to make a log
PROCESS_SECONDS = 20.0


def _append_until_killed(folder: Path, run: int, lines: int) -> dict[int, bytes]:
    """Let a process append, kill it after it acknowledged `lines` records, and return all that it acknowledged."""
    command = [sys.executable, "-m", "tests.backends.lmdb.appender_worker", str(folder), str(run)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        # A process that hangs is killed, too; the test then finds too few lines.
        timer = threading.Timer(PROCESS_SECONDS, process.kill)
        timer.start()
        try:
            assert process.stdout is not None
            seen = [process.stdout.readline() for _ in range(lines)]
            process.kill()
            seen += process.stdout.readlines()
        finally:
            timer.cancel()
            process.kill()
    # The kill may have cut the last line; that record was acknowledged, but no client knows it.
    whole = [line.split() for line in seen if line.endswith(b"\n")]
    assert len(whole) >= lines
    return {int(offset): value for offset, value in whole}


async def test_all_that_was_acknowledged_is_there_after_kill_9(tmp_path: Path) -> None:
    acknowledged: dict[int, bytes] = {}
    ids = set()
    for run in range(ROUNDS):
        acknowledged |= _append_until_killed(tmp_path / "log", run, 1 + run * run * 40)
        async with open_lmdb_log(tmp_path / "log") as log:
            ids.add(log.id)
            first, next_ = await log.bounds()
            found = await read(log, first, next_ - first)
            assert found.offsets == list(range(next_))
            assert found.times_ms == sorted(found.times_ms)
            values = dict(zip(found.offsets, found.values, strict=True))
            assert acknowledged.items() <= values.items()
            assert len(set(found.values)) == len(found.values)
            await log.append(b"between %d" % run)
    assert len(ids) == 1


async def test_a_log_killed_at_any_step_of_its_making_opens_again(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.backends.lmdb.creator_worker", str(tmp_path), str(STEPS)]
    await trio.run_process(command)
    for step in range(STEPS):
        async with open_lmdb_log(tmp_path / str(step)) as log:
            assert await log.append(b"first") == 0
