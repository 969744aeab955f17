"""A history and its log, read together."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from placed.backends.lmdb.beside import open_beside
from placed.backends.lmdb.log import open_lmdb_log
from placed.canvas.events import Canvas
from placed.history.folder import list_folder
from placed.history.past import NotKept
from placed.history.reading import ReadPast, read_past
from placed.history.records import records_of
from tests.history.model import LARGER, LOG_ID, SETTINGS, Entry, Model, any_log, batches, build
from tests.support.records import SMALL, record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from placed.canvas.batch import Batch

pytestmark = pytest.mark.usefixtures("small_segments")


def _reader(folder: Path, entries: list[Entry], size: int) -> ReadPast:
    def read(offset: int) -> Iterator[Batch]:
        yield from batches([entry for entry in entries if entry.offset >= offset], size)

    return read_past(folder, LOG_ID, 0, entries[-1].offset + 1, read)


@SETTINGS
@given(any_log(), st.integers(1, 20), st.data())
def test_the_log_fills_in_for_every_part_of_the_history_that_is_missing(
    tmp_path: Path, entries: list[Entry], size: int, data: st.DataObject
) -> None:
    folder = Path(tempfile.mkdtemp(dir=tmp_path)) / "history"
    build(entries, folder, size=size)
    for each in list_folder(folder):
        fate = data.draw(st.sampled_from(["kept", "deleted", "damaged"]))
        if fate == "deleted":
            each.path.unlink()
        elif fate == "damaged":
            at = data.draw(st.integers(0, each.path.stat().st_size - 1))
            whole = bytearray(each.path.read_bytes())
            whole[at] ^= 0x40
            each.path.write_bytes(whole)
    past, model = _reader(folder, entries, size), Model(entries)
    start, end = sorted(data.draw(st.tuples(st.integers(0, model.version), st.integers(0, model.version))))
    found = [each for stretch, _ in past.stretches(start, end) for each in records_of(stretch)]
    assert found == [(e.offset, e.ms, e.value) for e in entries if start <= e.offset < end]
    definition, canvas = past.canvas(end)
    assert definition == model.canvases[end][0]
    assert np.array_equal(canvas, model.canvases[end][1])
    ms = data.draw(st.integers(990, 1_065))
    later = [offset for offset, highest in model.moments if highest > ms]
    assert past.version_at(ms) == (later[0] if later else model.version)


def test_a_canvas_that_grows_behind_a_damaged_part_is_still_small_in_it(tmp_path: Path) -> None:
    values = [
        Canvas(SMALL).encode(),
        *[record((n % 5, 0, 1, n)) for n in range(40)],
        Canvas(LARGER).encode(),
        record((6, 2, 4, 1)),
    ]
    entries = [Entry(offset, 1_000, value) for offset, value in enumerate(values)]
    build(entries, tmp_path / "history")
    for each in list_folder(tmp_path / "history"):
        each.path.write_bytes(b"damaged")
    past, model = _reader(tmp_path / "history", entries, 100), Model(entries)
    for version, (definition, canvas) in model.canvases.items():
        found = past.canvas(version)
        assert found[0] == definition, version
        assert np.array_equal(found[1], canvas), version


def test_what_follows_a_canvas_is_read_from_there(tmp_path: Path) -> None:
    entries = [Entry(0, 1_000, Canvas(SMALL).encode())]
    entries += [Entry(n, 1_000 + n, record((n % 5, 0, n % 4, n))) for n in range(1, 60)]
    begun: list[int] = []

    def read(offset: int) -> Iterator[Batch]:
        begun.append(offset)
        yield from batches(entries[offset:], 7)

    past = read_past(tmp_path / "history", LOG_ID, 0, 60, read)
    expected = [(entry.offset, entry.ms, entry.value) for entry in entries[40:]]
    assert past.version_at(1_039) == 40
    assert past.version_at(1_050) == 51
    begun.clear()
    assert np.array_equal(past.canvas(40)[1], Model(entries).canvases[40][1])
    assert not begun
    assert [each for stretch, _ in past.stretches(40, 60) for each in records_of(stretch)] == expected
    assert begun == [40]
    assert np.array_equal(past.canvas(60)[1], Model(entries).canvases[60][1])


def test_a_log_without_its_beginning_needs_a_history(tmp_path: Path) -> None:
    with pytest.raises(NotKept, match="begins at offset 5"):
        read_past(tmp_path / "history", LOG_ID, 5, 9, lambda _: iter(()))


async def test_an_lmdb_log_is_read_beside_who_writes_it(tmp_path: Path) -> None:
    async with open_lmdb_log(tmp_path / "log") as log:
        await log.append(Canvas(SMALL).encode())
        expected = [Canvas(SMALL).encode()]
        async with trio.open_nursery() as nursery:

            async def write() -> None:
                for number in range(300):
                    value = record((number % 5, 0, 1, number))
                    await log.append(value)
                    expected.append(value)

            nursery.start_soon(write)
            for _ in range(30):
                values, next_ = await trio.to_thread.run_sync(_read_all, tmp_path / "log")
                assert len(values) == next_
                assert values == expected[:next_] or next_ > len(expected)
        assert (await trio.to_thread.run_sync(_read_all, tmp_path / "log")) == (expected, 301)


def _read_all(folder: Path) -> tuple[list[bytes], int]:
    with open_beside(folder) as log:
        return [value for batch in log.batches(0) for value in batch.values], log.next
