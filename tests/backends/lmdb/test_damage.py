"""Whatever happens to its file, the log reads it correctly or refuses it with a message: no wrong data, no signal."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from placed.backends import LogCorrupt
from placed.backends.lmdb.log import open_lmdb_log
from placed.storage.lmdb_environment import open_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# In memory if there is such a folder: fsync would take most of the time, and these tests aren't about the disk.
_SCRATCH = "/dev/shm" if Path("/dev/shm").is_dir() else None


def _values() -> list[bytes]:
    """Enough values for a tree of depth 3, with some inside pages and some on pages of their own."""
    source = random.Random(2017)
    sizes = [15] * 1200 + [source.choice([1, 40, 900, 1900, 2100, 5000, 13_002]) for _ in range(150)] + [1800] * 600
    return [source.randbytes(size) for size in sizes]


@attrs.frozen
class Sample:
    """A sound log's file, and its records."""

    data: bytes
    values: list[bytes]


@pytest.fixture(scope="module")
def sample() -> Sample:
    """One sound log, for all tests of this module."""
    values = _values()

    async def write(folder: Path) -> None:
        async with open_lmdb_log(folder) as log:
            for begin in range(0, len(values), 60):
                async with trio.open_nursery() as nursery:
                    for value in values[begin : begin + 60]:
                        nursery.start_soon(log.append, value)

    with tempfile.TemporaryDirectory() as folder:
        trio.run(write, Path(folder) / "log")
        written = (Path(folder) / "log" / "data.mdb").read_bytes()
    # The tasks of a nursery start in any order.
    return Sample(written, _in_file_order(written, values))


def _in_file_order(data: bytes, values: list[bytes]) -> list[bytes]:
    found: list[bytes] = []

    async def read_all(folder: Path) -> None:
        async with open_lmdb_log(folder) as log, log.read(0) as batches:
            while len(found) < len(values):
                found.extend((await batches.receive()).values)

    with tempfile.TemporaryDirectory() as folder:
        place = _put(Path(folder), data)
        trio.run(read_all, place)
    assert sorted(found) == sorted(values)
    return found


def _put(folder: Path, data: bytes) -> Path:
    place = folder / "log"
    place.mkdir()
    (place / "data.mdb").write_bytes(data)
    return place


class Worker:
    """The process that opens damaged logs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def look(self, data: bytes) -> str:
        """The result for a file: "sound", "corrupt", or a description of what was wrong."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.TemporaryDirectory(dir=_SCRATCH) as folder:
            self._process.stdin.write(f"{_put(Path(folder), data)}\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        if not answer:
            return f"the process ended with {self._process.wait(timeout=10)}"
        outcome: str = json.loads(answer)
        return outcome


@contextmanager
def worker(values: list[bytes]) -> Iterator[Worker]:
    """A worker that expects `values`; it ends with the block."""
    command = [sys.executable, "-m", "tests.backends.lmdb.damage_worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdin is not None
            process.stdin.write(json.dumps([value.hex() for value in values]) + "\n")
            yield Worker(process)
        finally:
            process.kill()


def _flip(data: bytes, at: int, mask: int) -> bytes:
    return data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]


def _over(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new[: len(data) - at] + data[at + len(new) :]


def _page_bytes(data: bytes) -> int:
    return int.from_bytes(data[40:44], sys.byteorder)  # md_pad of the tree of free pages, in the first meta page


def _moved_page(data: bytes, of: int, to: int) -> bytes:
    size = _page_bytes(data)
    return _over(data, to * size, data[of * size : (of + 1) * size])


def damages(data: bytes) -> st.SearchStrategy[Callable[[], bytes]]:
    """Ways to damage a file; often the first 2 pages and each page's head, where damage is worst."""
    size, page_bytes = len(data), _page_bytes(data)
    page = st.integers(0, size // page_bytes - 1)
    at = st.one_of(
        st.integers(0, size - 1),
        st.builds(lambda number, byte: number * page_bytes + byte, page, st.integers(0, 63)),
        st.builds(lambda number, byte: number * page_bytes + byte, st.integers(0, 1), st.integers(0, 160)),
    )
    fill = st.sampled_from([bytes(page_bytes), b"\xff" * page_bytes])
    return st.one_of(
        st.builds(lambda at, bit: lambda: _flip(data, at, 1 << bit), at, st.integers(0, 7)),
        st.builds(lambda at, mask: lambda: _flip(data, at, mask), at, st.integers(1, 255)),
        st.builds(lambda at, new: lambda: _over(data, at, new), at, st.binary(min_size=1, max_size=16)),
        st.builds(lambda number, new: lambda: _over(data, number * page_bytes, new), page, fill),
        st.builds(lambda of, to: lambda: _moved_page(data, of, to), page, page),
        st.builds(lambda end: lambda: data[:end], st.integers(0, size - 1)),
        st.builds(lambda number: lambda: data[: number * page_bytes], page),
    )


def test_a_file_damaged_anywhere_is_read_rightly_or_refused(sample: Sample) -> None:
    with worker(sample.values) as process:
        assert process.look(sample.data) == "sound"

        @settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
        @given(damages(sample.data))
        def check(damage: Callable[[], bytes]) -> None:
            assert process.look(damage()) in ("sound", "corrupt")

        check()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "ends at byte 0"),
        (b"SQLite format 3\0" + bytes(8176), "doesn't begin as an LMDB file"),
        (bytes(100_000), "doesn't begin as an LMDB file"),
    ],
    ids=["empty", "another program's", "zeros"],
)
async def test_a_file_that_is_no_log_is_refused_in_words(tmp_path: Path, data: bytes, words: str) -> None:
    place = _put(tmp_path, data)
    with pytest.raises(LogCorrupt, match=words) as raised:
        async with open_lmdb_log(place):
            pass
    assert f"Restore a backup of {place}, or move it away" in str(raised.value)
    assert (place / "data.mdb").read_bytes() == data


