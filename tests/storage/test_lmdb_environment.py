"""An environment: complete transactions, growth, the state after a failed commit, and closing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lmdb
import pytest
import trio

from placed.storage.lmdb_environment import (
    StoreClosed,
    StoreDamaged,
    StoreUnavailable,
    StoreUncertain,
    open_environment,
)

if TYPE_CHECKING:
    from pathlib import Path

    from lmdb import Transaction
    from lmdb import _Database as Database


async def test_what_was_put_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    async with open_environment(tmp_path) as environment:
        assert await environment.get(b"key") is None
        await environment.put(b"key", b"value" * 100_000)
        assert await environment.get(b"key") == b"value" * 100_000
        assert environment.commits == 1
    async with open_environment(tmp_path) as environment:
        assert await environment.get(b"key") == b"value" * 100_000


async def test_one_value_may_be_larger_than_the_map_and_its_step(tmp_path: Path) -> None:
    async with open_environment(tmp_path, map_step_bytes=64 << 10) as environment:
        for size in (1 << 20, 3 << 20, 1 << 20):
            await environment.put(b"key", bytes(size))
            assert await environment.get(b"key") == bytes(size)


async def test_putting_the_same_key_again_and_again_doesn_t_make_the_file_grow(tmp_path: Path) -> None:
    async with open_environment(tmp_path) as environment:
        for number in range(60):
            await environment.put(b"key", bytes([number]) * 500_000)
    assert (tmp_path / "data.mdb").stat().st_size < 4 << 20


async def test_transaction_that_changes_nothing_is_no_sign_of_damage(tmp_path: Path) -> None:
    async with open_environment(tmp_path) as environment:
        await environment.put(b"key", b"value")
        for _ in range(3):
            await environment.write(lambda _transaction, _appended: None)
        await environment.put(b"key", b"other")
        assert await environment.get(b"key") == b"other"


async def test_an_error_in_a_transaction_undoes_all_of_it(tmp_path: Path) -> None:
    def fail(transaction: Transaction[bytes], _appended: Database | None) -> None:
        transaction.put(b"key", b"half")
        raise KeyError

    async with open_environment(tmp_path) as environment:
        with pytest.raises(KeyError):
            await environment.write(fail)
        assert await environment.get(b"key") is None
        await environment.put(b"key", b"whole")
        assert await environment.get(b"key") == b"whole"


class Panic:
    """An LMDB environment whose next commit fails after or before it is written; a fake, because no disk does that."""

    def __init__(self, real: lmdb.Environment, *, written: bool) -> None:
        self.real = real
        self.written = written

    def begin(self, *, write: bool) -> Panic:
        self.transaction = self.real.begin(write=write)
        return self

    def __enter__(self) -> Transaction[bytes]:
        return self.transaction

    def __exit__(self, *_error: object) -> None:
        if self.written:
            self.transaction.commit()
        else:
            self.transaction.abort()
        raise lmdb.PanicError("mdb_txn_commit", -30795)

    def close(self) -> None:
        self.real.close()


@pytest.mark.parametrize(("written", "error"), [(True, StoreUncertain), (False, StoreUnavailable)])
async def test_after_a_failed_commit_lmdb_is_opened_afresh(
    tmp_path: Path, written: bool, error: type[StoreUnavailable]
) -> None:
    async with open_environment(tmp_path) as environment:
        assert environment._lmdb is not None
        environment._lmdb = Panic(environment._lmdb, written=written)  # type: ignore[assignment]  # a fake
        with pytest.raises(StoreUnavailable) as raised:
            await environment.put(b"key", b"first")
        assert type(raised.value) is error
        await environment.put(b"other", b"second")
        assert await environment.get(b"key") == (b"first" if written else None)
        assert await environment.get(b"other") == b"second"


async def test_a_file_damaged_while_it_is_open_is_reported_when_it_is_read(tmp_path: Path) -> None:
    async with open_environment(tmp_path) as environment:
        await environment.put(b"key", bytes(100_000))
        with (tmp_path / "data.mdb").open("r+b") as file:
            file.truncate(20_000)
        with pytest.raises(StoreDamaged, match=f"Restore a backup of {tmp_path}"):
            await environment.get(b"key")


async def test_a_closed_environment_refuses_everything(tmp_path: Path) -> None:
    async with open_environment(tmp_path) as environment:
        pass
    await environment.close()
    with pytest.raises(StoreClosed):
        await environment.get(b"key")
    with pytest.raises(StoreClosed):
        await environment.put(b"key", b"value")


async def test_closing_waits_for_the_transaction_that_runs(tmp_path: Path) -> None:
    begun, released = trio.Event(), trio.Event()

    def slow(transaction: Transaction[bytes], _appended: Database | None) -> None:
        trio.from_thread.run_sync(begun.set)
        trio.from_thread.run(released.wait)
        transaction.put(b"key", b"value")

    async with trio.open_nursery() as nursery, open_environment(tmp_path) as environment:
        nursery.start_soon(environment.write, slow)
        await begun.wait()
        nursery.start_soon(environment.close)
        await trio.testing.wait_all_tasks_blocked()
        released.set()
    async with open_environment(tmp_path) as environment:
        assert await environment.get(b"key") == b"value"


async def test_what_a_crash_left_of_making_one_is_swept_away(tmp_path: Path) -> None:
    (tmp_path / "creating").mkdir()
    (tmp_path / "creating" / "data.mdb").write_bytes(b"half")
    async with open_environment(tmp_path) as environment:
        await environment.put(b"key", b"value")
    assert not (tmp_path / "creating").exists()
