"""The torture program's ledger notices faults in acts."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest

from bench.torturing.broken_promise import Broken
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


STAMPED = [_act("stamp", reason="0", area=AREA), _correction(0, (0, 0, 2), (1, 0, 1)), _act("done", act=0, pixels=2)]


def test_ledger_knows_what_a_stamp_leaves() -> None:
    for picture, is_right in (([2, 1], True), ([1, 2], False)):
        ledger = Ledger(8, 8, 4)
        ledger.acts.ask("stamp", picture)
        if is_right:
            ledger.read(LOG, STAMPED)
        else:
            with pytest.raises(Broken, match="2 of its pixels are wrong"):
                ledger.read(LOG, STAMPED)


def _theirs(color: int) -> list[bytes]:
    """A stranger paints a pixel, then the author 7 does, and paints another one; then 7's pixels are restored."""
    restore = _act("restore", reason="0", authors=[f"{7:016x}"])
    return [
        b"\x01\x01" + struct.pack("<HHBQ", 0, 0, 1, 5),
        _edit(7, 2, 1),  # the program's second pixel
        b"\x01\x01" + struct.pack("<HHBQ", 0, 0, 2, 7),
        restore,
        _correction(3, (0, 0, color), (7, 2, 0)),
        _act("done", act=3, pixels=2),
    ]


def test_ledger_knows_the_last_colour_by_anybody_else() -> None:
    for color, is_right in ((1, True), (0, False)):
        ledger = Ledger(8, 8, 4)
        ledger.acts.ask("restore")
        for _ in range(65):
            ledger.new_edit()
        if is_right:
            ledger.read(LOG, _theirs(color))
        else:
            with pytest.raises(Broken, match="1 of its pixels are wrong"):
                ledger.read(LOG, _theirs(color))


def _info(*, is_open: bool = True, opens: str | None = None, text: str | None = None) -> dict[str, Any]:
    announced = None if text is None else {"text": text, "until": None}
    return {"gate": {"open": is_open, "opens": opens, "closes": None}, "announcement": announced}


def test_ledger_knows_the_gate_its_plans_and_the_announcement() -> None:
    ledger = _ledger("close", "open", "announce", "close", "undo")
    gate = ledger.acts.gate
    values = [_act("close", reason="0"), _act("open", reason="1", at=5), _act("announce", reason="2", text="Hello")]
    ledger.read(LOG, values)
    assert gate.differs(_info(is_open=False, opens="soon", text="Hello")) is None
    assert gate.differs(_info(text="Bye")) is not None
    values += [
        _act("open", plan=1),
        _act("close", reason="3"),
        _act("open", plan=1),
    ]  # a second time, from another server
    ledger.read(LOG, values)
    assert gate.differs(_info(is_open=False, text="Hello")) is None
    assert gate.differs(_info(text="Hello")) is not None
    listed = [
        {"id": at, "kind": kind, "done": True, "undone": False}
        for at, kind in ((4, "close"), (3, "open"), (2, "announce"), (1, "open"), (0, "close"))
    ]
    ledger.acts.compare(listed, 100)
    ledger.acts.compare([{**listed[1], "id": 9, "plan": 8}, *listed], 100)  # an act since the log was read
    with pytest.raises(Broken, match="which nobody planned"):
        ledger.read(LOG, [*values, _act("open", plan=0)])


def test_ledger_knows_that_a_plan_was_undone() -> None:
    ledger = _ledger("close", "undo")
    ledger.read(LOG, [_act("close", reason="0", at=5), _act("undo", reason="1", act=0), _act("close", plan=0)])
    assert ledger.acts.gate.differs(_info()) is None


def _canvas(height: int) -> bytes:
    return b"\x01\x02" + struct.pack("<HH", 8, height) + bytes(range(12))


def test_ledger_grows_with_the_canvas() -> None:
    ledger = _ledger("grow", "wipe", "restore")
    grown = [_canvas(8), _act("grow", reason="0", width=8, height=9), _canvas(9), _act("done", act=1, pixels=0)]
    area = [0, 8, 1, 1]
    wiped = [_act("wipe", reason="1", area=area, color=3), _correction(4, (0, 8, 3)), _act("done", act=4, pixels=1)]
    restored = [
        *(_act("restore", reason="2", area=area, to={"v": 2}), _correction(7, (0, 8, 0))),
        _act("done", act=7, pixels=1),
    ]
    ledger.read(LOG, [*grown, *wiped, *restored])
    assert [len(ledger.canvas_at(version)) for version in (2, 3, 10)] == [64, 72, 72]
    assert ledger.canvas_at(6)[64] == 3
    for version in (2, 3, 10):
        ledger.sight("somebody", LOG, version, ledger.canvas_at(version))
    with pytest.raises(Broken, match="which nobody asked for"):
        ledger.read(LOG, [*grown, *wiped, *restored, _canvas(12)])
