"""Events: their bytes are those of design.md, and every server decodes them alike."""

from __future__ import annotations

import json
import struct
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.canvas.definition import Definition
from placed.canvas.events import (
    EDIT,
    MAX_ACT_BYTES,
    PIXEL,
    Act,
    Broken,
    Canvas,
    Correction,
    Edits,
    Event,
    Run,
    Unknown,
    decode,
    decode_one,
)
from tests.canvas.any_events import FOREIGN, any_definition, any_event, some_edits
from tests.support.records import edits

VALUES = st.lists(st.one_of(some_edits().map(Edits.encode), any_event().map(Event.encode), FOREIGN), max_size=12)
BY = "0123456789abcdef"


def runs_of(values: list[bytes], *, first: int = 0) -> list[Run]:
    """The runs of these values; each record's time is ten times its offset."""
    offsets = np.arange(first, first + len(values))
    return decode(offsets, offsets * 10, values)


def act(text: str | bytes) -> bytes:
    """A record of type 3."""
    return b"\1\3" + (text.encode() if isinstance(text, str) else text)


def test_edits_are_packed_little_endian_thirteen_bytes_each() -> None:
    event = Edits(edits((1, 2, 3, 4), (0x1234, 0x5678, 0x9A, 0x1122334455667788)))
    packed = [struct.pack("<HHBQ", *edit) for edit in event.edits.tolist()]
    assert (EDIT.itemsize, event.encode()) == (13, b"\1\1" + packed[0] + packed[1])
    assert Edits.one(1, 2, 3, 4).encode() == b"\1\1" + packed[0]


def test_canvas_is_its_size_and_three_bytes_a_colour() -> None:
    assert Canvas(Definition(1000, 2, b"\1\2\3\4\5\6")).encode() == b"\1\2" + b"\xe8\3\2\0" + b"\1\2\3\4\5\6"


def test_act_is_json_with_kind_and_by_first() -> None:
    event = Act("ban", 0xAB, {"until": None, "reason": "ä"})
    assert event.encode() == act('{"kind":"ban","by":"00000000000000ab","until":null,"reason":"ä"}')


def test_correction_is_the_acts_id_and_five_bytes_a_pixel() -> None:
    event = Correction(0x0102030405060708, np.array([(1, 2, 3), (0x1234, 0x5678, 0x9A)], PIXEL))
    assert event.encode() == b"\1\4" + bytes.fromhex("0807060504030201 0100020003 341278569a")


@given(any_event())
def test_every_event_comes_back(event: Event) -> None:
    found = decode_one(event.encode())
    assert type(found) is type(event)
    assert found.encode() == event.encode()
    if isinstance(event, Act | Canvas):
        assert found == event


@given(FOREIGN)
def test_any_bytes_are_an_event_that_encodes_to_them(value: bytes) -> None:
    found = decode_one(value)
    if isinstance(found, Act):  # its names may be in another order
        assert decode_one(found.encode()) == found
    else:
        assert found.encode() == value


@given(any_definition())
def test_any_canvas_comes_back(definition: Definition) -> None:
    assert decode_one(Canvas(definition).encode()) == Canvas(definition)


@given(VALUES, st.integers(0, 2**40))
def test_runs_have_all_records_in_order_with_offset_and_time(values: list[bytes], first: int) -> None:
    runs = runs_of(values, first=first)
    assert [value for run in runs for value in run.values] == values
    assert [int(at) for run in runs for at in run.offsets] == [*range(first, first + len(values))]
    assert all((run.times_ms == run.offsets * 10).all() for run in runs)
    assert all(len(run) == len(run.values) == len(run.counts) >= 1 for run in runs)


@given(VALUES)
def test_run_of_records_says_what_each_says_alone(values: list[bytes]) -> None:
    together = runs_of(values)
    alone = [decode_one(value) for value in values]
    assert [int(count) for run in together for count in run.counts] == [event.pixel_count for event in alone]
    said = b"".join(run.event.payload() if isinstance(run.event, Edits) else run.event.encode() for run in together)
    assert said == b"".join(each.payload() if isinstance(each, Edits) else each.encode() for each in alone)


@given(VALUES)
def test_edits_between_two_other_records_are_one_run(values: list[bytes]) -> None:
    kinds = [type(run.event) for run in runs_of(values)]
    assert not any(first is second is Edits for first, second in pairwise(kinds))
    assert all(len(run) == 1 for run in runs_of(values) if not isinstance(run.event, Edits))


