"""`placed copy`: the whole log in another place, with offsets, times and authors; or nothing at all."""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING

import pytest
import trio

from placed.backends.lmdb.log import open_lmdb_log
from placed.process.exit_codes import ExitCode
from tests.commands.conftest import records_in
from tests.support.offline_log import canvas_record, record_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commands.conftest import Command

BEGAN_MS = 1_700_000_000_000


async def make_log(data: Path, count: int = 500) -> None:
    """Make a log of everything that there is, also unknown records, and records with equal and different times."""
    rng = random.Random(5)
    clock = [BEGAN_MS]
    values = [_any_record(rng, at) for at in range(count)]
    async with open_lmdb_log(data / "log", clock_ms=lambda: clock[0]) as log:
        await log.append(canvas_record(40, 30, 16))
        while values:
            clock[0] += rng.randrange(40)
            together = rng.randint(1, 100)  # each append waits for the disk
            await log.append_all(values[:together])
            del values[:together]


def _any_record(rng: random.Random, at: int) -> bytes:
    if at % 50 == 0:
        return b"\1\x63" + struct.pack("<Q", at)
    edits = [(rng.randrange(40), rng.randrange(30), rng.randrange(16)) for _ in range(rng.randint(1, 9))]
    return record_of(edits, author=rng.getrandbits(64))


def test_an_embedded_log_copied_is_the_same_in_another_folder(tmp_path: Path, placed: Command) -> None:
    trio.run(make_log, tmp_path / "data")
    to = tmp_path / "other" / "log"
    code, out, err = placed("copy", "--data", tmp_path / "data", "--to", f"lmdb:{to}")
    assert (code, err) == (0, "")
    assert "501 records are in lmdb:" in out
    assert records_in(tmp_path / "other") == records_in(tmp_path / "data")
    assert placed("check", "--data", tmp_path / "other")[0] == 0


@pytest.mark.parametrize(
    ("to", "code", "told"),
    [
        ("memory:", ExitCode.UNUSABLE, "'memory:' would end with this command"),
        ("sqlite:x", ExitCode.BAD_USAGE, "--to: 'sqlite:x'; allowed is"),
        ("lmdb:{data}/log", ExitCode.BAD_USAGE, "is the log itself"),
        ("lmdb:{other}/log", ExitCode.UNUSABLE, "already; it stays as it is"),
    ],
)
def test_a_place_that_cannot_have_it_is_told(
    to: str, code: ExitCode, told: str, tmp_path: Path, placed: Command
) -> None:
    for name in ("data", "other"):
        trio.run(make_log, tmp_path / name, 5)
    before = records_in(tmp_path / "other")
    found, _, err = placed(
        "copy", "--data", tmp_path / "data", "--to", to.format(data=tmp_path / "data", other=tmp_path / "other")
    )
    assert found == code
    assert told in err
    assert records_in(tmp_path / "other") == before


def test_a_log_that_is_not_there_or_in_use_is_told_and_nothing_is_left(tmp_path: Path, placed: Command) -> None:
    to = f"lmdb:{tmp_path / 'to' / 'log'}"
    code, _, err = placed("copy", "--data", tmp_path / "none", "--to", to)
    assert code == ExitCode.UNUSABLE
    assert "there is no canvas in" in err
    trio.run(make_log, tmp_path / "data", 5)

    async def hold() -> tuple[int, str, str]:
        async with open_lmdb_log(tmp_path / "data" / "log"):
            return await trio.to_thread.run_sync(lambda: placed("copy", "--data", tmp_path / "data", "--to", to))

    code, _, err = trio.run(hold)
    assert code == ExitCode.UNUSABLE
    assert "is in use by a server" in err
    assert "stop it first, so that the copy has all" in err
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_damaged_log_leaves_no_copy(tmp_path: Path, placed: Command) -> None:
    trio.run(make_log, tmp_path / "data", 3000)
    log = tmp_path / "data" / "log" / "data.mdb"
    record = b"\1\x63" + struct.pack("<Q", 2950)  # wherever it is in the file, also in an older state
    log.write_bytes(log.read_bytes().replace(record, record[:3] + b"\0" + record[4:]))
    code, _, err = placed("copy", "--data", tmp_path / "data", "--to", f"lmdb:{tmp_path / 'to' / 'log'}")
    assert code == ExitCode.UNUSABLE
    assert "record 2951 doesn't match its checksum" in err
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
