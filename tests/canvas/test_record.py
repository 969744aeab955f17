"""Records: their bytes as design.md gives them, and decoding that is the same on every server."""

from __future__ import annotations

import struct
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from placed.canvas import record as records
from placed.canvas.record import EDIT, Definition, RecordRefused, decode, encode_edits
from tests.support.records import SMALL, any_edit, edits, record

GOOD = st.lists(any_edit(), min_size=1, max_size=8).map(lambda several: record(*several))
OTHER_CANVAS = Definition(6, 3, SMALL.rgb)
FOREIGN = st.one_of(
    st.binary(max_size=40),
    GOOD.flatmap(lambda value: st.integers(0, len(value) - 1).map(lambda end: value[:end])),
    GOOD.map(lambda value: value + b"\0"),
    st.sampled_from([SMALL.encode(), OTHER_CANVAS.encode(), b"\1\2", b"\1\1", b"\2\1" + bytes(13), b"\1\3"]),
    st.tuples(st.integers(0, 65535), st.integers(0, 65535), st.integers(0, 255), st.just(0)).map(record),
)


def test_edits_are_packed_little_endian_thirteen_bytes_each() -> None:
    value = record((1, 2, 3, 4), (0x1234, 0x5678, 0x9A, 0x1122334455667788))
    assert EDIT.itemsize == 13
    assert value == b"\1\1" + struct.pack("<HHBQ", 1, 2, 3, 4) + struct.pack(
        "<HHBQ", 0x1234, 0x5678, 0x9A, 0x1122334455667788
    )


def test_canvas_is_packed_as_the_docstring_says() -> None:
    assert Definition(1000, 2, b"\1\2\3\4\5\6").encode() == b"\1\2" + b"\xe8\3\2\0" + b"\1\2\3\4\5\6"


def test_record_of_no_edits_is_not_encoded() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        encode_edits(edits())


@given(st.lists(GOOD, max_size=8))
def test_good_records_come_back(values: list[bytes]) -> None:
    decoded = decode(values, SMALL)
    assert not decoded.refused
    assert decoded.counts.tolist() == [(len(value) - 2) // 13 for value in values]
    assert decoded.edits.tobytes() == b"".join(value[2:] for value in values)


@given(st.lists(GOOD, min_size=3, max_size=8))
def test_good_records_take_the_fast_way(values: list[bytes]) -> None:
    with patch.object(records, "_decode_each", side_effect=AssertionError("slow")):
        decode(values, SMALL)


@given(st.lists(st.one_of(GOOD, FOREIGN), max_size=12))
def test_run_of_records_means_what_each_means_alone(values: list[bytes]) -> None:
    together = decode(values, SMALL)
    alone = [decode([value], SMALL) for value in values]
    assert together.counts.tolist() == [int(each.counts[0]) for each in alone]
    assert together.edits.tobytes() == b"".join(each.edits.tobytes() for each in alone)
    assert together.refused == {index: each.refused[0] for index, each in enumerate(alone) if each.refused}


@given(st.lists(st.one_of(GOOD, FOREIGN), min_size=1, max_size=12))
def test_fast_way_agrees_with_the_slow_one_or_leaves_it_to_it(values: list[bytes]) -> None:
    fast = records._decode_all(values, SMALL)
    slow = records._decode_each(values, SMALL)
    if fast is None:
        assert slow.refused or SMALL.encode() in values
    else:
        assert not slow.refused
        assert fast.counts.tolist() == slow.counts.tolist()
        assert fast.edits.tobytes() == slow.edits.tobytes()


@given(FOREIGN)
@example(b"")
@example(b"\1")
def test_foreign_record_changes_nothing_or_is_one_of_ours(value: bytes) -> None:
    decoded = decode([value], SMALL)
    if decoded.refused:
        assert not len(decoded.edits)
    elif value != SMALL.encode():
        assert decoded.edits["x"].max() < SMALL.width
        assert decoded.edits["y"].max() < SMALL.height
        assert decoded.edits["color"].max() < SMALL.colors


@pytest.mark.parametrize("bad", [(5, 0, 0, 1), (0, 3, 0, 1), (0, 0, 4, 1)], ids=["x", "y", "color"])
def test_record_with_one_edit_outside_the_canvas_is_refused_whole(bad: tuple[int, int, int, int]) -> None:
    decoded = decode([record((1, 1, 1, 1), bad, (2, 2, 2, 2))], SMALL)
    assert not len(decoded.edits)
    assert "outside the canvas" in decoded.refused[0]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "at least 2"),
        (b"\2\1" + bytes(13), "format version 2"),
        (b"\1\7" + bytes(13), "type 7"),
        (b"\1\1", "multiple of 13"),
        (b"\1\1" + bytes(14), "multiple of 13"),
        (OTHER_CANVAS.encode(), "second canvas"),
        (b"\1\2\0\0\0\0" + bytes(6), "canvas record of 0 x 0"),
        (b"\1\2\1\0\1\0" + bytes(4), "palette of 4 bytes"),
    ],
)
def test_reason_says_what_is_wrong(value: bytes, reason: str) -> None:
    assert reason in decode([value], SMALL).refused[0]


def test_same_canvas_again_is_no_edit_and_no_error() -> None:
    decoded = decode([SMALL.encode(), record((1, 1, 1, 1)), SMALL.encode()], SMALL)
    assert decoded.counts.tolist() == [0, 1, 0]
    assert not decoded.refused


@given(
    st.integers(1, 4096),
    st.integers(1, 4096),
    st.integers(2, 256).flatmap(lambda n: st.binary(min_size=3 * n, max_size=3 * n)),
)
def test_any_canvas_comes_back(width: int, height: int, rgb: bytes) -> None:
    definition = Definition(width, height, rgb)
    assert Definition.decode(definition.encode()) == definition


@given(FOREIGN)
def test_what_is_no_canvas_is_refused_by_name(value: bytes) -> None:
    try:
        definition = Definition.decode(value)
    except RecordRefused:
        return
    assert definition.encode() == value


@pytest.mark.parametrize(
    ("width", "height", "palette_bytes"),
    [(0, 1, 6), (1, 0, 6), (4097, 1, 6), (1, 4097, 6), (1, 1, 3), (1, 1, 7), (1, 1, 771)],
)
def test_canvas_that_cannot_be_is_refused(width: int, height: int, palette_bytes: int) -> None:
    with pytest.raises(ValueError, match=r"."):
        Definition(width, height, bytes(palette_bytes))


def test_decoded_edits_of_a_run_can_be_read_as_columns() -> None:
    decoded = decode([record((1, 2, 3, 2**64 - 1)), record((4, 0, 1, 7))], SMALL)
    assert decoded.edits["author"].tolist() == [2**64 - 1, 7]
    assert decoded.edits["x"].astype(np.intp).tolist() == [1, 4]
