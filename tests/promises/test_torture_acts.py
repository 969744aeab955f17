"""The ledger of the torture program notices what is wrong with acts."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest

from bench.torturing.broken import Broken
from bench.torturing.ledger import Ledger

LOG = "0" * 32
AREA = [0, 0, 2, 1]


def _act(kind: str, **fields: Any) -> bytes:
    return b"\x01\x03" + json.dumps({"kind": kind, "by": "0" * 16, **fields}).encode()


def _correction(act: int, *pixels: tuple[int, int, int]) -> bytes:
    return b"\x01\x04" + struct.pack("<Q", act) + b"".join(struct.pack("<HHB", *pixel) for pixel in pixels)


def _edit(x: int, y: int, color: int) -> bytes:
    return b"\x01\x01" + struct.pack("<HHBQ", x, y, color, 7)


def _ledger(*kinds: str) -> Ledger:
    ledger = Ledger(8, 8, 4)
    for kind in kinds:
        ledger.acts.ask(kind)
    return ledger


WIPE = _act("wipe", reason="0", area=AREA, color=3)
WIPED = [WIPE, _correction(0, (0, 0, 3), (1, 0, 3)), _act("done", act=0, pixels=2)]
UNDONE = [*WIPED, _act("undo", reason="1", act=0), _correction(3, (0, 0, 0), (1, 0, 0)), _act("done", act=3, pixels=2)]
LISTED = [
    {"id": 3, "kind": "undo", "done": True, "undone": False, "pixels": 2},
    {"id": 0, "kind": "wipe", "done": True, "undone": True, "pixels": 2},
]


def test_ledger_is_content_with_acts_that_are_whole() -> None:
    ledger = _ledger("wipe", "undo")
    ledger.acts.answer(0, {"id": 0, "v": 2, "pixels": 2})
    ledger.acts.answer(1, {"id": 3})
    ledger.read(LOG, UNDONE)
    ledger.acts.compare(LISTED, 100)
    ledger.acts.compare(LISTED[:1], 1)
    assert ledger.canvas_at(2)[:3] == bytes([3, 3, 0])
    assert ledger.canvas_at(6) == bytes(64)


def test_ledger_knows_what_an_undo_of_an_undo_of_an_undo_touches() -> None:
    ledger = _ledger("ban", "undo", "undo", "undo")
    acts = [_act("ban", reason="0"), *(_act("undo", reason=str(number), act=number - 1) for number in (1, 2, 3))]
    for end, undone in ((2, [0]), (3, [1]), (4, [0, 2])):
        ledger.read(LOG, acts[:end])
        kinds = [json.loads(value[2:])["kind"] for value in acts]
        listed = [{"id": it, "kind": kinds[it], "done": True, "undone": it in undone} for it in range(end)]
        ledger.acts.compare(listed[::-1], 100)


def test_ledger_lets_stay_what_was_painted_while_an_act_was_done() -> None:
    ledger = _ledger("wipe")
    number = next(number for number in range(64) if ledger.new_edit()[:2] == (1, 0))
    color = 1 + number // 64
    ledger.read(LOG, [WIPE, _edit(1, 0, color), _correction(0, (0, 0, 3)), _act("done", act=0, pixels=1)])
    assert ledger.canvas_at(4)[:2] == bytes([3, color])


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([], "the log to 0 has it at None"),
        ([WIPE], "isn't whole"),
        (WIPED[:2], "isn't whole"),
        ([WIPE, _correction(0, (0, 0, 3)), _act("done", act=0, pixels=1)], "1 of its pixels are wrong"),
        ([*WIPED[:2], _act("done", act=0, pixels=1)], "is done with 1 pixels"),
        ([*WIPED, WIPED[2]], "was done before"),
        ([*WIPED, WIPED[1]], "was done before"),
        ([*WIPED, WIPE], "in the log already"),
        ([*WIPED[:2], WIPED[1]], "has set the pixel 0, 0 already"),
        ([*WIPED, _act("ban", reason="7")], "nobody asked for"),
        ([*UNDONE[:4], _correction(3, (0, 0, 0)), _act("done", act=3, pixels=1)], "1 of its pixels are wrong"),
    ],
)
def test_ledger_notices_an_act_that_is_lost_broken_repeated_or_wrong(values: list[bytes], why: str) -> None:
    ledger = _ledger("wipe", "undo")
    ledger.acts.answer(0, {"id": 0, "v": 2, "pixels": 2})
    with pytest.raises(Broken, match=why):
        ledger.read(LOG, values)


def test_ledger_notices_an_act_that_was_refused_and_is_in_the_log() -> None:
    ledger = _ledger("wipe")
    ledger.acts.refuse(0)
    with pytest.raises(Broken, match="was refused"):
        ledger.read(LOG, WIPED)


@pytest.mark.parametrize(
    "listed",
    [
        [],
        LISTED[:1],
        LISTED[1:],
        [{**LISTED[0], "done": False}, LISTED[1]],
        [LISTED[0], {**LISTED[1], "undone": False}],
        [LISTED[0], {**LISTED[1], "pixels": None}],
    ],
)
def test_ledger_notices_a_record_of_acts_that_is_not_the_log_s(listed: list[dict[str, Any]]) -> None:
    ledger = _ledger("wipe", "undo")
    ledger.read(LOG, UNDONE)
    with pytest.raises(Broken, match="a server lists"):
        ledger.acts.compare(listed, 100)
