"""Promises that only the LMDB log makes: a map that grows, one user at a time, clear messages for faults."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import pytest
import trio

from placed.backends import LogBusy, LogClosed, LogUnavailable, OutcomeUnknown
from placed.backends.lmdb.log import TAIL_BYTES, LmdbLog, open_lmdb_log
from placed.storage.lmdb_environment import StoreUncertain
from tests.backends.logs import LIMIT_SECONDS, append_all, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lmdb import Transaction
    from lmdb import _Database as Database

    from placed.storage.lmdb_environment import Environment
    from placed.storage.lmdb_pages import PageFile
    from tests.backends.conftest import Tmpfs

T = TypeVar("T")
NOBODY: Final = 65_534  # an unprivileged user (`nobody` on Linux); the user needn't have a name


async def append_at_once(log: LmdbLog, values: list[bytes]) -> None:
    """Append all values from as many tasks."""
    with trio.fail_after(LIMIT_SECONDS):
        async with trio.open_nursery() as nursery:
            for value in values:
                nursery.start_soon(log.append, value)


async def test_records_appended_together_are_one_transaction_in_order(tmp_path: Path) -> None:
    values = [b"%d" % number for number in range(500)]
    async with open_lmdb_log(tmp_path) as log:
        await log.append(b"before")
        assert await log.append_all(values) == 1
        assert log.commits == 2
        assert (await read(log, 0, 501)).values == [b"before", *values]
        with pytest.raises(ValueError, match="0 bytes"):
            await log.append_all([b"good", b""])
        assert await log.bounds() == (0, 501)


async def test_offsets_have_no_gaps_and_begin_at_0(tmp_path: Path) -> None:
    async with open_lmdb_log(tmp_path) as log:
        assert await log.bounds() == (0, 0)
        assert await append_all(log, [b"a", b"b", b"c"]) == [0, 1, 2]


async def test_a_clock_that_goes_back_doesn_t_take_the_times_along(tmp_path: Path) -> None:
    clock = iter([0, 1000, 1005, 300, 1006])  # the first value is used when the log is made
    async with open_lmdb_log(tmp_path, clock_ms=clock.__next__) as log:
        await append_all(log, [b"a", b"b", b"c", b"d"])
        assert (await read(log, 0, 4)).times_ms == [1000, 1005, 1005, 1006]
    async with open_lmdb_log(tmp_path, clock_ms=lambda: 7) as log:
        await log.append(b"e")
        assert (await read(log, 4, 1)).times_ms == [1006]


async def test_the_map_grows_by_itself(tmp_path: Path) -> None:
    step = 64 << 10
    async with open_lmdb_log(tmp_path, map_step_bytes=step) as log:
        values = [bytes([number]) * 30_000 for number in range(100)]
        await append_at_once(log, values[:50])
        await append_all(log, values[50:])
        assert sorted((await read(log, 0, 100)).values) == values
    assert (tmp_path / "data.mdb").stat().st_size > 40 * step


async def test_a_reader_behind_the_tail_comes_up_to_it_from_the_disk(tmp_path: Path) -> None:
    values = [bytes([number]) * 900_000 for number in range(4 * TAIL_BYTES // 900_000)]
    async with open_lmdb_log(tmp_path) as log, log.read(0) as batches:
        await append_at_once(log, values)
        found: list[bytes] = []
        with trio.fail_after(LIMIT_SECONDS):
            while len(found) < len(values):
                found += (await batches.receive()).values
            await log.append(b"news")
            assert (await batches.receive()).values == [b"news"]
    assert sorted(found) == sorted(values)


async def test_closing_finishes_the_commit_in_flight_and_refuses_the_rest(tmp_path: Path) -> None:
    acknowledged: list[int] = []
    refused = 0

    async def append(log: LmdbLog) -> None:
        nonlocal refused
        try:
            acknowledged.append(await log.append(b"value"))
        except LogClosed:
            refused += 1

    async with trio.open_nursery() as nursery, open_lmdb_log(tmp_path) as log:
        nursery.start_soon(append, log)
        # The thread works on the first append; the append can't have ended, because no checkpoint has taken its answer.
        await trio.lowlevel.checkpoint()
        for _ in range(10):
            nursery.start_soon(append, log)
        await trio.lowlevel.checkpoint()
        log.close()
        log.close()
    assert refused + len(acknowledged) == 11
    assert refused
    async with open_lmdb_log(tmp_path) as log:
        assert await log.bounds() == (0, len(acknowledged))


async def test_append_cancelled_while_it_waits_for_its_turn_leaves_the_others_theirs(tmp_path: Path) -> None:
    begun, released = trio.Event(), trio.Event()
    acknowledged: dict[bytes, int] = {}

    def occupy(_pages: PageFile) -> None:
        trio.from_thread.run_sync(begun.set)
        trio.from_thread.run(released.wait)

    async def append(log: LmdbLog, value: bytes, scope: trio.CancelScope) -> None:
        with scope:
            acknowledged[value] = await log.append(value)

    async with open_lmdb_log(tmp_path) as log:
        scopes = [trio.CancelScope() for _ in range(6)]
        with trio.fail_after(LIMIT_SECONDS):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(log._environment.read, occupy)
                await begun.wait()
                for number, scope in enumerate(scopes):
                    nursery.start_soon(append, log, b"%d" % number, scope)
                    await trio.testing.wait_all_tasks_blocked()
                for scope in (scopes[0], scopes[3], scopes[1]):
                    scope.cancel()
                    await trio.testing.wait_all_tasks_blocked()
                scopes[2].cancel()  # both at the same time
                scopes[4].cancel()
                await trio.testing.wait_all_tasks_blocked()
                released.set()
        assert acknowledged == {b"5": 0}
        assert (await read(log, 0, 1)).values == [b"5"]
        assert await log.bounds() == (0, 1)


class Uncertain:
    """An environment whose next commit is written, but reported as uncertain; the rest is the real environment's."""

    def __init__(self, real: Environment, *, readable: bool) -> None:
        self._real = real
        self._readable = readable
        self.next_is_uncertain = True

    async def write(self, transact: Callable[[Transaction[bytes], Database | None], T]) -> T:
        """Commit, and then raise as if the outcome were unknown."""
        result = await self._real.write(transact)
        if self.next_is_uncertain:
            self.next_is_uncertain = False
            raise StoreUncertain("the disk didn't say")
        return result

    async def read(self, look: Callable[[PageFile], T]) -> T:
        """Read the committed state, unless the disk can't be read just then."""
        if not self._readable:
            self._readable = True
            await trio.sleep_forever()
        return await self._real.read(look)


