"""Makes logs and is killed while at it: `python -m tests.backends.lmdb.creator_worker FOLDER COUNT`.

The log in FOLDER/N is killed at step N, before or after one of the calls that change the disk; past the last step,
after the log was closed.
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
    """One step further; the last one kills."""
    global steps_left
    if steps_left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    steps_left -= 1


def stepping(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` with a step before and after."""

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
    """Make a log in a process of its own, which kills itself after so many steps; how that process ended."""
    global steps_left
    steps_left = steps
    process = os.fork()
    if process == 0:
        trio.run(main, folder)
        os.kill(os.getpid(), signal.SIGKILL)
    return os.waitpid(process, 0)[1]


if __name__ == "__main__":
    # One interpreter for all: starting one takes longer than making a log. No thread runs yet, so forking is safe.
    for number in range(int(sys.argv[2])):
        assert make_until_killed(Path(sys.argv[1]) / str(number), number) == signal.SIGKILL
