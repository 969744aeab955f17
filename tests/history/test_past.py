"""The past, compared with a model that replays the log record by record."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.history.activity import activity_of
from placed.history.past import NotIndexed, NotKept, Past
from placed.history.pixel import pixel_page
from placed.history.records import records_of
from tests.history.model import SETTINGS, Entry, Model, any_log, build

pytestmark = pytest.mark.usefixtures("small_segments")


def _history(entries: list[Entry], size: int) -> Past:
    return build(entries, Path(tempfile.mkdtemp(dir=_history.folder)) / "history", size=size)  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path) -> None:
    _history.folder = tmp_path  # type: ignore[attr-defined]


@SETTINGS
@given(any_log(), st.integers(1, 20))
def test_every_version_has_the_canvas_of_the_log(entries: list[Entry], size: int) -> None:
    past, model = _history(entries, size), Model(entries)
    assert (past.first, past.version) == (0, model.version)
    for version, (definition, canvas) in model.canvases.items():
        found = past.canvas(version)
        assert found[0] == definition, version
        assert np.array_equal(found[1], canvas), version


@SETTINGS
@given(any_log(), st.integers(1, 20))
def test_records_come_back_byte_for_byte(entries: list[Entry], size: int) -> None:
    past = _history(entries, size)
    found = [record for stretch, _ in past.stretches(0, past.version) for record in records_of(stretch)]
    assert found == [(entry.offset, entry.ms, entry.value) for entry in entries]


@SETTINGS
@given(any_log(), st.integers(1, 20), st.integers(1, 20), st.integers(1, 20))
def test_pages_hold_each_edit_once_whatever_the_segments(
    entries: list[Entry], size: int, other_size: int, most: int
) -> None:
    model = Model(entries)
    pages = [_pages(_history(entries, each), most) for each in (size, other_size)]
    assert pages[0] == pages[1]
    assert [row for page in pages[0] for row in page] == [
        (p.offset, p.ms, p.x, p.y, p.color, p.author, p.act) for p in model.placed
    ]


def _pages(past: Past, most: int) -> list[list[tuple[int, ...]]]:
    pages, at = [], 0
    while at < past.version:
        page = past.page(at, past.version, most=most)
        assert page.stretch.start == at
        assert page.stretch.end > at
        assert len(page.stretch.rows) <= most or len(set(page.stretch.rows["offset"].tolist())) == 1
        pages.append(page.stretch.rows.tolist())
        at = page.stretch.end
    return pages


@SETTINGS
@given(any_log(), st.integers(1, 20))
def test_a_moment_is_the_version_behind_all_that_was_there_by_then(entries: list[Entry], size: int) -> None:
    past, model = _history(entries, size), Model(entries)
    for ms in range(990, 1_065):
        later = [offset for offset, highest in model.moments if highest > ms]
        assert past.version_at(ms) == (later[0] if later else model.version)
    for version in range(model.version + 1):
        before = [highest for offset, highest in model.moments if offset < version]
        assert past.time_of(version) == (before[-1] if before else None)


@SETTINGS
@given(any_log(most=70), st.integers(1, 20), st.integers(1, 4))
def test_a_pixel_tells_each_colour_that_it_had(entries: list[Entry], size: int, limit: int) -> None:
    past, model = _history(entries, size), Model(entries)
    for y in range(model.definition.height):
        for x in range(model.definition.width):
            seen = {p.offset: (p.offset, p.ms, p.color, p.author, p.act) for p in model.placed if (p.x, p.y) == (x, y)}
            assert _all_hits(past, x, y, limit) == list(seen.values())[::-1]


def _all_hits(past: Past, x: int, y: int, limit: int) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = []
    before = past.version
    while True:
        page = pixel_page(past, x, y, before=before, limit=limit)
        assert len(page.hits) <= limit
        found += [(hit.offset, hit.ms, hit.color, hit.author, hit.act) for hit in page.hits]
        if page.next is None:
            return found
        before = page.next


@SETTINGS
@given(
    any_log(most=70), st.integers(1, 20), st.integers(995, 1_062), st.integers(1, 60), st.sampled_from([1, 2, 16, 64])
)
def test_activity_counts_the_edits_of_a_time(
    entries: list[Entry], size: int, from_ms: int, length_ms: int, cells: int
) -> None:
    past, model = _history(entries, size), Model(entries)
    found = activity_of(past, from_ms, from_ms + length_ms, cells=cells)
    highest = dict(model.moments)
    inside = [p for p in model.placed if from_ms <= highest[p.offset] < from_ms + length_ms]
    definition = model.canvases[found.end][0]
    grid = np.zeros((cells, cells), int)
    for p in inside:
        grid[p.y * 64 // definition.height * cells // 64, p.x * 64 // definition.width * cells // 64] += 1
    assert found.cells.tolist() == grid.tolist()
    edges = [from_ms + length_ms * at // 64 for at in range(1, 64)]
    slices = [0] * 64
    for p in inside:
        slices[sum(edge <= highest[p.offset] for edge in edges)] += 1
    assert found.slices.tolist() == slices
    touched = {(p.x, p.y) for p in model.placed if p.offset < found.end}
    assert int(found.untouched.sum()) == definition.width * definition.height - len(touched)


def test_what_is_before_or_after_is_told_apart(tmp_path: Path) -> None:
    entries = [Entry(offset, 1_000, b"\x01\x63") for offset in range(10, 30)]
    past = build([Entry(0, 1, b"\x01\x63"), *entries], tmp_path / "history")
    later = Past(past.log_id, past.kept[1:], past.tail)
    assert later.first > 0
    with pytest.raises(NotKept, match="is before version"):
        later.canvas(later.first - 1)
    with pytest.raises(NotIndexed, match="hasn't been read yet"):
        later.canvas(later.version + 1)
