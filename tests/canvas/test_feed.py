"""The feed, compared with a model: from any version in its range a client reaches the present."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.canvas import feed as feeds
from placed.canvas.edit_code import EditCode
from placed.canvas.feed import Feed
from tests.support.records import SMALL, Edit, any_edit, blank, code_of, paint

if TYPE_CHECKING:
    from collections.abc import Iterator

CODE = code_of(SMALL)
HISTORY = st.lists(st.tuples(st.integers(1, 4), st.lists(any_edit(), max_size=4)), max_size=30)


def pack(several: list[Edit]) -> bytes:
    """Edit codes on the small canvas."""
    x, y, color = np.array([edit[:3] for edit in several], np.uint16).reshape(-1, 3).T
    return CODE.pack(x, y, color.astype(np.uint8))


def unpack(codes: bytes) -> list[Edit]:
    """The edits in edit codes, without authors, which codes don't have."""
    return [(x, y, color, 0) for x, y, color in zip(*(part.tolist() for part in CODE.unpack(codes)), strict=True)]


def chain(feed: Feed, version: int) -> tuple[list[int], list[Edit]]:
    """Everything that the feed sends to a client at `version`: the versions on the way, and the edits."""
    versions, sent = [version], []
    while versions[-1] != feed.version:
        frame = feed.since(versions[-1])
        assert frame.version > versions[-1]
        versions.append(frame.version)
        sent += unpack(frame.codes)
    return versions, sent


