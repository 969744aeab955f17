"""Server-sent events: what our bytes mean to a parser written after the standard, and to nobody's surprise."""

from __future__ import annotations

import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from placed.feed import Frame
from placed.http import sse
from tests.promises.stream_client import Event, EventParser
from tests.records import SMALL, code_of

CODE = code_of(SMALL)
VERSIONS = st.integers(0, 2**63)
CODES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2), st.integers(0, 3)), max_size=10)


def pack(edits: list[tuple[int, int, int]]) -> bytes:
    """Edit codes, made by hand."""
    values = (x | y << CODE.x_bits | color << CODE.x_bits + CODE.y_bits for x, y, color in edits)
    return b"".join(value.to_bytes(CODE.size_bytes, "little") for value in values)


def test_opening_sets_the_reconnection_time_and_gets_past_buffers() -> None:
    assert sse.opening(1234) == b"retry: 1234\n:\n\n"
    assert EventParser().feed(sse.opening(1234)) == []


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
    whole = sse.status_event(9, 2, writable=True).join([sse.opening(1000), *parts])
    parser, events = EventParser(), list[Event]()
    while whole:
        size = data.draw(st.integers(1, 40))
        events += parser.feed(whole[:size])
        whole = whole[size:]
    assert [event.id for event in events] == [str(version) for version, _ in frames]
