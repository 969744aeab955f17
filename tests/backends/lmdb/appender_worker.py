"""Appends to a log until it is killed: `python -m tests.backends.lmdb.appender_worker FOLDER RUN`.

Prints a line for each acknowledged record: its offset and its value.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import trio

from placed.backends.lmdb.log import LmdbLog, open_lmdb_log

TASKS = 8


async def append_for_ever(log: LmdbLog, name: str) -> None:
    """Append values of many sizes, and report each."""
    number = 0
    while True:
        value = f"{name}.{number}." + "x" * (number * number % 3000)
        offset = await log.append(value.encode())
        os.write(sys.stdout.fileno(), f"{offset} {value}\n".encode())
        number += 1


async def main(folder: Path, run: str) -> None:
    """Append from several tasks."""
    # A small step, so that kills also hit a growing map.
    async with open_lmdb_log(folder, map_step_bytes=256 << 10) as log, trio.open_nursery() as nursery:
        for task in range(TASKS):
            nursery.start_soon(append_for_ever, log, f"{run}.{task}")


if __name__ == "__main__":
    trio.run(main, Path(sys.argv[1]), sys.argv[2])