@pytest.mark.parametrize("cancelled", [False, True], ids=["in peace", "cancelled while it looks at what is there"])
async def test_after_an_uncertain_store_all_later_appends_and_readers_go_on(tmp_path: Path, cancelled: bool) -> None:
    async with open_lmdb_log(tmp_path) as log:
        await log.append(b"before")
        log._environment = Uncertain(log._environment, readable=not cancelled)  # type: ignore[assignment]  # a fake
        with trio.fail_after(LIMIT_SECONDS):
            if cancelled:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(log.append, b"perhaps")
                    await trio.testing.wait_all_tasks_blocked(0.1)
                    nursery.cancel_scope.cancel()
            else:
                with pytest.raises(OutcomeUnknown):
                    await log.append(b"perhaps")
                assert (await read(log, 1, 1)).values == [b"perhaps"]
            async with trio.open_nursery() as nursery:
                for _ in range(5):
                    nursery.start_soon(log.append, b"after")
            assert (await read(log, 0, 7)).values == [b"before", b"perhaps", *[b"after"] * 5]
            assert await log.bounds() == (0, 7)


@pytest.mark.parametrize("compact", [False, True])
async def test_a_copy_by_lmdb_s_own_tool_is_a_backup(tmp_path: Path, compact: bool) -> None:
    values = [b"%d" % number * 50 for number in range(500)]
    async with open_lmdb_log(tmp_path / "log") as log:
        await append_all(log, values[:300])
        (tmp_path / "copy").mkdir()
        # The same as mdb_copy, from another process, while the log is in use.
        program = "import lmdb, sys; lmdb.open(sys.argv[1], readonly=True).copy(sys.argv[2], compact=len(sys.argv) > 3)"
        arguments = [str(tmp_path / "log"), str(tmp_path / "copy"), *(["compact"] if compact else [])]
        await trio.run_process([sys.executable, "-c", program, *arguments])
        await append_all(log, values[300:])
        original = log.id
    for number in range(300, 310):
        async with open_lmdb_log(tmp_path / "copy") as log:
            assert (log.id, await log.bounds()) == (original, (0, number))
            await log.append(b"goes on")
            assert (await read(log, 0, number)).values[:300] == values[:300]


