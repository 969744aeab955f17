"""Overviews give the same answers as their segments; if one is lost or damaged, only that one is made again."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING

import attrs
import numpy as np
import pytest

from placed.backends.lmdb.log import open_lmdb_log
from placed.canvas.definition import Definition
from placed.canvas.events import Canvas
from placed.history.activity import activity_of
from placed.history.folder import SegmentFile, list_folder
from placed.history.ground import Ground
from placed.history.indexer import Indexer, Live
from placed.history.overview import Overview, OverviewDamaged, decode_overview_header
from placed.history.overview_files import OverviewFile, fitting, list_overviews
from placed.history.pixel import pixel_page
from tests.history.indexing import fill, indexing
from tests.support.records import SMALL, record
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from placed.backends import Log
    from placed.history.past import Past

pytestmark = pytest.mark.usefixtures("small_segments")


async def _fill(log: Log, count: int) -> None:
    await log.append(Canvas(SMALL).encode())
    await fill(log, count, seed=count)


@contextlib.asynccontextmanager
async def _indexing(
    folder: Path, log: Log, *, definition: Definition = SMALL, behind: int = 0
) -> AsyncIterator[Indexer]:
    """Run the indexer; it has reached the log's end, and believes the canvas to be `behind` versions further."""
    end = (await log.bounds())[1]
    live = Live(lambda: end + behind, lambda: definition, lambda: Ground(SMALL, 0), lambda: Ground(SMALL, 0))
    async with indexing(folder, log, live, end) as indexer:
        yield indexer


async def _past(folder: Path, log: Log, *, overviews: int) -> Past:
    """The history of a log once it has `overviews` overviews."""
    async with _indexing(folder, log) as indexer:
        await until(lambda: len(indexer.past.overviews) == overviews)
    return indexer.past


def _told(past: Past) -> list[object]:
    hits = [pixel_page(past, x, y, before=past.version, limit=100) for y in range(3) for x in range(5)]
    activity = activity_of(past, 0, 1 << 50)
    return [hits, activity.cells.tolist(), activity.slices.tolist()]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("placed.history.indexer._SURVEY_EVERY_SECONDS", 0.0)
    monkeypatch.setattr("placed.history.indexer._CHECK_EVERY_SECONDS", 0.0)
    monkeypatch.setattr("placed.history.indexer._LOOK_SECONDS", 0.02)