@pytest.fixture(autouse=True, scope="module")
def small_steps() -> Iterator[None]:
    """Steps so small that histories of a few records make the arrays move up and the ring grow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feeds, "_MOVE_RECORDS", 3)
        patch.setattr(feeds, "_RING_BYTES", 4)
        yield


@given(HISTORY, st.integers(0, 50), st.integers(1, 12), st.integers(1, 20))
def test_everybody_in_range_ends_with_the_same_canvas(
    history: list[tuple[int, list[Edit]]], start: int, max_records: int, max_edits: int
) -> None:
    feed = Feed(CODE, start, max_records=max_records, max_bytes=max_edits * CODE.size_bytes)
    canvas, canvases = blank(), {start: blank()}
    for gap, several in history:
        version = feed.version + gap  # offsets may leave gaps
        feed.append(version, pack(several))
        paint(canvas, several)
        for known in [v for v in canvases if v < feed.first]:
            del canvases[known]
        canvases[version] = canvas.copy()
    assert feed.first <= feed.version
    for version, seen in canvases.items():
        if version >= feed.first:
            _, sent = chain(feed, version)
            paint(seen, sent)
            assert (seen == canvas).all()


@given(HISTORY, st.integers(1, 12), st.integers(1, 20))
def test_bounds_hold_after_every_append(
    history: list[tuple[int, list[Edit]]], max_records: int, max_edits: int
) -> None:
    feed = Feed(CODE, 0, max_records=max_records, max_bytes=max_edits * CODE.size_bytes)
    for gap, several in history:
        feed.append(feed.version + gap, pack(several))
        assert len(feed._versions) == len(feed._ends)
        assert len(feed._versions) - feed._dropped <= max_records
        assert feed._end - feed._begin <= max_edits * CODE.size_bytes
        assert feed._dropped <= feeds._MOVE_RECORDS
        assert feed._codes.size_bytes <= max_edits * CODE.size_bytes


def test_records_that_were_dropped_leave_no_trace_in_memory() -> None:
    feed = Feed(CODE, 0, max_records=100)
    tracemalloc.start()
    try:
        for version in range(1, 20_000):
            feed.append(version, pack([(version % 5, 0, 1, 0)]) if version % 7 else b"")
        held_bytes = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert held_bytes < 20_000, "two arrays of some hundred records, and as many codes"
    assert feed.first == 19_999 - 100
    assert len(chain(feed, feed.first)[1]) == 85


def test_feed_takes_memory_for_what_it_holds_and_not_for_what_it_may() -> None:
    feed = Feed(CODE, 0, max_records=1_000)
    for version in range(1, 5_000):
        feed.append(version, pack([(version % 5, 0, 1, 0)]))
    assert feed._codes.size_bytes <= 2 * 1_001 * CODE.size_bytes


def test_last_record_after_all_others_were_dropped_and_moved_up_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "_MOVE_RECORDS", 0)
    feed = Feed(CODE, 0, max_bytes=2 * CODE.size_bytes)
    feed.append(1, pack([(0, 0, 1, 0)]))
    feed.append(2, pack([(0, 0, 1, 0)] * 3))
    assert (feed.first, feed.version) == (2, 2)
    feed.append(3, pack([(1, 0, 1, 0)]))
    feed.append(4, pack([(2, 0, 1, 0)]))
    assert chain(feed, 2) == ([2, 4], [(1, 0, 1, 0), (2, 0, 1, 0)])


def test_version_inside_a_gap_of_offsets_is_brought_up_to_date() -> None:
    feed = Feed(CODE, 0)
    feed.append(10, pack([(1, 1, 1, 0)]))
    feed.append(20, pack([(2, 2, 2, 0)]))
    assert chain(feed, 5)[1] == [(1, 1, 1, 0), (2, 2, 2, 0)]
    assert chain(feed, 15)[1] == [(2, 2, 2, 0)]


def test_empty_records_move_the_version_alone() -> None:
    feed = Feed(CODE, 0)
    feed.append(1, b"")
    assert feed.since(0) == feeds.Frame(1, b"")


def test_record_larger_than_all_that_may_be_held_leaves_an_empty_feed() -> None:
    feed = Feed(CODE, 0, max_bytes=2)
    feed.append(7, pack([(0, 0, 1, 0)] * 3))
    assert (feed.first, feed.version) == (7, 7)
    feed.append(8, pack([(0, 0, 1, 0)]))
    assert chain(feed, 7) == ([7, 8], [(0, 0, 1, 0)])


def test_restart_forgets() -> None:
    feed = Feed(CODE, 0)
    feed.append(3, pack([(0, 0, 1, 0)]))
    feed.restart(100)
    assert (feed.first, feed.version) == (100, 100)
    feed.append(101, pack([(1, 0, 1, 0)]))
    assert chain(feed, 100)[1] == [(1, 0, 1, 0)]


def test_many_edits_are_coalesced_to_the_last_of_each_pixel_in_order() -> None:
    code = EditCode.of(1000, 1000, 16)
    random = np.random.default_rng(1)
    x, y = random.integers(0, 30, (2, 3_000)).astype(np.uint16)
    color = random.integers(0, 16, 3_000).astype(np.uint8)
    feed = Feed(code, 0)
    for begin in range(0, 3_000, 10):
        part = slice(begin, begin + 10)
        feed.append(feed.version + 1, code.pack(x[part], y[part], color[part]))
    frame = feed.since(0)
    got = list(zip(*(part.tolist() for part in code.unpack(frame.codes)), strict=True))
    last = {(int(a), int(b)): (index, int(c)) for index, (a, b, c) in enumerate(zip(x, y, color, strict=True))}
    expected = sorted((index, a, b, c) for (a, b), (index, c) in last.items())
    assert got == [(a, b, c) for _, a, b, c in expected]
    assert frame.version == feed.version


def test_frame_ends_where_a_block_does_wherever_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "MAX_FRAME_EDITS", 10)
    monkeypatch.setattr(feeds, "_BLOCK_EDITS", 6)
    feed = Feed(CODE, 0)
    for version in range(1, 12):
        feed.append(version, pack([(version % 5, 0, 1, 0)] * 2))
    for begin in range(11):
        versions, sent = chain(feed, begin)
        assert versions == [begin, *(version for version in (3, 6, 9, 11) if version > begin)]
        assert len(sent) == 2 * (11 - begin)
        assert feed.frames_since(begin) == 2 * (11 - begin) // 6
    assert [feed.since(version).is_last for version in (2, 5, 8, 9)] == [False, False, False, True]
    whole = feed.since(6)
    feed.append(12, pack([(0, 0, 1, 0)]))
    assert feed.since(6) == whole
    assert feed.frames_since(12) == 0


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(0, 60))
def test_frames_hold_no_more_than_they_may_but_for_one_large_record(sizes: list[int], begin: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feeds, "MAX_FRAME_EDITS", 7)
        patch.setattr(feeds, "_BLOCK_EDITS", 5)
        feed = Feed(CODE, 0)
        for size in sizes:
            feed.append(feed.version + 1, pack([(1, 1, 1, 0)] * size))
        version = min(begin, feed.version)
        while version < feed.version:
            frame = feed.since(version)
            assert len(frame.codes) <= 7 * CODE.size_bytes or frame.version == version + 1
            version = frame.version


def test_record_larger_than_a_frame_is_sent_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "MAX_FRAME_EDITS", 2)
    feed = Feed(CODE, 0)
    feed.append(1, pack([(0, 0, 1, 0)] * 4))
    feed.append(2, pack([(0, 0, 2, 0)]))
    assert chain(feed, 0)[0] == [0, 1, 2]
