"""A full disk: appends fail and nothing is lost, reading goes on, and appends work again when there is room."""

from __future__ import annotations

import contextlib
import resource
from typing import TYPE_CHECKING

import pytest
import trio

from placed.backends import LogUnavailable
from placed.backends.lmdb.log import open_lmdb_log
from tests.backends.logs import append_all, read

if TYPE_CHECKING:
    from pathlib import Path

    from placed.backends.lmdb.log import LmdbLog
    from tests.backends.conftest import Tmpfs


async def _append_until_full(log: LmdbLog) -> list[bytes]:
    """Append until it fails, and then again; return the acknowledged values."""
    values = [bytes([number % 251]) * (number * 37 % 9000 + 1) for number in range(1000)]
    acknowledged: list[bytes] = []
    with contextlib.suppress(LogUnavailable):
        for value in values:
            assert await log.append(value) == len(acknowledged)
            acknowledged.append(value)
    # If there is only room for a part of a page, LMDB reports an input/output error.
    for _ in range(3):
        with pytest.raises(LogUnavailable, match=r"(No space|Input/output|too large).*bytes are free"):
            await log.append(bytes(900_000))
    assert await log.bounds() == (0, len(acknowledged))
    assert (await read(log, 0, len(acknowledged))).values == acknowledged
    return acknowledged


async def test_a_full_disk_refuses_appends_until_there_is_room(tmp_path: Path, tmpfs: Tmpfs) -> None:
    tmpfs.mount(tmp_path, "size=1m")
    async with open_lmdb_log(tmp_path / "log") as log:
        before = await _append_until_full(log)
        tmpfs.mount(tmp_path, "remount,size=8m")
        await append_all(log, [b"again", bytes(900_000)])
        assert (await read(log, 0, len(before) + 2)).values == [*before, b"again", bytes(900_000)]
    async with open_lmdb_log(tmp_path / "log") as log:
        assert (await read(log, 0, len(before) + 2)).values == [*before, b"again", bytes(900_000)]


async def test_a_log_opens_on_a_full_disk_and_can_be_read(tmp_path: Path, tmpfs: Tmpfs) -> None:
    tmpfs.mount(tmp_path, "size=1m")
    async with open_lmdb_log(tmp_path / "log") as log:
        before = await _append_until_full(log)
    async with open_lmdb_log(tmp_path / "log") as log:
        assert (await read(log, 0, len(before))).values == before
        with pytest.raises(LogUnavailable):
            await log.append(bytes(900_000))


async def test_a_log_can_t_be_made_on_a_full_disk_until_there_is_room(tmp_path: Path, tmpfs: Tmpfs) -> None:
    tmpfs.mount(tmp_path, "size=16k")
    with pytest.raises(LogUnavailable, match=f"{tmp_path}.*No space left on device"):
        async with open_lmdb_log(tmp_path / "log"):
            pass
    tmpfs.mount(tmp_path, "remount,size=1m")
    async with open_lmdb_log(tmp_path / "log") as log:
        assert await log.append(b"value") == 0


async def test_a_group_that_doesn_t_fit_fails_as_one_and_nothing_of_it_stays(tmp_path: Path, tmpfs: Tmpfs) -> None:
    tmpfs.mount(tmp_path, "size=1m")
    failed = 0

    async def append(log: LmdbLog) -> None:
        nonlocal failed
        try:
            await log.append(bytes(100_000))
        except LogUnavailable:
            failed += 1

    async with open_lmdb_log(tmp_path / "log") as log:
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(append, log)
        assert await log.bounds() == (0, 20 - failed)
        assert failed
        assert await log.append(b"small") == 20 - failed


async def test_a_limit_on_the_file_s_size_is_like_a_full_disk(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with open_lmdb_log(tmp_path) as log:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
        try:
            acknowledged = await _append_until_full(log)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert await log.append(b"again") == len(acknowledged)
