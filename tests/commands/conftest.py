"""The command line; and the logs that commands make, read without a server."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
import trio

from placed.__main__ import serve
from placed.backends.lmdb.log import open_lmdb_log
from placed.commands.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Command = Callable[..., tuple[int, str, str]]

_EDIT = struct.Struct("<HHBQ")


@pytest.fixture
def placed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs the command line; returns its exit code, standard output and standard error."""
    monkeypatch.delenv("PLACED_DATA", raising=False)

    def run(*words: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(list(map(str, words)), serve=serve)
        return code, *capsys.readouterr()

    return run


def records_in(data: Path) -> list[tuple[int, bytes]]:
    """The time and the bytes of each record of a data folder's log."""

    async def read() -> list[tuple[int, bytes]]:
        records: list[tuple[int, bytes]] = []
        async with open_lmdb_log(data / "log") as log:
            end = (await log.bounds())[1]
            with trio.fail_after(30):
                async with log.read(0) as batches:
                    while len(records) < end:
                        batch = await batches.receive()
                        records += zip(batch.times_ms.tolist(), batch.values, strict=True)
        return records

    return trio.run(read)


def edits_in(data: Path) -> list[tuple[int, int, int, int, int]]:
    """Time, x, y, color and author of each edit, in order."""
    return [
        (time_ms, *edit)
        for time_ms, value in records_in(data)
        if value[:2] == b"\1\1"
        for edit in _EDIT.iter_unpack(value[2:])
    ]


def canvas_in(data: Path) -> tuple[int, int, bytes]:
    """Width, height and palette of a data folder's log."""
    first = records_in(data)[0][1]
    assert first[:2] == b"\1\2"
    return (*struct.unpack_from("<HH", first, 2), first[6:])