async def test_a_log_cut_short_is_refused(sample: Sample, tmp_path: Path) -> None:
    place = _put(tmp_path, sample.data[: len(sample.data) // 2])
    with pytest.raises(LogCorrupt, match=r"cut short|ends at byte"):
        async with open_lmdb_log(place):
            pass


async def test_a_log_that_lacks_only_free_pages_at_its_end_is_whole_and_goes_on(tmp_path: Path) -> None:
    values = [b"%04d" % number for number in range(61)]  # after that many the file's last page is a free one
    async with open_lmdb_log(tmp_path / "whole") as log:
        for value in values:
            await log.append(value)
    data = (tmp_path / "whole" / "data.mdb").read_bytes()
    (tmp_path / "cut").mkdir()
    place = _put(tmp_path / "cut", data[:-1000])
    async with open_lmdb_log(place) as log:
        for value in values:
            await log.append(value)
    async with open_lmdb_log(place) as log, log.read(0) as batches:
        assert list((await batches.receive()).values) == values + values


async def test_a_damaged_record_is_named(sample: Sample, tmp_path: Path) -> None:
    number = 700
    at = sample.data.index(sample.values[number])
    place = _put(tmp_path, _flip(sample.data, at + 3, 0x10))
    async with open_lmdb_log(place) as log:
        with pytest.raises(LogCorrupt, match=f"record {number} doesn't match its checksum"):
            async with log.read(0) as batches:
                await batches.receive()
        async with log.read(number + 1) as batches:
            assert (await batches.receive()).values[0] == sample.values[number + 1]


async def test_a_log_of_another_format_is_refused(tmp_path: Path) -> None:
    async with open_lmdb_log(tmp_path):
        pass
    async with open_environment(tmp_path, appended=b"records") as environment:
        about = await environment.get(b"about")
        assert about is not None
        body = b"\x02\x00" + about[2:-4]
        await environment.put(b"about", body + zlib.crc32(body).to_bytes(4, "little"))
    with pytest.raises(LogCorrupt, match="a log of format 2; this server knows 1"):
        async with open_lmdb_log(tmp_path):
            pass


async def test_an_environment_that_is_no_log_is_refused(tmp_path: Path) -> None:
    async with open_environment(tmp_path) as environment:
        await environment.put(b"something", b"else")
    with pytest.raises(LogCorrupt, match="no database b'records'"):
        async with open_lmdb_log(tmp_path):
            pass