async def test_an_overview_spares_opening_segments_without_the_pixel(tmp_path: Path) -> None:
    async with open_lmdb_log(tmp_path / "log") as log:
        await log.append(Canvas(SMALL).encode())
        for n in range(80):
            await log.append(record((n // 40, 0, 1, n)))  # pixel 0, 0 in the first segments alone
        past = await _past(tmp_path / "history", log, overviews=2)
        expected = pixel_page(past, 0, 0, before=past.version, limit=100)
        for each in past.kept[4:6]:  # of the second overview; they have nothing of that pixel
            each.path.unlink()
        assert pixel_page(past, 0, 0, before=past.version, limit=100) == expected
        assert len(expected.hits) == 40


@pytest.mark.parametrize("seed", range(6))
async def test_a_damaged_overview_changes_no_answer_and_is_made_again(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    async with open_lmdb_log(tmp_path / "log") as log:
        await _fill(log, 100)
        past = await _past(tmp_path / "history", log, overviews=2)
        expected, whole = _told(past), {each.path: each.path.read_bytes() for each in past.overviews}
        for each in past.overviews:
            _damage(each.path, rng)
            each.is_verified = False
        assert _told(past) == expected
        async with _indexing(tmp_path / "history", log) as indexer:
            assert _told(indexer.past) == expected  # a question also finds damage that a header doesn't show
            await until(lambda: {path: _bytes(path) for path in whole} == whole)
            assert _told(indexer.past) == expected


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _damage(path: Path, rng: np.random.Generator) -> None:
    match rng.integers(3):
        case 0:
            path.unlink()
        case 1:
            os.truncate(path, int(rng.integers(path.stat().st_size)))
        case _:
            data = bytearray(path.read_bytes())
            data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
            path.write_bytes(data)


async def test_a_kill_while_an_overview_is_written_costs_its_making_alone(tmp_path: Path) -> None:
    async with open_lmdb_log(tmp_path / "log") as log:
        await _fill(log, 100)
        past = await _past(tmp_path / "history", log, overviews=2)
        expected, path, part = _told(past), past.overviews[1].path, tmp_path / "history" / "part"
        whole = path.read_bytes()
        path.unlink()
        part.write_bytes(whole[: len(whole) // 2])  # it gets its final name once it is complete
        again = await _past(tmp_path / "history", log, overviews=2)
    assert (_told(again), path.read_bytes(), part.exists()) == (expected, whole, False)


async def test_each_bit_of_an_overview_is_checked(tmp_path: Path) -> None:
    async with open_lmdb_log(tmp_path / "log") as log:
        await _fill(log, 40)
        file = (await _past(tmp_path / "history", log, overviews=1)).overviews[0]
    data = bytearray(file.path.read_bytes())
    for at in range(len(data)):
        data[at] ^= 1
        with pytest.raises(OverviewDamaged):
            _verify(bytes(data))
        data[at] ^= 1
    _verify(bytes(data))


def _verify(data: bytes) -> None:
    def read(offset: int, length: int) -> bytes:
        return data[offset : offset + length]

    Overview(decode_overview_header(read), read).verify()


async def test_an_overview_is_of_the_very_segments_that_it_was_made_of(tmp_path: Path) -> None:
    async with open_lmdb_log(tmp_path / "log") as log:
        await _fill(log, 60)
        await _past(tmp_path / "history", log, overviews=1)
    chain, overviews = list_folder(tmp_path / "history"), list_overviews(tmp_path / "history")
    assert fitting(overviews, chain) == overviews
    assert fitting(overviews, chain[1:]) == []
    other = list(chain)
    header = chain[1].header
    assert header is not None
    other[1] = SegmentFile(chain[1].path, chain[1].start, chain[1].end, attrs.evolve(header, checksum=1))
    assert fitting(overviews, other) == []
    other[1] = SegmentFile(chain[1].path, chain[1].start, chain[1].end, None)  # damaged: the same one is made again
    assert fitting(overviews, other) == overviews


@pytest.fixture
def of_four_and_two(small_segments: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large overviews of four segments, small ones of two; runs after the settings for all tests here."""
    for module in ("overview", "overview_files"):
        monkeypatch.setattr(f"placed.history.{module}.SEGMENTS", 4)
    monkeypatch.setattr("placed.history.overview_files.FEW_SEGMENTS", 2)


@pytest.mark.usefixtures("of_four_and_two")
async def test_small_overviews_are_of_what_fills_no_large_one_yet(tmp_path: Path) -> None:
    async with open_lmdb_log(tmp_path / "log") as log:
        await _fill(log, 12 * 7)
        async with _indexing(tmp_path / "history", log) as indexer:
            await until(lambda: _sizes(indexer.past.overviews) == [4, 2])
            assert _told(indexer.past) == _told(attrs.evolve(indexer.past, overviews=()))
        for n in range(24):
            await log.append(record((0, 0, 1, n)))
        async with _indexing(tmp_path / "history", log) as indexer:
            await until(lambda: _sizes(indexer.past.overviews) == [4, 4])
            await until(lambda: _sizes(list_overviews(tmp_path / "history")) == [4, 4])  # the small ones are deleted
            assert _told(indexer.past) == _told(attrs.evolve(indexer.past, overviews=()))


@pytest.mark.usefixtures("of_four_and_two")
async def test_while_a_long_log_is_read_no_small_overviews_are_made(tmp_path: Path) -> None:
    async with open_lmdb_log(tmp_path / "log") as log:
        await _fill(log, 12 * 7)
        async with _indexing(tmp_path / "history", log, behind=1) as indexer:
            await until(lambda: _sizes(indexer.past.overviews) == [4])
            assert indexer._next_overview()() is None
        async with _indexing(tmp_path / "history", log) as indexer:
            await until(lambda: _sizes(indexer.past.overviews) == [4, 2])


def _sizes(overviews: Sequence[OverviewFile]) -> list[int]:
    return [len(each.header.parts) for each in overviews]


async def test_a_canvas_that_grew_counts_its_old_edits_in_its_new_cells(tmp_path: Path) -> None:
    larger = Definition(9, 4, SMALL.rgb)
    async with open_lmdb_log(tmp_path / "log") as log:
        await _fill(log, 50)
        before = await _past(tmp_path / "history", log, overviews=1)
        assert before.overviews[0].header.now == (SMALL.width, SMALL.height)
        await log.append(Canvas(larger).encode())
        await log.append(record((8, 3, 1, 1)))
        async with _indexing(tmp_path / "history", log, definition=larger) as indexer:
            await until(lambda: [each.header.now for each in indexer.past.overviews] == [(9, 4)])
            found = indexer.past
    for past_ms in (0, 1):
        without = attrs.evolve(found, overviews=())
        to_ms = (found.time_of(51) or 0) + past_ms  # before the canvas grew, and after
        assert activity_of(found, 0, to_ms).cells.tolist() == activity_of(without, 0, to_ms).cells.tolist()
    assert _told(found) == _told(without)


async def test_a_full_disk_leaves_the_overviews_out_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_lmdb_log(tmp_path / "log") as log:
        await _fill(log, 60)

        def refuse(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as full:
            full.setattr("placed.history.overview_files.write_file", refuse)
            expected = _told(await _past(tmp_path / "history", log, overviews=0))
        assert _told(await _past(tmp_path / "history", log, overviews=1)) == expected