async def test_the_folder_is_for_one_log_at_a_time(tmp_path: Path) -> None:
    async with open_lmdb_log(tmp_path) as log:
        with pytest.raises(LogBusy, match=rf"{tmp_path} is in use by another server \(process {os.getpid()}\)"):
            async with open_lmdb_log(tmp_path):
                pass
        await log.append(b"goes on")
    async with open_lmdb_log(tmp_path) as log:
        assert await log.bounds() == (0, 1)


async def test_another_process_is_named_and_its_death_frees_the_folder(tmp_path: Path) -> None:
    program = (
        "import sys, trio, pathlib; from placed.backends.lmdb.log import open_lmdb_log\n"
        "async def main():\n"
        "    async with open_lmdb_log(pathlib.Path(sys.argv[1])):\n"
        "        print('open', flush=True); await trio.to_thread.run_sync(sys.stdin.read)\n"
        "trio.run(main)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    process = await trio.lowlevel.open_process(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        with trio.fail_after(LIMIT_SECONDS):
            assert await process.stdout.receive_some(1) == b"o"  # of "open"
        with pytest.raises(LogBusy, match=rf"process {process.pid}\)"):
            async with open_lmdb_log(tmp_path):
                pass
    finally:
        process.kill()
        with trio.fail_after(LIMIT_SECONDS):
            await process.wait()
        assert process.stdio is not None
        await process.stdio.aclose()
    async with open_lmdb_log(tmp_path):
        pass


async def test_a_path_that_is_a_file_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(LogUnavailable, match=rf"{path} can't be made"):
            async with open_lmdb_log(path):
                pass


async def test_missing_folders_above_are_made(tmp_path: Path) -> None:
    async with open_lmdb_log(tmp_path / "a" / "b" / "log") as log:
        await log.append(b"value")


async def _check_unwritable(folder: Path) -> None:
    for path in (folder, folder / "log"):
        with pytest.raises(LogUnavailable, match=rf"{path} can't be (written|made): (Permission|Read-only)"):
            async with open_lmdb_log(path):
                pass


async def test_a_read_only_file_system_is_refused_in_words(tmp_path: Path, tmpfs: Tmpfs) -> None:
    tmpfs.mount(tmp_path, "size=1m,ro")
    await _check_unwritable(tmp_path)


@contextlib.contextmanager
def folder_without_permission() -> Iterator[Path]:
    """A folder that this process may not write to. It is outside pytest's folder, which only root may enter."""
    with tempfile.TemporaryDirectory(prefix="placed-") as name:
        folder = Path(name)
        is_root = os.geteuid() == 0
        if is_root:
            os.chown(folder, NOBODY, NOBODY)
        folder.chmod(0o500)
        if is_root:
            os.seteuid(NOBODY)
        try:
            yield folder
        finally:
            if is_root:
                os.seteuid(0)
            folder.chmod(0o700)


async def test_a_folder_without_permission_is_refused_in_words() -> None:
    with folder_without_permission() as folder:
        await _check_unwritable(folder)
