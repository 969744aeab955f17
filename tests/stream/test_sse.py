"""Server-sent events: a parser written from the standard reads our bytes as intended."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from placed.canvas.edit_code import EditCode
from placed.canvas.feed import MAX_FRAME_EDITS, Frame
from placed.canvas.limits import MAX_COLORS, MAX_SIDE_PX
from placed.stream import sse
from tests.support.records import SMALL, code_of
from tests.support.stream_client import Event, EventParser

if TYPE_CHECKING:
    from collections.abc import Callable

    Encode = Callable[[Frame, EditCode], bytes]

CODE = code_of(SMALL)
VERSIONS = st.integers(0, 2**63)
CODES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2), st.integers(0, 3)), max_size=10)


def pack(edits: list[tuple[int, int, int]]) -> bytes:
    """Edit codes, made by hand."""
    values = (x | y << CODE.x_bits | color << CODE.x_bits + CODE.y_bits for x, y, color in edits)
    return b"".join(value.to_bytes(CODE.size_bytes, "little") for value in values)


def test_time_to_reconnect_is_a_part_of_the_event_that_follows() -> None:
    assert sse.retry_line(1234) == b"retry: 1234\n"
    (event,) = EventParser().feed(sse.retry_line(1234) + sse.reload_event("future", 3, "log-1"))
    assert event.kind == "reload"


def test_frame_looks_as_documented() -> None:
    assert sse.codes_frame(Frame(7, b"\1\2\3"), CODE) == b"id: 7\ndata: AQID\n\n"
    assert sse.codes_frame(Frame(8, b""), CODE) == b"id: 8\ndata: \n\n"


@given(VERSIONS, CODES)
def test_any_frame_comes_back_in_both_formats(version: int, edits: list[tuple[int, int, int]]) -> None:
    frame = Frame(version, pack(edits))
    (event,) = EventParser().feed(sse.codes_frame(frame, CODE))
    assert event == Event(str(version), "message", base64.b64encode(frame.codes).decode())
    (event,) = EventParser().feed(sse.json_frame(frame, CODE))
    assert (event.id, event.kind) == (str(version), "message")
    assert json.loads(event.data) == {"v": version, "edits": [list(edit) for edit in edits]}


@pytest.mark.parametrize("count", [MAX_FRAME_EDITS - 1, MAX_FRAME_EDITS, MAX_FRAME_EDITS + 1, 16_384])
@pytest.mark.parametrize("encode", [sse.codes_frame, sse.json_frame])
def test_line_is_shorter_than_64_kb_whatever_a_record_holds(encode: Encode, count: int) -> None:
    code = EditCode.of(MAX_SIDE_PX, MAX_SIDE_PX, MAX_COLORS)
    x, y = np.full((2, count), MAX_SIDE_PX - 1, np.uint16)
    color = np.arange(count).astype(np.uint8)
    color |= np.uint8(128)  # three digits
    codes = code.pack(x, y, color)
    data = encode(Frame(2**63, codes), code)
    lines = data.split(b"\n")
    assert max(map(len, lines)) <= sse.MAX_LINE_BYTES
    if count <= MAX_FRAME_EDITS:
        assert len(lines) == 4  # the id, one line of data, and two ends
    (event,) = EventParser().feed(data)
    if encode is sse.json_frame:
        assert json.loads(event.data)["edits"] == np.stack([x, y, color], axis=1).tolist()
    else:
        assert base64.b64decode(event.data) == codes


@given(VERSIONS, st.integers(0, 2**31), st.booleans())
def test_status_comes_back_and_leaves_the_last_event_id_alone(version: int, viewers: int, writable: bool) -> None:
    event = sse.status_event(version, viewers, writable=writable)
    parser = EventParser()
    assert parser.feed(event) == []
    assert parser.statuses == [{"v": version, "viewers": viewers, "writable": writable}]
    assert b"id:" not in event


@given(st.sampled_from(["too-old", "future", "other-log"]), VERSIONS, st.text(max_size=64))
def test_reload_comes_back_and_leaves_the_last_event_id_alone(code: str, version: int, log_id: str) -> None:
    (event,) = EventParser().feed(sse.reload_event(code, version, log_id))
    assert (event.id, event.kind) == (None, "reload")
    assert json.loads(event.data) == {"code": code, "v": version, "log": log_id}


@given(st.lists(st.tuples(VERSIONS, CODES), max_size=6), st.data())
def test_stream_cut_into_any_pieces_is_the_same_stream(
    frames: list[tuple[int, list[tuple[int, int, int]]]], data: st.DataObject
) -> None:
    parts = [sse.codes_frame(Frame(version, pack(edits)), CODE) for version, edits in frames]
    whole = sse.status_event(9, 2, writable=True).join([sse.retry_line(1000), *parts])
    parser, events = EventParser(), list[Event]()
    while whole:
        size = data.draw(st.integers(1, 40))
        events += parser.feed(whole[:size])
        whole = whole[size:]
    assert [event.id for event in events] == [str(version) for version, _ in frames]
