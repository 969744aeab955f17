"""Makes logs and is killed while making them: `python -m tests.backends.lmdb.creator_worker FOLDER COUNT`.

The process that makes the log in FOLDER/N is killed at step N, before or after one of the calls that change the disk.
Past the last step it is killed after it has closed the log.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lmdb
import trio

from placed.backends.lmdb.log import open_lmdb_log

if TYPE_CHECKING:
    from collections.abc import Callable

steps_left = 0


def step() -> None:
    """Count one step; the last one kills this process."""
    global steps_left
    if steps_left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    steps_left -= 1


def stepping(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add a step before and after `function`."""

    def call(*args: Any, **kwargs: Any) -> Any:
        step()
        result = function(*args, **kwargs)
        step()
        return result

    return call


async def main(folder: Path) -> None:
    """Make a log, step by step."""
    for owner, name in ((lmdb, "open"), (shutil, "rmtree"), (Path, "mkdir"), (Path, "rename")):
        setattr(owner, name, stepping(getattr(owner, name)))
    async with open_lmdb_log(folder):
        pass


def make_until_killed(folder: Path, steps: int) -> int:
    """Make a log in a child process, which kills itself after `steps` steps; return how the child ended."""
    global steps_left
    steps_left = steps
    process = os.fork()
    if process == 0:
        trio.run(main, folder)
        os.kill(os.getpid(), signal.SIGKILL)
    return os.waitpid(process, 0)[1]


if __name__ == "__main__":
    # One interpreter for all: its start takes longer than making a log. No thread runs yet, so forking is safe.
    for number in range(int(sys.argv[2])):
        assert make_until_killed(Path(sys.argv[1]) / str(number), number) == signal.SIGKILL