def test_docstrings_batch_makes_its_runs() -> None:
    one, two = Edits.one(1, 1, 1, 5), Edits(edits((1, 1, 1, 5), (2, 2, 2, 6)))
    corrected = Correction(9, np.array([(0, 0, 1)], PIXEL))
    values = [event.encode() for event in (two, one, Act("ban", 5), corrected, one)] + [b"\1\x09x", one.encode()]
    runs = runs_of(values, first=7)
    assert [type(run.event) for run in runs] == [Edits, Act, Correction, Edits, Unknown, Edits]
    assert [run.offsets.tolist() for run in runs] == [[7, 8], [9], [10], [11], [12], [13]]
    assert runs[0].counts.tolist() == [2, 1]
    assert isinstance(runs[0].event, Edits)
    assert runs[0].event.edits["author"].tolist() == [5, 6, 5]
    assert np.repeat(runs[0].offsets, runs[0].counts).tolist() == [7, 7, 8]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "at least 2"),
        (b"\1\1", "multiple of 13"),
        (b"\1\1" + bytes(14), "multiple of 13"),
        (b"\1\2\0\0\0", "canvas record"),
        (b"\1\2\0\0\0\0" + bytes(6), "canvas record of 0 x 0"),
        (b"\1\2\1\0\1\0" + bytes(4), "palette of 4 bytes"),
        (b"\1\4" + bytes(8), "correction"),
        (b"\1\4" + bytes(8 + 4), "multiple of 5"),
        (b"\1\4" + b"\xff" * 8 + bytes(5), "allowed are offsets"),
        (act("[1]"), "no object"),
        (act(f'{{"by":"{BY}"}}'), "kind None"),
        (act(f'{{"kind":"Ban","by":"{BY}"}}'), "kind 'Ban'"),
        (act(f'{{"kind":["ban"],"by":"{BY}"}}'), r"kind ['ban']"),
        (act('{"kind":"ban"}'), "by None"),
        (act('{"kind":"ban","by":"AB"}'), "by 'AB'"),
        (act(f'{{"kind":"ban","by":"{BY}","kind":"ban"}}'), "twice"),
        (act(f'{{"kind":"ban","by":"{BY}","n":NaN}}'), "NaN"),
        (act(f'{{"kind":"ban","by":"{BY}","n":1e999}}'), "64 bits"),
        (act(f'{{"kind":"ban","by":"{BY}","n":{2**64}}}'), "64 bits"),
        (act(f'{{"kind":"ban","by":"{BY}","n":{"9" * 5000}}}'), "64 bits"),
        (act(f'{{"kind":"ban","by":"{BY}","n":"\\ud800"}}'), "surrogate"),
        (act(b'{"kind":"\xff"}'), "decode"),
        (act("[" * 60_000), "levels"),
        (act(" " * (MAX_ACT_BYTES + 1)), f"allowed are {MAX_ACT_BYTES}"),
    ],
)
def test_broken_record_says_what_is_wrong(value: bytes, reason: str) -> None:
    found = decode_one(value)
    assert isinstance(found, Broken)
    assert reason in found.reason
    assert found.encode() == value


@pytest.mark.parametrize(("value", "what"), [(b"\2\1" + bytes(13), "format 2"), (b"\1\x07x", "type 7")])
def test_unknown_record_says_what_is_unknown(value: bytes, what: str) -> None:
    assert decode_one(value) == Unknown(value, what)


def test_sixteen_levels_and_brackets_in_strings_are_fine_in_an_act() -> None:
    deep = json.dumps({"kind": "ban", "by": BY, "text": '[{"\\[' * 40, "deep": json.loads("[" * 15 + "]" * 15)})
    assert isinstance(decode_one(act(deep)), Act)
    assert isinstance(decode_one(act(deep.replace("[[", "[[[").replace("]]", "]]]"))), Broken)


@pytest.mark.parametrize("event", [Edits(edits()), Correction(1, np.empty(0, PIXEL))])
def test_record_that_sets_nothing_is_not_encoded(event: Event) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        event.encode()


def test_act_that_is_too_long_is_not_encoded() -> None:
    with pytest.raises(ValueError, match=f"allowed are {MAX_ACT_BYTES}"):
        Act("announce", 1, {"text": "a" * MAX_ACT_BYTES}).encode()


@pytest.mark.parametrize("fields", [{"kind": "ban"}, {"by": BY}])
def test_act_has_its_kind_and_author_once(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="among its fields"):
        Act("ban", 1, fields)
